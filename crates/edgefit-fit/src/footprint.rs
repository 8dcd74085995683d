//! [`Footprint`]: what a network takes of a device.

use edgefit_cost::{Amounts, Budget, Check, Resource, Verdict};
use edgefit_device::ElementType;
use edgefit_micro::patch::Patches;
use serde::{Deserialize, Serialize};

/// What a network takes of a device, in one form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shortage {
    /// Which resource is short.
    pub resource: Resource,
    /// Where, such as a memory bank.
    pub place: String,
    /// Bytes or nanoseconds that are needed and not there; `None` where the need is not known.
    pub missing: Option<u64>,
}

impl Footprint {
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
