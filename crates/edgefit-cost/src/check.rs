mod budgets;
mod measured;
mod needs;
mod ram;
mod request;
mod suggest;

use edgefit_device::ElementType;
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use edgefit_graph::ops::Unsupported;
use serde::Serialize;

use crate::latency::{LatencyFigure, NodeLatency};
use crate::memory::MemoryPlan;
use budgets::Assessment;
use needs::Needs;
pub(crate) use needs::stored_as;

pub use measured::Measured;
pub use request::{Backbone, Limits, Request, UnknownEngine};
pub use suggest::{Change, Suggestion};

/// Whether a model fits a device, resource by resource.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// The answer.
    pub verdict: Verdict,
    /// Name of the device profile.
    pub device: String,
    /// Engine that it was worked out for, if the profile has one.
    pub engine: Option<String>,
    /// What the model computes with.
    pub element_type: ElementType,
    /// The resources that the device has, or that limits were given for.
    pub budgets: Vec<Budget>,
    /// Time of one run, where it can be predicted.
    pub latency: Option<LatencyFigure>,
    /// Energy of one run, where power and time are known.
    pub energy: Option<EnergyFigure>,
    /// For a no: changes that were tried, and what each would reach.
    pub suggestions: Vec<Suggestion>,
    /// What keeps a need unknown.
    pub unsupported: Vec<Unsupported>,
    /// The nodes behind [`Check::latency`], in graph order.
    #[serde(skip)]
    pub layers: Vec<NodeLatency>,
    /// The activations in memory.
    #[serde(skip)]
    pub plan: MemoryPlan,
}

/// Answer of a [`Check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every budget holds.
    Fits,
    /// A budget does not hold.
    DoesNotFit,
    /// No budget is broken, but one could not be worked out.
    Unknown,
}

/// Something that a device has a limited amount of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Resource {
    Flash,
    Ram,
    Latency,
}

/// How a figure is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedBasis {
    /// Measured by running the model.
    Measured,
    /// Predicted from what a probe measured on this device.
    Calibrated,
    /// Counted from the model, and from data-sheet figures.
    Estimate,
}

/// One resource: what the model needs and the device has.
#[derive(Debug, Clone, Serialize)]
pub struct Budget {
    /// Which resource.
    pub resource: Resource,
    /// How much.
    #[serde(flatten)]
    pub amounts: Amounts,
    /// `have − need`; negative is what is short.
    pub margin: Option<i64>,
    /// Whether it is enough; `None` when that cannot be said.
    pub holds: Option<bool>,
    /// How the need is known.
    pub basis: NeedBasis,
    /// Where it is needed: a memory, several, or the limit that was given.
    pub place: String,
    /// What the need consists of, and the limit if it is not obvious.
    pub explanation: String,
}

/// Amounts of a [`Budget`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Amounts {
    /// Of memory.
    Bytes {
        /// What is known to be needed; `None` when unsupported ops hide it.
        need_bytes: Option<u64>,
        /// What there is, in the place where it is needed.
        have_bytes: u64,
    },
    /// Of time.
    Time {
        /// Predicted; `None` when nothing is known of the device's speed.
        need_ns: Option<u64>,
        /// The limit.
        have_ns: u64,
    },
}

/// Energy of one run: power under full load times the predicted time, so rather too much.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EnergyFigure {
    /// Millijoules.
    pub energy_mj: f64,
    /// How it is known.
    pub basis: NeedBasis,
}

impl Amounts {
    /// Need and have, whatever the unit.
    fn both(self) -> (Option<u64>, u64) {
        match self {
            Amounts::Bytes {
                need_bytes: need,
                have_bytes: have,
            }
            | Amounts::Time {
                need_ns: need,
                have_ns: have,
            } => (need, have),
        }
    }
}

impl Budget {
    fn new(resource: Resource, amounts: Amounts, place: &str, explanation: String) -> Self {
        let (need, have) = amounts.both();
        let margin = need.map(|need| have.cast_signed().saturating_sub_unsigned(need));
        Budget {
            resource,
            amounts,
            margin,
            holds: margin.map(|margin| margin >= 0),
            basis: NeedBasis::Estimate,
            place: place.to_owned(),
            explanation,
        }
    }

    fn bytes(resource: Resource, need: Option<u64>, have: u64, place: &str, why: String) -> Self {
        let amounts = Amounts::Bytes {
            need_bytes: need,
            have_bytes: have,
        };
        Budget::new(resource, amounts, place, why)
    }

    /// Part of the need is not known: enough is no answer any more, too little still is.
    fn at_least(mut self) -> Self {
        self.holds = self.holds.filter(|holds| !holds);
        self
    }

    /// Need as a share of what there is.
    pub fn share(&self) -> Option<f64> {
        let (need, have) = self.amounts.both();
        need.map(|need| need as f64 / have.max(1) as f64)
    }
}

impl Verdict {
    fn of(budgets: &[Budget]) -> Self {
        if budgets.iter().any(|budget| budget.holds == Some(false)) {
            Verdict::DoesNotFit
        } else if budgets.iter().any(|budget| budget.holds.is_none()) {
            Verdict::Unknown
        } else {
            Verdict::Fits
        }
    }
}

/// Holds `graph`, run on inputs of `shapes`, against what `request` says.
///
/// What an engine takes beside the model is part of the need where the profile knows it. Where it
/// does not, a budget that is short without it does not hold, and otherwise
/// - a device whose weights lie in flash has an unknown verdict: its engines differ by more than it
///   has room to spare;
/// - any other holds when three times the weights, the activations and 128 MiB fit, which no engine
///   exceeded at its peak while loading (tract and ONNX Runtime on x86-64).
///
/// # Errors
/// Shapes that do not go together.
pub fn check(
    graph: &Graph,
    shapes: &InputShapes,
    request: &Request,
) -> edgefit_graph::Result<Check> {
    let element = stored_as(graph);
    let needs = Needs::of(graph, shapes, element)?;
    let mut assessment = Assessment::of(&needs, request, request.engine);
    if let Some(measured) = &request.measured {
        assessment.replace(measured, request);
    }
    let suggestions = match assessment.settled() {
        true => Vec::new(),
        false => suggest::suggestions(&needs, shapes, request),
    };
    Ok(Check {
        verdict: Verdict::of(&assessment.budgets),
        device: request.profile.name.clone(),
        engine: request.engine.map(|engine| engine.name.clone()),
        element_type: element,
        energy: assessment.energy(request.profile),
        latency: assessment.latency,
        layers: assessment.layers,
        budgets: assessment.budgets,
        suggestions,
        unsupported: needs.inference.unsupported,
        plan: needs.plan,
    })
}

#[cfg(test)]
mod tests;
