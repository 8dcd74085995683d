//! Scale and zero point of a quantising or dequantising node.

use serde::Serialize;

use crate::graph::{Graph, Node};
use crate::tensor::DataType;
use crate::topology::Topology;

/// What integers stand for: `(integer − zero point) · scale`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scaling {
    /// Type of the integers.
    #[serde(serialize_with = "name_of_type")]
    pub dtype: DataType,
    /// One scale, or one for each slice along `axis`.
    pub scales: Vec<f32>,
    /// As many zero points.
    pub zero_points: Vec<i64>,
    /// Axis of the scales; `None` where there is one.
    pub axis: Option<i64>,
}

fn name_of_type<S: serde::Serializer>(dtype: &DataType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(dtype)
}

impl Scaling {
    /// That of `node`, a QuantizeLinear or DequantizeLinear; `None` of any other node, and where a scale or
    /// zero point is no constant, or one for each block, or the integers are of a type that is not known.
    ///
    /// ```
    /// use edgefit_graph::quantized::Scaling;
    /// use edgefit_graph::topology::Topology;
    /// use edgefit_graph::{DataType, Graph, Node, Tensor};
    ///
    /// let mut graph = Graph::new("g", 17);
    /// graph.initializers.insert("s".into(), Tensor::from_values(vec![], &[0.5f32]));
    /// graph.initializers.insert("z".into(), Tensor::from_values(vec![], &[-3i8]));
    /// graph.nodes.push(Node::new("QuantizeLinear", "q", &["x", "s", "z"], &["y"]));
    /// let found = Scaling::of(&graph, &Topology::of(&graph), &graph.nodes[0]).unwrap();
    /// assert_eq!((found.dtype, found.scales[0], found.zero_points[0]), (DataType::I8, 0.5, -3));
    /// ```
    pub fn of(graph: &Graph, topology: &Topology, node: &Node) -> Option<Self> {
        let known = matches!(node.op.as_str(), "QuantizeLinear" | "DequantizeLinear");
        if !known || node.int_or("block_size", 0).ok()? != 0 {
            return None;
        }
        let constant = |index: usize| graph.initializers.get(node.input(index)?);
        let scales = constant(1)?.to_f32().ok()?;
        let (zero_points, dtype) = match node.input(2) {
            Some(_) => {
                let tensor = constant(2)?;
                (tensor.to_i64().ok()?, tensor.dtype())
            }
            None => (
                vec![0; scales.len()],
                without_zero_point(graph, topology, node)?,
            ),
        };
        (scales.len() == zero_points.len()).then(|| Scaling {
            dtype,
            axis: (scales.len() > 1).then(|| node.int_or("axis", 1).unwrap_or(1)),
            scales,
            zero_points,
        })
    }

    /// Smallest and largest integer, where it has 8 bits.
    pub fn limits(&self) -> Option<(i64, i64)> {
        match self.dtype {
            DataType::I8 => Some((i8::MIN.into(), i8::MAX.into())),
            DataType::U8 => Some((u8::MIN.into(), u8::MAX.into())),
            _ => None,
        }
    }
}

/// The integer type where no zero point says it: that of what is read, or that which is asked for; `None` if that
/// is not known.
fn without_zero_point(graph: &Graph, topology: &Topology, node: &Node) -> Option<DataType> {
    let asked = |node: &Node| match node.int_or("output_dtype", 0).ok()? {
        0 => Some(DataType::U8),
        code => DataType::from_code(i32::try_from(code).ok()?),
    };
    if node.op == "QuantizeLinear" {
        return asked(node);
    }
    let name = node.input(0)?;
    if let Some(tensor) = graph.initializers.get(name) {
        return Some(tensor.dtype());
    }
    let Some(maker) = topology.producer(name) else {
        return Some(DataType::U8);
    };
    let maker = &graph.nodes[maker];
    match maker.input(2).and_then(|name| graph.initializers.get(name)) {
        Some(zero_point) => Some(zero_point.dtype()),
        None => asked(maker),
    }
}

/// The distance between two neighbouring numbers that `value` can take, where it comes out of a
/// DequantizeLinear with a single scale, or is integers itself; `None` of any other value.
pub fn step_of(graph: &Graph, value: &str) -> Option<f32> {
    let mut nodes = graph.nodes.iter();
    let maker = nodes.find(|node| node.present_outputs().any(|name| name == value))?;
    match maker.op.as_str() {
        "QuantizeLinear" => Some(1.0),
        "DequantizeLinear" => match Scaling::of(graph, &Topology::of(graph), maker)?.scales[..] {
            [scale] => Some(scale),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attribute;
    use crate::tensor::Tensor;

    #[test]
    fn a_type_that_is_not_known_is_not_taken_for_another() {
        let mut graph = Graph::new("g", 21);
        let scale = Tensor::from_values(vec![], &[0.5f32]);
        graph.initializers.insert("s".into(), scale);
        let quantize = Node::new("QuantizeLinear", "q", &["x", "s"], &["y"]);
        // int16; int4, which has no tensors here.
        for (code, dtype) in [(5, Some(DataType::I16)), (22, None)] {
            let quantize = quantize.clone();
            graph.nodes = vec![
                quantize.with("output_dtype", Attribute::Int(code)),
                Node::new("DequantizeLinear", "d", &["y", "s"], &["z"]),
            ];
            for node in &graph.nodes {
                let found = Scaling::of(&graph, &Topology::of(&graph), node);
                assert_eq!(found.map(|found| found.dtype), dtype);
            }
        }
    }
}
