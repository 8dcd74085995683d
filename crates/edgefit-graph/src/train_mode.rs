//! Nodes that behave as in training, though a model that is used has to be in eval mode.

use crate::graph::{Graph, Node};

/// What a node does that only training should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Training {
    /// Normalises by the statistics of the batch at hand.
    Normalization,
    /// Drops values out.
    Dropout,
    /// Draws random numbers.
    Random,
}

/// All such nodes with what they do, in graph order.
pub fn in_train_mode(graph: &Graph) -> impl Iterator<Item = (&Node, Training)> {
    graph
        .nodes
        .iter()
        .filter_map(|node| Some((node, training(graph, node)?)))
}

fn training(graph: &Graph, node: &Node) -> Option<Training> {
    match node.op.as_str() {
        _ if !node.is_onnx() => None,
        "BatchNormalization" => {
            let mode = node.int_or("training_mode", 0);
            mode.is_ok_and(|mode| mode != 0)
                .then_some(Training::Normalization)
        }
        "Dropout" => {
            let mode = graph.initializers.get(node.input(2)?)?;
            (*mode.bytes().first()? != 0).then_some(Training::Dropout)
        }
        "RandomNormal" | "RandomNormalLike" | "RandomUniform" | "RandomUniformLike"
        | "Multinomial" | "Bernoulli" => Some(Training::Random),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attribute;
    use crate::tensor::{DataType, Tensor};

    #[test]
    fn each_kind_is_found_and_eval_mode_is_not() {
        let mut graph = Graph::new("g", 17);
        for (name, value) in [("on", 1), ("off", 0)] {
            let flag = Tensor::from_i64(DataType::Bool, vec![], &[value]).unwrap();
            graph.initializers.insert(name.into(), flag);
        }
        let norm = |mode| {
            Node::new("BatchNormalization", "", &["x"], &["y"])
                .with("training_mode", Attribute::Int(mode))
        };
        graph.nodes = vec![
            norm(1),
            norm(0),
            Node::new("Dropout", "", &["x", "", "on"], &["a"]),
            Node::new("Dropout", "", &["x", "", "off"], &["b"]),
            Node::new("Dropout", "", &["x"], &["c"]),
            Node::new("RandomNormalLike", "", &["x"], &["d"]),
        ];
        let found: Vec<Training> = in_train_mode(&graph).map(|(_, what)| what).collect();
        assert_eq!(
            found,
            [Training::Normalization, Training::Dropout, Training::Random]
        );
    }
}
