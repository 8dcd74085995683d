use edgefit_device::{Engine, Profile, WeightsIn};

use super::needs::Needs;
use super::{Amounts, Budget, EnergyFigure, NeedBasis, Request, Resource, Verdict, ram};
use crate::latency::{self, LatencyFigure, NodeLatency};

/// How far a model in one form goes with what there is.
pub(super) struct Assessment {
    pub budgets: Vec<Budget>,
    pub latency: Option<LatencyFigure>,
    pub layers: Vec<NodeLatency>,
}

impl Assessment {
    pub fn of(needs: &Needs, request: &Request, engine: Option<&Engine>) -> Self {
        let predicted = latency::predict(
            needs.graph,
            &needs.inference,
            request.profile,
            engine,
            needs.element,
            request.threads,
        );
        let (figure, layers) = match predicted {
            Some((figure, latency)) => (Some(figure), latency.nodes),
            None => (None, Vec::new()),
        };
        let mut budgets: Vec<Budget> = flash(needs, request, engine).into_iter().collect();
        budgets.extend(ram::budgets(needs, request, engine));
        budgets.extend(
            request
                .limits
                .latency_ns
                .map(|limit| time(figure.as_ref(), limit)),
        );
        Assessment {
            budgets,
            latency: figure,
            layers,
        }
    }

    /// Whether no change to the model is asked for: all budgets hold, or what keeps one open is not
    /// the model's size.
    pub fn settled(&self) -> bool {
        self.budgets.iter().all(|budget| match budget.holds {
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

    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.budgets)
    }

    /// Bytes that all budgets of `resource` know of.
    pub fn need_bytes(&self, resource: Resource) -> Option<u64> {
        let needs = self
            .budgets
            .iter()
            .filter(|budget| budget.resource == resource)
            .filter_map(|budget| match budget.amounts {
                Amounts::Bytes { need_bytes, .. } => need_bytes,
                Amounts::Time { .. } => None,
            });
        needs.reduce(u64::saturating_add)
    }

    pub fn energy(&self, profile: &Profile) -> Option<EnergyFigure> {
        let milliwatts = profile.power.load_milliwatts.as_ref()?.value;
        Some(EnergyFigure {
            energy_mj: milliwatts as f64 * self.latency.as_ref()?.ns as f64 / 1e9,
            basis: NeedBasis::Estimate,
        })
    }
}

/// Flash that the program is in; or, with a limit given by hand, what the weights take on disk.
fn flash(needs: &Needs, request: &Request, engine: Option<&Engine>) -> Option<Budget> {
    let weights = needs.weight_bytes;
    let in_flash = request.profile.weights_in == WeightsIn::Flash;
    let (have, place) = match (request.limits.flash_bytes, &request.profile.flash) {
        (Some(limit), _) => (limit, "limit"),
        (None, Some(flash)) if in_flash => (flash.free_bytes(), "flash"),
        _ => return None,
    };
    let budget = |need, why: String| Budget::bytes(Resource::Flash, Some(need), have, place, why);
    if !in_flash {
        return Some(budget(weights, "weights as stored on disk".into()));
    }
    let name = engine.map_or("the engine", |engine| &engine.name);
    Some(match engine.and_then(|engine| engine.code_bytes.as_ref()) {
        Some(code) => budget(
            weights.saturating_add(code.value),
            format!(
                "weights and {} B of code of {name} ({})",
                code.value, code.source
            ),
        ),
        None => budget(
            weights,
            format!("weights; how much code {name} has is not known, and it comes on top"),
        )
        .at_least(),
    })
}

/// The predicted time against a limit: within the interval of the prediction, nobody knows.
pub(super) fn time(figure: Option<&LatencyFigure>, limit: u64) -> Budget {
    let amounts = Amounts::Time {
        need_ns: figure.map(|figure| figure.ns),
        have_ns: limit,
    };
    let explanation = match figure {
        Some(figure) => {
            let milliseconds = |ns: u64| ns as f64 / 1e6;
            format!(
                "one run takes {:.3} to {:.3} ms",
                milliseconds(figure.low_ns),
                milliseconds(figure.high_ns)
            )
        }
        None => "nothing is known of how fast this engine computes here, or an op is not supported"
            .to_owned(),
    };
    let mut budget = Budget::new(Resource::Latency, amounts, "limit", explanation);
    if let Some(figure) = figure {
        budget.basis = figure.basis;
        budget.holds = match limit {
            limit if figure.high_ns <= limit => Some(true),
            limit if figure.low_ns > limit => Some(false),
            _ => None,
        };
    }
    budget
}
