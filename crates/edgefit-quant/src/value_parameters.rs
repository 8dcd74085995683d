//! Scale and zero point of every value that a plan quantises.

use std::collections::{BTreeMap, HashMap, HashSet};

use edgefit_graph::Graph;

use crate::error::Result;
use crate::histogram::Histogram;
use crate::observe::Observed;
use crate::parameters::Parameters;
use crate::plan::{Group, Plan};
use crate::scheme::Scheme;

/// The parameters of each value: those that the engine prescribes, else those that suit what was
/// observed, or a constant is; of a rescaled value, those of where it comes from.
///
/// # Errors
/// A constant is not of floats.
pub(crate) fn value_parameters(
    graph: &Graph,
    plan: &Plan,
    scheme: &Scheme,
    observed: &BTreeMap<String, Observed>,
) -> Result<BTreeMap<String, Parameters>> {
    let fixed = fixed_parameters(graph, plan, scheme);
    let highest: HashMap<&str, f32> = plan
        .groups
        .iter()
        .filter_map(|group| Some((group.output(graph), group.highest(graph)?)))
        .collect();
    let moves = |group: &&Group| scheme.same_scale.contains(&graph.nodes[group.node].op);
    let moved = plan.groups.iter().filter(moves);
    let moved: HashSet<&str> = moved.flat_map(|group| group.outputs(graph)).collect();
    let mut parameters = BTreeMap::new();
    for set in &plan.value_sets {
        let mut histogram = Histogram::default();
        for value in set {
            if let Some(observed) = observed.get(value) {
                histogram.merge(&observed.histogram);
            } else if let Some(constant) = graph.initializers.get(value) {
                histogram.add(&constant.to_f32()?);
            }
        }
        let prescribed = set.iter().find_map(|value| fixed.get(value.as_str()));
        let own = prescribed
            .copied()
            .unwrap_or_else(|| Parameters::of_histogram(&histogram, scheme));
        // A Clip vanishes only where the range ends within it, and may not cut off what is joined with its values.
        let sources = set.iter().filter(|value| !moved.contains(value.as_str()));
        let mut limits = sources.map(|value| highest.get(value.as_str()).copied());
        let limit = limits.next().flatten();
        let limit = limit.filter(|limit| limits.all(|other| other == Some(*limit)));
        let own = match limit.filter(|_| prescribed.is_none() && !scheme.power_of_two) {
            Some(limit) if own.highest() > limit => {
                Parameters::of_range(histogram.range().0, limit, scheme)
            }
            _ => own,
        };
        parameters.extend(set.iter().map(|value| (value.clone(), own)));
    }
    for rescale in &plan.rescales {
        if let Some(from) = parameters.get(&rescale.from).copied() {
            let scale = from.scale * rescale.factor;
            parameters.insert(rescale.to.clone(), Parameters { scale, ..from });
        }
    }
    Ok(parameters)
}

/// The parameters that the engine prescribes for what some ops make. It computes them on integers where it
/// reads integers, whether or not the plan asks for that.
fn fixed_parameters<'g>(
    graph: &'g Graph,
    plan: &Plan,
    scheme: &Scheme,
) -> HashMap<&'g str, Parameters> {
    let rescaled = plan.rescales.iter().map(|rescale| rescale.to.as_str());
    let integers: HashSet<&str> = plan.values().chain(rescaled).collect();
    let prescribed = graph.nodes.iter().filter_map(|node| {
        let fixed = scheme.fixed_output(node)?;
        let parameters = Parameters {
            scale: fixed.scale,
            zero_point: fixed.zero_point,
            dtype: scheme.activation.dtype,
        };
        integers
            .contains(node.input(0)?)
            .then_some((node.outputs.first()?.as_str(), parameters))
    });
    prescribed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgefit_graph::infer::{InputShapes, infer};
    use edgefit_graph::{Attribute, Dim, Node, Tensor, ValueInfo};

    fn graph(nodes: Vec<Node>) -> Graph {
        let mut graph = Graph::new("g", 17);
        let dims = [1, 4, 4].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::float("y"));
        for (name, dims, value) in [
            ("w", vec![4, 4], 0.5f32),
            ("b", vec![4, 4], 0.5),
            ("k", vec![1, 4, 4], 30.0),
            ("zero", vec![], 0.0),
            ("six", vec![], 6.0),
        ] {
            let count: usize = dims.iter().product();
            let tensor = Tensor::from_values(dims, &vec![value; count]);
            graph.initializers.insert(name.into(), tensor);
        }
        graph.nodes = nodes;
        graph
    }

    /// The parameters of values that were observed between 0 and a number.
    fn made(graph: &Graph, scheme: &str, observed: &[(&str, f32)]) -> BTreeMap<String, Parameters> {
        let shapes = InputShapes::bind(graph, 1, None).unwrap();
        let inference = infer(graph, &shapes).unwrap();
        let scheme = Scheme::named(scheme).unwrap();
        let plan = Plan::of(graph, &inference, &scheme, &HashSet::new());
        let observed = observed.iter().map(|&(name, high)| {
            let mut observed = Observed::default();
            observed.add(&edgefit_engine::Array {
                dims: vec![1, 2],
                values: vec![0.0, high],
            });
            (name.to_owned(), observed)
        });
        value_parameters(graph, &plan, &scheme, &observed.collect()).unwrap()
    }

    #[test]
    fn a_softmax_between_integers_has_the_scale_that_its_kernel_needs() {
        let mut graph = graph(vec![
            Node::new("MatMul", "first", &["x", "w"], &["m"]),
            Node::new("Add", "add", &["m", "b"], &["a"]),
            Node::new("Softmax", "softmax", &["a"], &["s"]),
            Node::new("MatMul", "second", &["s", "w"], &["y"]),
        ]);
        let scale = |graph: &Graph| made(graph, "onnxruntime-x86", &[("s", 0.05)])["s"].scale;
        assert_eq!(scale(&graph), 1.0 / 256.0);
        // Behind a MatMul that gives floats it is computed on floats.
        graph.nodes[2].inputs[0] = "m".into();
        graph.nodes.remove(1);
        assert!(scale(&graph) <= 0.05 / 255.0 * 1.001);
    }

    /// A Concat of two values between layers.
    fn joining(a: &str, b: &str) -> [Node; 2] {
        let axis = Attribute::Int(1);
        [
            Node::new("Concat", "join", &[a, b], &["j"]).with("axis", axis),
            Node::new("MatMul", "last", &["j", "w"], &["y"]),
        ]
    }

    #[test]
    fn the_limit_of_a_clip_cuts_off_no_other_value() {
        let joined = |last: Node, high: f32| {
            let mut nodes = vec![
                Node::new("MatMul", "first", &["x", "w"], &["a"]),
                Node::new("Clip", "clip", &["a", "zero", "six"], &["c"]),
                Node::new("MatMul", "second", &["x", "w"], &["b2"]),
                last,
            ];
            nodes.extend(joining("c", "r"));
            let observed = [("c", 6.0), ("r", high), ("j", high)];
            let made = made(&graph(nodes), "tflite", &observed);
            assert!(made["c"] == made["r"] && made["c"] == made["j"], "{made:?}");
            made["c"].highest()
        };
        let relu = Node::new("Relu", "other", &["b2"], &["r"]);
        assert!(joined(relu, 20.0) > 19.0);
        let clip = Node::new("Clip", "other", &["b2", "zero", "six"], &["r"]);
        assert!(joined(clip, 7.0) < 6.1);
    }

    #[test]
    fn the_constants_of_a_concat_are_values() {
        let mut nodes = vec![Node::new("MatMul", "first", &["x", "w"], &["m"])];
        nodes.extend(joining("m", "k"));
        let graph = graph(nodes);
        let observed = [("m", 20.0), ("j", 30.0)];
        let joined = made(&graph, "tflite", &observed);
        assert!(
            joined["k"] == joined["m"] && joined["m"].highest() > 29.0,
            "{joined:?}"
        );
        let apart = made(&graph, "onnxruntime-x86", &observed);
        assert!(
            apart["m"].highest() < 21.0 && apart["k"].highest() > 29.0,
            "{apart:?}"
        );
    }
}
