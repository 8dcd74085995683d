//! Scale and zero point of every value that a plan quantises.

use std::collections::{BTreeMap, HashMap};

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
    let fixed: HashMap<&str, Parameters> = plan
        .groups
        .iter()
        .filter_map(|group| {
            let op = &graph.nodes[group.node].op;
            let fixed = scheme.fixed.iter().find(|fixed| fixed.op == *op)?;
            let parameters = Parameters {
                scale: fixed.scale,
                zero_point: fixed.zero_point,
                dtype: scheme.activation.dtype,
            };
            Some((group.output(graph), parameters))
        })
        .collect();
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
