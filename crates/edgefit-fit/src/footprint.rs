//! [`Footprint`]: what a network takes of a device.

use std::collections::HashSet;

use edgefit_cost::{Amounts, Check, Resource, Verdict, judge};
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
    /// Whether it fits the device, at least under conditions that `check` names.
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
            let of = |budget: &&edgefit_cost::Budget| budget.resource == resource;
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
            .filter(|budget| budget.holds.is_none() && budget.holds_if.is_none());
        let shares = check.budgets.iter().filter_map(|budget| budget.share());
        Footprint {
            element_type,
            ram_bytes: sum(Resource::Ram),
            flash_bytes: sum(Resource::Flash),
            patches: None,
            latency_ns: check.latency.as_ref().and_then(|figure| figure.ns),
            fits: match check.verdict {
                Verdict::Fits => true,
                Verdict::Unknown => !check.fits_if.is_empty(),
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
