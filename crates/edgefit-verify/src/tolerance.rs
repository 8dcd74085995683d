//! How far two results may be apart.

use edgefit_graph::quantized::computes_quantized;
use edgefit_graph::{DataType, Graph, ValueInfo, ValueType};
use serde::Serialize;

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
        nan_is_nan: false,
    };

    /// For results that were computed in 16 bits.
    pub const F16: Tolerance = Tolerance {
        atol: 1e-2,
        rtol: 0.0,
        cosine: Some(0.9999),
        nan_is_nan: false,
    };

    /// For results of quantised layers: a value that lies between two steps may be rounded either way,
    /// so single elements say nothing.
    pub const INT8: Tolerance = Tolerance {
        atol: f32::INFINITY,
        rtol: 0.0,
        cosine: Some(0.99),
        nan_is_nan: false,
    };

    /// For indices, masks and other integers.
    pub const EXACT: Tolerance = Tolerance {
        atol: 0.0,
        rtol: 0.0,
        cosine: None,
        nan_is_nan: false,
    };

    /// The one that goes with a declared value of `graph`.
    pub fn of(graph: &Graph, value: &ValueInfo) -> Self {
        match value.ty {
            ValueType::Tensor { dtype, .. } => Tolerance::of_type(graph, dtype),
            ValueType::Opaque(_) => Tolerance::of_type(graph, DataType::F32),
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
    }
}
