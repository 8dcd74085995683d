//! All budgets of a model in one form, on one device.

use edgefit_device::{Engine, Profile};
use serde::Serialize;

use super::budget::{Budget, Condition, Resource, Verdict};
use super::execution::Execution;
use super::needs::Needs;
use super::request::Request;
use super::{flash, ram, run_time};
use crate::basis::NeedBasis;
use crate::latency::{self, LatencyFigure, NodeLatency, Target};

/// Energy of one run: power under full load times the predicted time, so rather too much.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EnergyFigure {
    /// Millijoules.
    pub energy_mj: f64,
    /// How it is known.
    pub basis: NeedBasis,
}

/// The budgets of a model in one form, and its predicted time.
pub(super) struct Assessment {
    pub runs: Option<Execution>,
    pub budgets: Vec<Budget>,
    pub latency: Option<LatencyFigure>,
    pub layers: Vec<NodeLatency>,
}

impl Assessment {
    pub fn of(needs: &Needs, request: &Request, engine: Option<&Engine>) -> Self {
        let predicted = latency::predict(
            needs.graph,
            &needs.inference,
            Target {
                profile: request.profile,
                engine,
                element_type: needs.element,
                threads: request.threads,
            },
        );
        let (figure, layers) = match predicted {
            Some((figure, latency)) => (Some(figure), latency.nodes),
            None => (None, Vec::new()),
        };
        let mut budgets: Vec<Budget> = flash::budget(needs, request, engine).into_iter().collect();
        budgets.extend(ram::budgets(needs, request, engine));
        budgets.extend(
            request
                .limits
                .latency_ns
                .map(|limit| run_time::budget(figure.as_ref(), limit)),
        );
        Assessment {
            runs: Execution::of(needs, request, engine),
            budgets,
            latency: figure,
            layers,
        }
    }

    /// Whether no change to the model is asked for: it runs and all budgets hold, or what keeps one open
    /// is not the model's size.
    pub fn settled(&self) -> bool {
        self.runs()
            && self.budgets.iter().all(|budget| match budget.holds {
                Some(holds) => holds,
                None => budget.margin.is_none() || budget.resource != Resource::Latency,
            })
    }

    /// Whether a change has reached all that it can: as [`Assessment::settled`], with a time that is
    /// known where there is a limit.
    pub fn reached(&self) -> bool {
        let timed =
            |budget: &Budget| budget.resource != Resource::Latency || budget.holds == Some(true);
        self.settled() && self.budgets.iter().all(timed)
    }

    /// Whether nothing is known that keeps it from running.
    pub fn runs(&self) -> bool {
        let runs = self.runs.as_ref();
        runs.is_none_or(|runs| runs.holds != Some(false))
    }

    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.budgets, self.runs.as_ref())
    }

    pub fn fits_if(&self) -> Vec<Condition> {
        conditions(&self.budgets, self.runs.as_ref())
    }

    /// Bytes that all budgets of `resource` know of.
    pub fn need_bytes(&self, resource: Resource) -> Option<u64> {
        let needs = self
            .budgets
            .iter()
            .filter(|budget| budget.resource == resource)
            .filter_map(|budget| budget.amounts.need_bytes());
        needs.reduce(u64::saturating_add)
    }

    pub fn energy(&self, profile: &Profile) -> Option<EnergyFigure> {
        let milliwatts = profile.power.load_milliwatts.as_ref()?.value;
        Some(EnergyFigure {
            energy_mj: milliwatts as f64 * self.latency.as_ref()?.ns? as f64 / 1e9,
            basis: NeedBasis::Estimate,
        })
    }
}

/// What has to be true for a model to fit, where that is all that is not known.
pub fn conditions(budgets: &[Budget], runs: Option<&Execution>) -> Vec<Condition> {
    let open = |budget: &Budget| budget.holds.is_none() && budget.holds_if.is_none();
    let runs_all = runs.is_none_or(|runs| runs.holds == Some(true));
    if Verdict::of(budgets, runs) != Verdict::Unknown || !runs_all || budgets.iter().any(open) {
        return Vec::new();
    }
    let conditions = budgets.iter().map(|budget| budget.holds_if.clone());
    conditions.flatten().collect()
}
