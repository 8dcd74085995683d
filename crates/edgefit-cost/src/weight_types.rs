//! The types that weights are computed with, which may be wider than those they are stored in.

use std::collections::HashMap;

use edgefit_device::ElementType;
use edgefit_graph::quantized::IntegerNodes;
use edgefit_graph::topology::Topology;
use edgefit_graph::{DataType, Graph};

/// For each initializer of `graph` that is read by nothing but casts, what the first of them makes of it:
/// engines do that once, while they load. A dequantised weight is cast where no integer kernel reads it.
pub(crate) fn cast_weights(graph: &Graph) -> HashMap<&str, DataType> {
    let mut casts: HashMap<&str, DataType> = HashMap::new();
    let (integers, topology) = (IntegerNodes::of(graph), Topology::of(graph));
    for node in &graph.nodes {
        let made = node.int_or("to", 0).ok();
        let made = made.and_then(|code| DataType::from_code(i32::try_from(code).ok()?));
        if let ("Cast", Some(made), Some(weight)) = (node.op.as_str(), made, node.input(0))
            && graph.initializers.contains_key(weight)
        {
            casts.entry(weight).or_insert(made);
        }
        if let ("DequantizeLinear", Some(weight)) = (node.op.as_str(), node.input(0))
            && graph.initializers.contains_key(weight)
        {
            let mut readers = node
                .present_outputs()
                .flat_map(|name| topology.consumers(name));
            if !readers.any(|&reader| integers.contains(reader)) {
                casts.entry(weight).or_insert(DataType::F32);
            }
        }
    }
    let casting = |op: &str| matches!(op, "Cast" | "DequantizeLinear");
    for node in graph.nodes.iter().filter(|node| !casting(&node.op)) {
        for input in node.present_inputs() {
            casts.remove(input);
        }
    }
    casts
}

/// The element type that most of the weights of `graph` are computed with.
pub(crate) fn computed_type(graph: &Graph) -> ElementType {
    let casts = cast_weights(graph);
    let elements = |types: &[DataType]| -> usize {
        graph
            .initializers
            .iter()
            .filter(|(name, tensor)| {
                let cast = casts.get(name.as_str()).copied();
                types.contains(&cast.unwrap_or(tensor.dtype()))
            })
            .map(|(_, tensor)| tensor.elements())
            .sum()
    };
    let wide = elements(&[DataType::F32, DataType::F64]);
    let half = elements(&[DataType::F16, DataType::BF16]);
    let narrow = elements(&[DataType::I8, DataType::U8]);
    if narrow > wide.max(half) {
        ElementType::Int8
    } else if half > wide {
        ElementType::F16
    } else {
        ElementType::F32
    }
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Attribute, Node, Tensor};

    use super::*;

    #[test]
    fn weights_behind_casts_count_as_what_is_made_of_them() {
        let mut graph = Graph::new("casts", 17);
        let half = Tensor::new(DataType::F16, vec![4], vec![0; 8].into()).unwrap();
        graph.initializers.insert("w".into(), half);
        let mut cast = Node::new("Cast", "cast", &["w"], &["wide"]);
        cast.attributes.insert("to".into(), Attribute::Int(1));
        graph.nodes.push(cast);
        assert_eq!(computed_type(&graph), ElementType::F32);
        assert_eq!(cast_weights(&graph)["w"], DataType::F32);
        graph.nodes.push(Node::new("Relu", "relu", &["w"], &["y"]));
        assert_eq!(computed_type(&graph), ElementType::F16);
        assert!(cast_weights(&graph).is_empty());
    }

    #[test]
    fn weights_that_are_dequantised_for_floats_count_as_floats() {
        let mut graph = Graph::new("weights alone", 17);
        let weight = Tensor::from_values(vec![2, 2], &[1i8; 4]);
        graph.initializers.insert("w".into(), weight);
        graph.nodes = vec![
            Node::new("DequantizeLinear", "dw", &["w", "s"], &["wd"]),
            Node::new("MatMul", "fc", &["x", "wd"], &["y"]),
        ];
        assert_eq!(computed_type(&graph), ElementType::F32);
        let activation = Node::new("DequantizeLinear", "dx", &["q", "s"], &["x"]);
        graph.nodes.insert(0, activation);
        assert_eq!(computed_type(&graph), ElementType::Int8);
    }
}
