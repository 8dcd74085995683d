//! Bytes and work of a model by type, and the bytes that are for nothing.

use std::collections::HashSet;

use edgefit_graph::infer::Inference;
use edgefit_graph::quantized::IntegerNodes;
use edgefit_graph::{DataType, Graph};
use indexmap::IndexMap;
use serde::Serialize;

use crate::costs::NodeCost;

/// What a model has of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeShare {
    /// Name of the type, such as `int8` or `float32`.
    #[serde(rename = "type")]
    pub name: String,
    /// Bytes of its constants.
    pub weight_bytes: u64,
    /// Multiply-accumulates on it.
    pub macs: u64,
}

/// A constant that no node reads and that is no output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusedConstant {
    /// Its name.
    pub name: String,
    /// Its bytes in the file.
    pub bytes: u64,
}

/// Bytes and work by type, the most bytes first. A node between dequantising and quantising nodes works on
/// `int8`, see [`IntegerNodes`]; any other on the type of what it makes.
pub(crate) fn type_shares(
    graph: &Graph,
    inference: &Inference,
    nodes: &[NodeCost],
) -> Vec<TypeShare> {
    let mut shares: IndexMap<DataType, (u64, u64)> = IndexMap::new();
    for tensor in graph.initializers.values() {
        shares.entry(tensor.dtype()).or_default().0 += tensor.bytes().len() as u64;
    }
    let integers = IntegerNodes::of(graph);
    for (index, (node, cost)) in graph.nodes.iter().zip(nodes).enumerate() {
        let macs = cost.macs.unwrap_or(0);
        let made = node.present_outputs().find_map(|name| inference.get(name));
        let dtype = match made {
            _ if integers.contains(index) => DataType::I8,
            Some(made) => made.dtype,
            None => continue,
        };
        if macs > 0 {
            let sum = &mut shares.entry(dtype).or_default().1;
            *sum = sum.saturating_add(macs);
        }
    }
    let mut shares: Vec<TypeShare> = shares
        .into_iter()
        .map(|(dtype, (weight_bytes, macs))| TypeShare {
            name: dtype.to_string(),
            weight_bytes,
            macs,
        })
        .collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.weight_bytes));
    shares
}

/// The constants of `graph` that nothing reads; none where a subgraph may read them.
pub(crate) fn unused_constants(graph: &Graph) -> Vec<UnusedConstant> {
    let subgraphs = |op: &str| matches!(op, "If" | "Loop" | "Scan" | "SequenceMap");
    if graph.nodes.iter().any(|node| subgraphs(&node.op)) {
        return Vec::new();
    }
    let outputs = graph.outputs.iter().map(|output| output.name.as_str());
    let mut read: HashSet<&str> = outputs.collect();
    read.extend(graph.nodes.iter().flat_map(|node| node.present_inputs()));
    graph
        .initializers
        .iter()
        .filter(|(name, _)| !read.contains(name.as_str()))
        .map(|(name, tensor)| UnusedConstant {
            name: name.clone(),
            bytes: tensor.bytes().len() as u64,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use edgefit_graph::infer::{InputShapes, infer};
    use edgefit_graph::{Dim, Node, Tensor, ValueInfo};

    use super::*;
    use crate::costs::Costs;

    #[test]
    fn work_between_quantising_nodes_is_int8_and_the_rest_is_not() {
        let mut graph = Graph::new("half quantised", 17);
        let dims = [1, 4].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        let mut constant = |name: &str, tensor: Tensor| {
            graph.initializers.insert(name.into(), tensor);
        };
        constant("w", Tensor::from_values(vec![4, 4], &[1i8; 16]));
        constant("v", Tensor::from_values(vec![4, 2], &[1f32; 8]));
        constant("left over", Tensor::from_values(vec![3], &[1f32; 3]));
        constant("s", Tensor::from_values(vec![], &[0.1f32]));
        constant("z", Tensor::from_values(vec![], &[0i8]));
        graph.nodes = vec![
            Node::new("QuantizeLinear", "q", &["x", "s", "z"], &["xq"]),
            Node::new("DequantizeLinear", "dx", &["xq", "s", "z"], &["xd"]),
            Node::new("DequantizeLinear", "dw", &["w", "s", "z"], &["wd"]),
            Node::new("MatMul", "integers", &["xd", "wd"], &["h"]),
            Node::new("MatMul", "floats", &["h", "v"], &["y"]),
        ];
        let shapes = InputShapes::bind(&graph, 1, None).unwrap();
        let inference = infer(&graph, &shapes).unwrap();
        let nodes = Costs::of(&graph, &inference).nodes;
        let found = type_shares(&graph, &inference, &nodes);
        let of = |name: &str, weight_bytes, macs| TypeShare {
            name: name.into(),
            weight_bytes,
            macs,
        };
        assert_eq!(found, [of("float32", 32 + 12 + 4, 8), of("int8", 17, 16)]);
        let unused = unused_constants(&graph);
        assert_eq!(
            (unused[0].name.as_str(), unused[0].bytes),
            ("left over", 12)
        );
        assert_eq!(unused.len(), 1);
    }
}
