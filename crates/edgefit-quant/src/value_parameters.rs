//! Scale and zero point of every value that a plan quantises.

use std::collections::{BTreeMap, HashMap, HashSet};

use edgefit_graph::Graph;

use crate::histogram::Histogram;
use crate::observe::Observed;
use crate::parameters::Parameters;
use crate::plan::{Plan, clip_limits};
use crate::scheme::Scheme;

/// The parameters of each value: those that the engine prescribes, else those that suit what was
/// observed; of a rescaled value, those of where it comes from.
pub(crate) fn value_parameters(
    graph: &Graph,
    plan: &Plan,
    scheme: &Scheme,
    observed: &BTreeMap<String, Observed>,
) -> BTreeMap<String, Parameters> {
    let fixed = fixed_parameters(graph, plan, scheme);
    let highest: HashMap<&str, f32> = plan
        .groups
        .iter()
        .filter_map(|group| {
            let clip = &graph.nodes[group.activation?];
            let (_, high) = clip_limits(graph, clip)?;
            (clip.op == "Clip").then_some((group.output(graph), high))
        })
        .collect();
    let mut parameters = BTreeMap::new();
    for set in &plan.value_sets {
        let mut histogram = Histogram::default();
        for value in set {
            if let Some(observed) = observed.get(value) {
                histogram.merge(&observed.histogram);
            }
        }
        let prescribed = set.iter().find_map(|value| fixed.get(value.as_str()));
        let own = prescribed
            .copied()
            .unwrap_or_else(|| Parameters::of_histogram(&histogram, scheme));
        // A Clip vanishes only where the range ends within it.
        let capped = set
            .iter()
            .filter_map(|value| highest.get(value.as_str()))
            .copied()
            .fold(f32::INFINITY, f32::min);
        let own = if prescribed.is_none() && own.highest() > capped && !scheme.power_of_two {
            Parameters::of_range(histogram.range().0, capped, scheme)
        } else {
            own
        };
        parameters.extend(set.iter().map(|value| (value.clone(), own)));
    }
    for rescale in &plan.rescales {
        if let Some(from) = parameters.get(&rescale.from).copied() {
            let scale = from.scale * rescale.factor;
            parameters.insert(rescale.to.clone(), Parameters { scale, ..from });
        }
    }
    parameters
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
        let fixed = scheme.fixed.iter().find(|fixed| fixed.op == node.op)?;
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
    use edgefit_graph::{Dim, Node, Tensor, ValueInfo};

    #[test]
    fn a_softmax_between_integers_has_the_scale_that_its_kernel_needs() {
        let mut graph = Graph::new("g", 17);
        let dims = [1, 4, 4].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::float("y"));
        for name in ["w", "b"] {
            let tensor = Tensor::from_values(vec![4, 4], &[0.5f32; 16]);
            graph.initializers.insert(name.into(), tensor);
        }
        graph.nodes = vec![
            Node::new("MatMul", "first", &["x", "w"], &["m"]),
            Node::new("Add", "add", &["m", "b"], &["a"]),
            Node::new("Softmax", "softmax", &["a"], &["s"]),
            Node::new("MatMul", "second", &["s", "w"], &["y"]),
        ];
        let made = |graph: &Graph| {
            let shapes = InputShapes::bind(graph, 1, None).unwrap();
            let inference = infer(graph, &shapes).unwrap();
            let scheme = Scheme::named("onnxruntime-x86").unwrap();
            let plan = Plan::of(graph, &inference, &scheme, &HashSet::new());
            let mut observed = Observed::default();
            observed.add(&edgefit_engine::Array {
                dims: vec![1, 2],
                values: vec![0.0, 0.05],
            });
            let observed = BTreeMap::from([("s".to_owned(), observed)]);
            value_parameters(graph, &plan, &scheme, &observed)["s"].scale
        };
        assert_eq!(made(&graph), 1.0 / 256.0);
        // Behind a MatMul that gives floats it is computed on floats.
        graph.nodes[2].inputs[0] = "m".into();
        graph.nodes.remove(1);
        assert!(made(&graph) <= 0.05 / 255.0 * 1.001);
    }
}
