use edgefit_graph::Graph;
use serde::Serialize;

use super::compare::Pair;
use super::search::Search;
use super::statistics::Statistics;
use super::tolerance::Tolerance;
use crate::array::Array;
use crate::error::Result;
use crate::isolated::Executor;

/// A model in an engine.
pub struct Side<'a> {
    /// The model.
    pub graph: &'a Graph,
    /// The engine.
    pub engine: &'a mut dyn Executor,
}

/// The node at which two sides part.
#[derive(Debug, Clone, Serialize)]
pub struct Divergence {
    /// Name of the node, or of its output.
    pub node: String,
    /// Its operator.
    pub op: String,
    /// Its output that differs.
    pub value: String,
    /// How far that is apart in the whole model.
    pub difference: Option<Pair>,
    /// How far it is apart when both sides compute the node from the same inputs. Beyond the tolerance,
    /// the node is the culprit; within it, or `None`, the node is the first where errors from before
    /// add up to more than the tolerance.
    pub alone: Option<Pair>,
    /// The nodes of the smallest part that reproduces it, where one does.
    pub nodes: Vec<String>,
    /// What the node reads: values as the second side computes them, and weights.
    pub inputs: Vec<Statistics>,
    /// Why, where it is known.
    pub cause: Option<String>,
    /// That part.
    #[serde(skip)]
    pub reduced: Option<Reduced>,
}

/// A part of a model that two sides compute differently.
#[derive(Debug, Clone)]
pub struct Reduced {
    /// On the first side.
    pub a: Graph,
    /// On the second.
    pub b: Graph,
    /// Its inputs by name.
    pub inputs: Vec<(String, Array)>,
}

/// The node at which `a` and `b` part on `inputs`: two engines on one model, or one engine on two
/// models whose values have the same names.
///
/// All values that both can show become outputs and are compared in graph order. A node whose result
/// is beyond the tolerance is run alone on both sides with the inputs that `b` computed: if it is still
/// beyond, it is named. Of two models only those nodes can be the culprit that are not alike in both.
///
/// Values that are outputs cannot be fused away. Where that hides the divergence, the model is cut off
/// behind one value after the other instead, found by bisection, and the last nodes before the cut are
/// run together, ever more of them, until they reproduce it. Float values are held to `tolerance`, or
/// to what their types ask for.
///
/// # Errors
/// An engine crashes.
pub fn first_divergence<'a>(
    a: Side<'a>,
    b: Side<'a>,
    inputs: &'a [Array],
    tolerance: Option<Tolerance>,
) -> Result<Option<Divergence>> {
    let mut search = Search::new(a, b, inputs, tolerance);
    match search.all_values() {
        Some(found) => Ok(Some(found)),
        None => search.bisected(),
    }
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Attribute, Dim, Node, Tensor, ValueInfo};

    use super::*;
    use crate::EngineName;
    use crate::isolated::Local;

    /// x → scale → (leaky) → sum over a row → y
    fn graph(alpha: f32, weight: f32) -> Graph {
        let mut graph = Graph::new("g", 17);
        let dims = |last| vec![Dim::Symbol("n".into()), Dim::Known(last)];
        graph.inputs.push(ValueInfo::f32("x", dims(2)));
        graph.outputs.push(ValueInfo::f32("y", dims(1)));
        let w = Tensor::from_values(vec![2], &[weight, 2.0]);
        graph.initializers.insert("w".into(), w);
        let ones = Tensor::from_values(vec![2, 1], &[1f32, 1.0]);
        graph.initializers.insert("ones".into(), ones);
        graph.nodes = vec![
            Node::new("Mul", "scale", &["x", "w"], &["scaled"]),
            Node::new("LeakyRelu", "leaky", &["scaled"], &["act"])
                .with("alpha", Attribute::Float(alpha)),
            Node::new("MatMul", "sum", &["act", "ones"], &["y"]),
        ];
        graph
    }

    fn found(a: &Graph, b: &Graph) -> Option<Divergence> {
        let inputs = [Array {
            dims: vec![2, 2],
            values: vec![1.0, -3.0, -0.5, 2.0],
        }];
        let mut here = Local::new(EngineName::Tract, 1);
        let mut there = Local::new(EngineName::Tract, 1);
        let a = Side {
            graph: a,
            engine: &mut here,
        };
        let b = Side {
            graph: b,
            engine: &mut there,
        };
        first_divergence(a, b, &inputs, None).unwrap()
    }

    #[test]
    fn the_node_that_was_changed_is_named_with_the_change() {
        let original = graph(0.1, 1.0);
        let changed = found(&graph(0.2, 1.0), &original).unwrap();
        assert_eq!(
            (changed.node.as_str(), changed.op.as_str()),
            ("leaky", "LeakyRelu")
        );
        assert!(!changed.alone.unwrap().within);
        assert_eq!(
            changed.cause.unwrap(),
            "the models differ there: attribute 'alpha': 0.2 → 0.1"
        );
        assert_eq!(changed.inputs[0].name, "scaled");
        let reduced = changed.reduced.unwrap();
        assert_eq!(reduced.a.nodes.len(), 1);
        assert_eq!(reduced.inputs[0].0, "scaled");

        let weight = found(&graph(0.1, 1.5), &original).unwrap();
        assert_eq!(weight.node, "scale");
        assert!(
            weight
                .cause
                .unwrap()
                .contains("'w': values, by up to 5.000e-1")
        );
        assert!(found(&original, &original).is_none());
    }

    #[test]
    fn an_error_too_small_to_be_seen_there_is_traced_to_where_it_is_made() {
        // 1e-4 of a value of 1 is within the tolerance, until everything else cancels out.
        let cancelling = |weight: f32| {
            let mut graph = graph(1.0, weight);
            let far = Tensor::from_values(vec![2, 1], &[1e4f32, 1e4]);
            graph.initializers.insert("ones".into(), far);
            graph
        };
        let inputs = [Array {
            dims: vec![1, 2],
            values: vec![1.0, -0.5],
        }];
        let (a, b) = (cancelling(1.0005), cancelling(1.0));
        let mut here = Local::new(EngineName::Tract, 1);
        let mut there = Local::new(EngineName::Tract, 1);
        let a = Side {
            graph: &a,
            engine: &mut here,
        };
        let b = Side {
            graph: &b,
            engine: &mut there,
        };
        let found = first_divergence(a, b, &inputs, None).unwrap().unwrap();
        assert_eq!(found.node, "scale");
        assert!(found.alone.unwrap().within);
    }
}
