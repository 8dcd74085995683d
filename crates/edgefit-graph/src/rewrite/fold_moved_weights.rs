//! Weights that stand behind a change of shape, stored as they are read.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use crate::evaluate::evaluate;
use crate::graph::{Graph, Node};
use crate::ops::OpReader;
use crate::tensor::Tensor;
use crate::tensor_type::TensorType;

/// Stores each weight that only a Transpose or a change of shape reads as that makes it, under the name
/// of the result, so that a head is found and replaced wherever its exporter moved the weight. Returns
/// how many nodes are gone.
pub fn fold_moved_weights(graph: &mut Graph) -> usize {
    let before = graph.nodes.len();
    let (made, gone) = moved_weights(graph);
    graph.nodes.retain(|node| {
        let mut outputs = node.outputs.iter();
        !outputs.any(|output| made.contains_key(output) || gone.contains(output))
    });
    graph.initializers.retain(|name, _| !gone.contains(name));
    graph
        .value_info
        .retain(|value| !made.contains_key(&value.name) && !gone.contains(&value.name));
    graph.initializers.extend(made);
    before - graph.nodes.len()
}

/// The moved weights by their new names, and the names that go.
fn moved_weights(graph: &Graph) -> (IndexMap<String, Tensor>, HashSet<String>) {
    let mut reads: HashMap<&str, usize> = HashMap::new();
    let declared = graph.inputs.iter().chain(&graph.outputs);
    let declared: HashSet<&str> = declared.map(|value| value.name.as_str()).collect();
    for name in graph.nodes.iter().flat_map(Node::present_inputs) {
        *reads.entry(name).or_default() += 1;
    }
    let mut reader = OpReader::new(graph);
    let (mut made, mut gone) = (IndexMap::new(), HashSet::new());
    for node in &graph.nodes {
        let (Some(weight), [output]) = (node.input(0), node.outputs.as_slice()) else {
            continue;
        };
        let alone = reads.get(weight) == Some(&1);
        if !alone || declared.contains(weight) || declared.contains(output.as_str()) {
            continue;
        }
        if let Some(tensor) = moved(node, &reader) {
            reader.learn(output, tensor.clone());
            made.shift_remove(weight);
            gone.insert(weight.to_owned());
            made.insert(output.clone(), tensor);
        }
    }
    (made, gone)
}

/// What `node` makes of a weight that is known.
fn moved(node: &Node, reader: &OpReader) -> Option<Tensor> {
    const MOVES: [&str; 5] = ["Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze"];
    if !node.is_onnx() || !MOVES.contains(&node.op.as_str()) {
        return None;
    }
    let inputs: Vec<Option<&Tensor>> = node
        .inputs
        .iter()
        .map(|name| reader.constant(name))
        .collect();
    if !inputs
        .first()?
        .is_some_and(|weight| weight.dtype().is_float())
    {
        return None;
    }
    let op = reader.read(node).ok()?;
    let types: Vec<Option<TensorType>> = inputs
        .iter()
        .map(|input| input.map(TensorType::of))
        .collect();
    let types: Vec<Option<&TensorType>> = types.iter().map(Option::as_ref).collect();
    let outputs = op.infer(&types, 1).ok()?;
    evaluate(&op, &inputs, &outputs)?.pop()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attribute;
    use crate::graph::{Dim, ValueInfo};
    use crate::rewrite::Head;

    #[test]
    fn a_head_whose_weight_is_transposed_in_the_graph_is_found() {
        let mut graph = Graph::new("g", 17);
        let dims = |size| vec![Dim::Symbol("n".into()), Dim::Known(size)];
        graph.inputs.push(ValueInfo::f32("x", dims(2)));
        graph.outputs.push(ValueInfo::f32("y", dims(3)));
        let weight = Tensor::from_values(vec![3, 2], &[0f32, 1.0, 2.0, 3.0, 4.0, 5.0]);
        graph.initializers.insert("w".into(), weight);
        let perm = Attribute::Ints(vec![1, 0]);
        graph.nodes = vec![
            Node::new("Transpose", "t", &["w"], &["wt"]).with("perm", perm),
            Node::new("MatMul", "fc", &["x", "wt"], &["y"]),
        ];
        let mut shared = graph.clone();
        assert_eq!(fold_moved_weights(&mut graph), 1);
        graph.check().unwrap();
        let moved = graph.initializers["wt"].to_f32().unwrap();
        assert_eq!(moved, [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
        assert_eq!(Head::of(&graph, None).unwrap().classes, 3);

        // Two readers train one weight.
        shared
            .nodes
            .push(Node::new("Relu", "other", &["w"], &["z"]));
        assert_eq!(fold_moved_weights(&mut shared), 0);
    }
}
