//! What a graph does to its images before its first layer.

use edgefit_graph::topology::Topology;
use edgefit_graph::{Graph, Node};
use edgefit_guards::ef06_preprocessing::Inside;

/// How far a factor may be from 1 and a summand from 0 that do nothing, as of a normalisation that was
/// made and never trained.
const NEUTRAL: f64 = 0.01;

/// What the graph does to each channel of its input before the first operation that is not one of
/// scaling, moving, casting or turning; `None` where it does nothing.
pub(crate) fn scales_inside(graph: &Graph) -> Option<Inside> {
    let topology = Topology::of(graph);
    let mut value = graph.free_inputs().next()?.name.as_str();
    let mut inside = Inside {
        operations: Vec::new(),
        scale: vec![1.0],
        offset: vec![0.0],
    };
    while let Some(at) = topology.sole_consumer(value) {
        let node = &graph.nodes[at];
        match node.op.as_str() {
            "Cast" | "Identity" | "Transpose" => {}
            _ => {
                let Some([scale, offset]) = step(graph, node, value) else {
                    break;
                };
                inside.then(&scale, &offset);
                inside.operations.push(node.label().to_owned());
            }
        }
        value = node.present_outputs().next()?;
    }
    let is_kept = |value: &f64, neutral: f64| (value - neutral).abs() <= NEUTRAL;
    let kept = inside.scale.iter().all(|scale| is_kept(scale, 1.0))
        && inside.offset.iter().all(|offset| is_kept(offset, 0.0));
    (!kept).then_some(inside)
}

/// The factor and the summand of each channel, of what `node` makes of `value`; `None` if it is
/// anything else.
fn step(graph: &Graph, node: &Node, value: &str) -> Option<[Vec<f64>; 2]> {
    let constant = |at: usize| -> Option<Vec<f64>> {
        let tensor = graph.initializers.get(node.input(at)?)?;
        // One for all, or one for each channel, whichever axis that is.
        let channels = tensor.elements();
        let is_channels = tensor.dims().iter().all(|dim| [1, channels].contains(dim));
        let values = tensor.to_f32().ok()?.into_iter().map(f64::from);
        (is_channels && channels > 0).then(|| values.collect())
    };
    let first = node.input(0) == Some(value);
    let other = || constant(usize::from(first));
    let each = |values: Vec<f64>, change: fn(f64) -> f64| -> Vec<f64> {
        values.into_iter().map(change).collect()
    };
    match (node.op.as_str(), first) {
        ("Mul", _) => Some([other()?, vec![0.0]]),
        ("Div", true) => Some([each(other()?, f64::recip), vec![0.0]]),
        ("Add", _) => Some([vec![1.0], other()?]),
        ("Sub", true) => Some([vec![1.0], each(other()?, |value| -value)]),
        ("Sub", false) => Some([vec![-1.0], other()?]),
        ("BatchNormalization", true) => {
            let [gamma, beta, mean, variance] = [1, 2, 3, 4].map(constant);
            let (gamma, beta, mean, variance) = (gamma?, beta?, mean?, variance?);
            let epsilon = f64::from(node.float_or("epsilon", 1e-5).ok()?);
            let scale: Vec<f64> = gamma
                .iter()
                .zip(&variance)
                .map(|(gamma, variance)| gamma / (variance + epsilon).sqrt())
                .collect();
            let moved = beta.iter().zip(mean.iter().zip(&scale));
            let offset = moved.map(|(beta, (mean, scale))| beta - mean * scale);
            let offset = offset.collect();
            Some([scale, offset])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Tensor, ValueInfo};

    use super::*;

    /// x → the nodes → Conv
    fn graph(nodes: Vec<Node>, constants: &[(&str, &[usize], &[f32])]) -> Graph {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::float("x"));
        graph.outputs.push(ValueInfo::float("y"));
        for (name, dims, values) in constants {
            let tensor = Tensor::from_values(dims.to_vec(), values);
            graph.initializers.insert((*name).into(), tensor);
        }
        graph.nodes = nodes;
        let last = graph.nodes.last().map_or("x", |node| &node.outputs[0]);
        let conv = Node::new("Conv", "conv", &[last, "k"], &["y"]);
        graph.nodes.push(conv);
        graph
    }

    #[test]
    fn all_ways_to_write_a_scaling_are_read() {
        let mean: &[f32] = &[127.0; 3];
        let cases = [
            graph(
                vec![
                    Node::new("Sub", "centre", &["x", "m"], &["a"]),
                    Node::new("Div", "scale", &["a", "s"], &["b"]),
                ],
                &[("m", &[1, 3, 1, 1], mean), ("s", &[], &[128.0])],
            ),
            graph(
                vec![
                    Node::new("Cast", "cast", &["x"], &["c"]),
                    Node::new("Transpose", "turn", &["c"], &["t"]),
                    Node::new("Mul", "scale", &["s", "t"], &["a"]),
                    Node::new("Add", "move", &["a", "m"], &["b"]),
                ],
                &[("m", &[1], &[-127.0 / 128.0]), ("s", &[], &[1.0 / 128.0])],
            ),
            graph(
                vec![
                    Node::new(
                        "BatchNormalization",
                        "norm",
                        &["x", "g", "z", "m", "v"],
                        &["b"],
                    )
                    .with("epsilon", edgefit_graph::Attribute::Float(0.0)),
                ],
                &[
                    ("g", &[3], &[1.0; 3]),
                    ("z", &[3], &[0.0; 3]),
                    ("m", &[3], mean),
                    ("v", &[3], &[128.0 * 128.0; 3]),
                ],
            ),
        ];
        for graph in cases {
            let inside = scales_inside(&graph).unwrap();
            for (scale, offset) in inside.scale.iter().zip(&inside.offset) {
                assert!((scale - 1.0 / 128.0).abs() < 1e-6, "{inside:?}");
                assert!((offset + 127.0 / 128.0).abs() < 1e-6, "{inside:?}");
            }
        }
    }

    #[test]
    fn a_layer_ends_it_and_nothing_is_nothing() {
        assert!(scales_inside(&graph(Vec::new(), &[])).is_none());
        let cast = Node::new("Cast", "cast", &["x"], &["c"]);
        assert!(scales_inside(&graph(vec![cast], &[])).is_none());
        let fresh = Node::new(
            "BatchNormalization",
            "norm",
            &["x", "o", "z", "z", "o"],
            &["b"],
        );
        let constants: [(&str, &[usize], &[f32]); 2] =
            [("o", &[3], &[1.0; 3]), ("z", &[3], &[0.0; 3])];
        assert!(scales_inside(&graph(vec![fresh], &constants)).is_none());
        let table: &[f32] = &[1.0, 2.0, 3.0, 4.0];
        let position = Node::new("Add", "position", &["x", "p"], &["a"]);
        assert!(scales_inside(&graph(vec![position], &[("p", &[2, 2], table)])).is_none());
    }
}
