//! Whether a backbone has been trained at all (EF19).

use std::collections::HashSet;

use edgefit_graph::rewrite::Head;
use edgefit_graph::{Attribute, Graph, Node};
use edgefit_guards::ef19_transfer::{Weight, looks_untrained};

use crate::error::Result;

/// Whether the backbone looks as it was made: all normalisation over the batch has gathered nothing,
/// or, where there is none, every weight looks drawn.
pub(crate) fn untrained(graph: &Graph, head: &Head) -> Result<bool> {
    let backbone = head.backbone(graph)?;
    let nodes = backbone.nodes.iter();
    let mut normalisations = nodes
        .filter(|node| node.op == "BatchNormalization")
        .peekable();
    if normalisations.peek().is_some() {
        return Ok(normalisations.all(|node| is_fresh(&backbone, node)));
    }
    let mut seen = HashSet::new();
    let weights = backbone.nodes.iter().filter_map(|node| {
        let name = weight_of(node).filter(|name| seen.insert((*name).to_owned()))?;
        weight(&backbone, node, name)
    });
    Ok(looks_untrained(&weights.collect::<Vec<_>>()))
}

/// Whether the running mean is 0 and the running variance 1, as they are made.
fn is_fresh(graph: &Graph, node: &Node) -> bool {
    let all = |at: usize, wanted: f32| {
        let tensor = node.input(at).and_then(|name| graph.initializers.get(name));
        let values = tensor.and_then(|tensor| tensor.to_f32().ok());
        values.is_some_and(|values| values.iter().all(|&value| value == wanted))
    };
    all(3, 0.0) && all(4, 1.0)
}

fn weight_of(node: &Node) -> Option<&str> {
    ["Conv", "Gemm", "MatMul"]
        .contains(&node.op.as_str())
        .then(|| node.input(1))
        .flatten()
}

/// The weight of a layer, output by output.
fn weight(graph: &Graph, node: &Node, name: &str) -> Option<Weight> {
    let tensor = graph.initializers.get(name)?;
    let values = tensor.to_f32().ok()?;
    let &[first, ref rest @ ..] = tensor.dims() else {
        return None;
    };
    let outputs_last = match node.op.as_str() {
        "MatMul" => true,
        "Gemm" => node.attributes.get("transB") != Some(&Attribute::Int(1)),
        _ => false,
    };
    match rest {
        [outputs] if outputs_last => {
            let column = |output: usize| values.iter().skip(output).step_by(*outputs).copied();
            Some(Weight {
                values: (0..*outputs).flat_map(column).collect(),
                outputs: *outputs,
            })
        }
        [_, ..] => Some(Weight {
            values,
            outputs: first,
        }),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Dim, Tensor, ValueInfo};

    use super::*;

    /// Two convolutions in front of a linear head; the second reads `weights`.
    fn graph(weights: &[f32]) -> Graph {
        let mut graph = Graph::new("g", 17);
        let dims = [32, 8, 8].map(Dim::Known);
        let dims = std::iter::once(Dim::Symbol("batch".into())).chain(dims);
        graph.inputs.push(ValueInfo::f32("x", dims.collect()));
        graph.outputs.push(ValueInfo::float("y"));
        let mut add = |name: &str, dims: &[usize], values: &[f32]| {
            let tensor = Tensor::from_values(dims.to_vec(), values);
            graph.initializers.insert(name.into(), tensor);
        };
        add("k", &[32, 32, 3, 1], weights);
        add("w", &[4, 32], &[0.0; 128]);
        graph.nodes = vec![
            Node::new("Conv", "conv", &["x", "k"], &["a"]),
            Node::new("Relu", "relu", &["a"], &["b"]),
            Node::new("GlobalAveragePool", "pool", &["b"], &["c"]),
            Node::new("Flatten", "flat", &["c"], &["f"]),
            Node::new("Gemm", "fc", &["f", "w"], &["y"]).with("transB", Attribute::Int(1)),
        ];
        graph
    }

    fn is_untrained(graph: &Graph) -> bool {
        let head = Head::of(graph, None).unwrap();
        untrained(graph, &head).unwrap()
    }

    /// Evenly spread over −1 … 1, in an order that mixes outputs.
    fn drawn() -> Vec<f32> {
        let place = |at: usize| (at * 1229 % 3072) as f32 / 1536.0 - 1.0;
        (0..3072).map(place).collect()
    }

    #[test]
    fn drawn_weights_are_untrained_and_others_not() {
        assert!(is_untrained(&graph(&drawn())));
        let trained: Vec<f32> = drawn().iter().map(|value| value.powi(5)).collect();
        assert!(!is_untrained(&graph(&trained)));
    }

    #[test]
    fn normalisation_says_whether_anything_was_gathered() {
        let with_mean = |mean: f32| {
            let mut graph = graph(&drawn());
            for (name, value) in [("one", 1.0), ("zero", 0.0), ("mean", mean)] {
                let tensor = Tensor::from_values(vec![32], &[value; 32]);
                graph.initializers.insert(name.into(), tensor);
            }
            graph.nodes[1] = Node::new(
                "BatchNormalization",
                "norm",
                &["a", "one", "zero", "mean", "one"],
                &["b"],
            );
            graph
        };
        assert!(is_untrained(&with_mean(0.0)));
        assert!(!is_untrained(&with_mean(0.1)));
    }
}
