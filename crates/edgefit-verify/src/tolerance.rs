//! How far two results may be apart.

use edgefit_graph::quantized::{computes_quantized, step_of};
use edgefit_graph::{DataType, Graph, ValueInfo, ValueType};
use serde::Serialize;

/// Steps of a dequantised result that two kernels may be apart: each rounds its sum to the nearest, and what
/// it reads may differ by one.
pub const STEPS: f32 = 2.0;

/// Least cosine of the angle between results of quantised layers.
pub const LEAST_COSINE: f64 = 0.99;

/// How far two results may be apart: `|a − b| ≤ atol · max(1, max |b|) + rtol · |b|` for every
/// element, and what else is given.
///
/// ```
/// use edgefit_graph::{DataType, Graph};
/// use edgefit_verify::Tolerance;
///
/// let graph = Graph::new("empty", 17);
/// assert_eq!(Tolerance::of_type(&graph, DataType::F32), Tolerance::F32);
/// assert_eq!(Tolerance::of_type(&graph, DataType::I64), Tolerance::EXACT);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Tolerance {
    /// Share of the largest value; infinite (`null` in JSON) where elements are not held.
    pub atol: f32,
    /// Share of the value itself.
    pub rtol: f32,
    /// Least cosine of the angle between a and b.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cosine: Option<f64>,
    /// Distance between two neighbouring numbers of a dequantised result: results no further apart than
    /// [`STEPS`] of them are within, whatever else is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<f32>,
    /// Whether a NaN is accepted where b has one, too: for inputs that are made to overflow.
    #[serde(skip)]
    pub nan_is_nan: bool,
}

impl Tolerance {
    /// For float32 results.
    pub const F32: Tolerance = Tolerance {
        atol: 1e-4,
        rtol: 1e-3,
        cosine: None,
        step: None,
        nan_is_nan: false,
    };

    /// For results that were computed in 16 bits.
    pub const F16: Tolerance = Tolerance {
        atol: 1e-2,
        rtol: 0.0,
        cosine: Some(0.9999),
        step: None,
        nan_is_nan: false,
    };

    /// For results of quantised layers: a value that lies between two steps may be rounded either way,
    /// so single elements say nothing.
    pub const INT8: Tolerance = Tolerance {
        atol: f32::INFINITY,
        rtol: 0.0,
        cosine: Some(LEAST_COSINE),
        step: None,
        nan_is_nan: false,
    };

    /// For indices, masks and other integers.
    pub const EXACT: Tolerance = Tolerance {
        atol: 0.0,
        rtol: 0.0,
        cosine: None,
        step: None,
        nan_is_nan: false,
    };

    /// The one that goes with a declared value of `graph`.
    pub fn of(graph: &Graph, value: &ValueInfo) -> Self {
        let dtype = match value.ty {
            ValueType::Tensor { dtype, .. } => dtype,
            ValueType::Opaque(_) => DataType::F32,
        };
        Tolerance {
            step: step_of(graph, &value.name),
            ..Tolerance::of_type(graph, dtype)
        }
    }

    /// The one for values of type `dtype` in `graph`.
    pub fn of_type(graph: &Graph, dtype: DataType) -> Self {
        let of_floats = || {
            let narrow = |dtype| matches!(dtype, DataType::F16 | DataType::BF16);
            let weights = graph.initializers.values();
            if narrow(dtype) || weights.into_iter().any(|tensor| narrow(tensor.dtype())) {
                Tolerance::F16
            } else {
                Tolerance::F32
            }
        };
        let bytes = matches!(dtype, DataType::I8 | DataType::U8);
        if graph.nodes.iter().any(computes_quantized) && (dtype.is_float() || bytes) {
            Tolerance::INT8
        } else if dtype.is_float() {
            of_floats()
        } else {
            Tolerance::EXACT
        }
    }
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Node, Tensor};

    use super::*;

    #[test]
    fn the_data_type_decides() {
        let mut graph = Graph::new("g", 17);
        let of = |graph: &Graph, dtype| Tolerance::of_type(graph, dtype);
        assert_eq!(of(&graph, DataType::F32), Tolerance::F32);
        assert_eq!(of(&graph, DataType::I64), Tolerance::EXACT);
        let half = Tensor::from_f64(DataType::F16, vec![1], &[1.0]).unwrap();
        graph.initializers.insert("w".into(), half);
        assert_eq!(of(&graph, DataType::F32), Tolerance::F16);
        let quantize = Node::new("QuantizeLinear", "q", &["x", "s"], &["y"]);
        graph.nodes.push(quantize);
        assert_eq!(of(&graph, DataType::F32), Tolerance::INT8);
        assert_eq!(of(&graph, DataType::U8), Tolerance::INT8);
        assert_eq!(of(&graph, DataType::Bool), Tolerance::EXACT);
        let scale = Tensor::from_values(vec![], &[0.25f32]);
        graph.initializers.insert("s".into(), scale);
        let dequantize = Node::new("DequantizeLinear", "d", &["y", "s"], &["z"]);
        graph.nodes.push(dequantize);
        let output = ValueInfo::f32("z", vec![]);
        assert_eq!(Tolerance::of(&graph, &output).step, Some(0.25));
    }
}
