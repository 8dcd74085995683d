//! [`Footprint`]: what a network takes of a device.

use std::collections::HashSet;

use edgefit_cost::{Amounts, Budget, Check, Resource, Verdict, judge};
use edgefit_device::ElementType;
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use edgefit_micro::judge_in_less_ram;
use edgefit_micro::patch::Patches;
use edgefit_quant::Calibrated;
use serde::Serialize;

use crate::error::Result;
use crate::target::Target;

/// What a network takes of a device, in one form.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Footprint {
    /// The form.
    pub element_type: ElementType,
    /// RAM, as far as it is known.
    pub ram_bytes: Option<u64>,
    /// Flash, as far as it is known.
    pub flash_bytes: Option<u64>,
    /// Time of one run, where it can be predicted.
    pub latency_ns: Option<u64>,
    /// How its first steps run, if only patches make it fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patches: Option<Patches>,
    /// Whether it fits the device, at least under conditions that `check` names, or if a run takes as long as is
    /// likely.
    pub fits: bool,
    /// The largest share of a budget that it takes; above 1, it does not fit.
    pub share: f64,
    /// RAM that there is, in the place where it is needed.
    #[serde(skip)]
    pub has_ram: Option<u64>,
    /// Flash that there is.
    #[serde(skip)]
    pub has_flash: Option<u64>,
    /// Budgets that do not hold.
    pub short: Vec<Shortage>,
    /// Places of budgets of which nobody can say whether they hold.
    pub unknown: Vec<String>,
}

/// A budget that does not hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shortage {
    /// Which resource is short.
    pub resource: Resource,
    /// Where, such as a memory bank.
    pub place: String,
    /// Bytes or nanoseconds that are needed and not there; `None` where the need is not known.
    pub missing: Option<u64>,
}

impl Footprint {
    /// What `network` takes of `target` as `element_type`. An int8 model is written out for that, with
    /// weights and scales of the size that it will have.
    ///
    /// # Errors
    /// The scheme of the target does not take the network, or its shapes do not go together.
    pub fn of(network: &Graph, target: &Target, element_type: ElementType) -> Result<Self> {
        let int8 = match (&target.scheme, element_type) {
            (Some(scheme), ElementType::Int8) => {
                Some(Calibrated::blank(network, scheme)?.quantize(&HashSet::new())?)
            }
            _ => None,
        };
        let graph = int8.as_ref().map_or(network, |made| &made.graph);
        let shapes = InputShapes::bind(graph, 1, None)?;
        let request = target.request();
        let mut check = judge(graph, &shapes, &request)?;
        let patches = judge_in_less_ram(&mut check, (graph, &shapes), &request);
        Ok(Footprint {
            patches,
            ..Footprint::read(&check, element_type)
        })
    }

    /// What `check` found of a network of `element_type`.
    pub fn read(check: &Check, element_type: ElementType) -> Self {
        let sum = |resource: Resource| {
            let of = |budget: &&Budget| budget.resource == resource;
            let needs = check.budgets.iter().filter(of);
            let needs = needs.filter_map(|budget| budget.amounts.need_bytes());
            needs.reduce(u64::saturating_add)
        };
        let has = |resource: Resource| {
            let mut of = check
                .budgets
                .iter()
                .filter(|budget| budget.resource == resource);
            of.find_map(|budget| match budget.amounts {
                Amounts::Bytes { have_bytes, .. } => Some(have_bytes),
                Amounts::Time { .. } => None,
            })
        };
        let short = check
            .budgets
            .iter()
            .filter(|budget| budget.holds == Some(false));
        let unknown = check
            .budgets
            .iter()
            .filter(|budget| budget.holds.is_none() && budget.holds_if.is_none())
            .filter(|budget| !is_likely(check, budget));
        let shares = check.budgets.iter().filter_map(|budget| budget.share());
        Footprint {
            element_type,
            ram_bytes: sum(Resource::Ram),
            flash_bytes: sum(Resource::Flash),
            patches: None,
            latency_ns: check.latency.as_ref().and_then(|figure| figure.ns),
            fits: match check.verdict {
                Verdict::Fits => true,
                Verdict::Unknown => !check.fits_if.is_empty() || fits_in_likely_time(check),
                Verdict::DoesNotFit => false,
            },
            share: shares.fold(0.0, f64::max),
            has_ram: has(Resource::Ram),
            has_flash: has(Resource::Flash),
            short: short
                .map(|budget| Shortage {
                    resource: budget.resource,
                    place: budget.place.clone(),
                    missing: budget
                        .margin
                        .filter(|margin| *margin < 0)
                        .map(i64::unsigned_abs),
                })
                .collect(),
            unknown: unknown.map(|budget| budget.place.clone()).collect(),
        }
    }
}

/// Whether the likely time keeps a limit, which the estimate's longest time does not.
pub fn is_likely(check: &Check, budget: &Budget) -> bool {
    let likely = check.latency.as_ref().and_then(|figure| figure.ns);
    match (budget.amounts, budget.holds, likely) {
        (Amounts::Time { have_ns, .. }, None, Some(likely)) => likely <= have_ns,
        _ => false,
    }
}

/// Whether only the limit of time may not hold, and is likely to.
fn fits_in_likely_time(check: &Check) -> bool {
    let runs = check.runs.as_ref();
    let fits = |budget: &Budget| {
        budget.holds == Some(true) || budget.holds_if.is_some() || is_likely(check, budget)
    };
    runs.is_none_or(|runs| runs.holds == Some(true)) && check.budgets.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use edgefit_cost::Limits;
    use edgefit_device::find;
    use edgefit_graph::{Dim, Node, Tensor, ValueInfo};

    use super::*;

    fn convolution() -> Graph {
        let mut graph = Graph::new("convolution", 17);
        let dims = [1, 32, 64, 64].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        let weight = Tensor::from_values(vec![32, 32, 3, 3], &[0.5f32; 32 * 32 * 9]);
        graph.initializers.insert("w".into(), weight);
        graph
            .nodes
            .push(Node::new("Conv", "conv", &["x", "w"], &["y"]));
        graph
    }

    #[test]
    fn a_time_that_is_likely_to_do_is_enough_and_one_that_is_not_is_none() {
        let profile = find("raspberry-pi-zero-2w").unwrap();
        let within = |latency_ns: Option<u64>| {
            let limits = Limits {
                latency_ns,
                ..Limits::default()
            };
            let target = Target::new(profile.clone(), None, limits).unwrap();
            Footprint::of(&convolution(), &target, ElementType::F32).unwrap()
        };
        let likely = within(None).latency_ns.unwrap();
        for (limit, fits) in [(likely, true), (likely - 1, false), (100 * likely, true)] {
            let footprint = within(Some(limit));
            assert_eq!(footprint.fits, fits, "{limit}: {footprint:?}");
        }
        assert_eq!(within(Some(likely - 1)).unknown, ["limit"]);
        assert_eq!(within(Some(1)).short.len(), 1);
    }
}
