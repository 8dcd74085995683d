//! Whether a model fits a device, resource by resource.

mod assessment;
mod budget;
mod commands;
mod engine_ram;
mod execution;
mod flash;
mod measured;
mod needs;
mod ram;
mod request;
mod run_time;
mod suggest;

use edgefit_device::{ElementType, EngineId};
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use edgefit_graph::ops::Unsupported;
use edgefit_graph::quantized::first_quantized;
use serde::Serialize;

use crate::latency::{LatencyFigure, NodeLatency};
use crate::memory_plan::MemoryPlan;
use crate::weight_types::computed_type;
use assessment::Assessment;
use needs::Needs;

pub use assessment::EnergyFigure;
pub use budget::{Amounts, Budget, Condition, Resource, Verdict};
pub use commands::Commands;
pub use execution::Execution;
pub use request::{Backbone, Limits, Measured, Request, Trial, TrialOutcome, UnknownEngine};
pub use suggest::{Change, Suggestion};

/// Whether a model fits a device, resource by resource.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// The answer.
    pub verdict: Verdict,
    /// Name of the device profile.
    pub device: String,
    /// Engine that it was checked for, if the profile has one.
    pub engine: Option<EngineId>,
    /// What the model computes with.
    pub element_type: ElementType,
    /// Whether the engine runs the model; `None` where the profile has no engine.
    pub runs: Option<Execution>,
    /// What has to be true for the model to fit, where that is all that is not known; empty otherwise.
    pub fits_if: Vec<Condition>,
    /// The resources that the device has, or that limits were given for.
    pub budgets: Vec<Budget>,
    /// Time of one run, where it can be predicted.
    pub latency: Option<LatencyFigure>,
    /// Energy of one run, where power and time are known.
    pub energy: Option<EnergyFigure>,
    /// For a no: changes that were tried, and what each would reach.
    pub suggestions: Vec<Suggestion>,
    /// For a no that is a matter of size, of a model that is not quantised: the command that searches for a network
    /// that fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// What the profile says to somebody for whom a model is too large; for a no.
    pub note: Option<String>,
    /// What keeps a need unknown.
    pub unsupported: Vec<Unsupported>,
    /// The nodes behind [`Check::latency`], in graph order.
    #[serde(skip)]
    pub layers: Vec<NodeLatency>,
    /// The activations in memory.
    #[serde(skip)]
    pub plan: MemoryPlan,
}

impl Check {
    /// Takes `factor` times as long as predicted, as far as that is known, and judges anew: of an engine that computes
    /// more than the graph says.
    pub fn take_longer(&mut self, factor: f64) {
        let longer = |ns: u64| (ns as f64 * factor).round() as u64;
        if let Some(figure) = &mut self.latency {
            figure.ns = figure.ns.map(longer);
            figure.low_ns = longer(figure.low_ns);
            figure.high_ns = figure.high_ns.map(longer);
        }
        if let Some(figure) = &mut self.energy {
            figure.energy_mj *= factor;
        }
        for budget in &mut self.budgets {
            if let Amounts::Time { have_ns, .. } = budget.amounts {
                *budget = run_time::budget(self.latency.as_ref(), have_ns);
            }
        }
        self.judge_anew();
    }

    /// Puts `need` of `have` bytes in `place` where RAM was, and judges anew: of an engine that keeps less of a
    /// model in memory than the plan of the graph says, and how, in words.
    pub fn with_ram(&mut self, [need, have]: [u64; 2], (place, words): (&str, String)) {
        let budget = Budget::bytes(Resource::Ram, Some(need), have, place, words);
        self.budgets
            .retain(|budget| budget.resource != Resource::Ram);
        self.budgets.push(budget);
        self.judge_anew();
    }

    /// Puts `need` bytes where flash was, and judges anew: of an engine whose whole program is known, and what it
    /// consists of, in words.
    pub fn with_flash(&mut self, need: u64, words: &str) {
        for budget in &mut self.budgets {
            let (Resource::Flash, Amounts::Bytes { have_bytes, .. }) =
                (budget.resource, budget.amounts)
            else {
                continue;
            };
            let place = budget.place.clone();
            *budget = Budget::bytes(
                Resource::Flash,
                Some(need),
                have_bytes,
                &place,
                words.into(),
            );
        }
        self.judge_anew();
    }

    /// Takes the verdict from the budgets; what is not refused any more needs no advice.
    fn judge_anew(&mut self) {
        let runs = self.runs.as_ref();
        self.verdict = Verdict::of(&self.budgets, runs);
        self.fits_if = assessment::conditions(&self.budgets, runs);
        if self.verdict != Verdict::DoesNotFit {
            self.suggestions.clear();
            (self.search, self.note) = (None, None);
        }
    }
}

/// Compares what `graph` needs, run on inputs of `shapes`, with what the device of `request` has.
///
/// What an engine takes in addition to the model is part of the need where the profile knows it. Where it
/// does not, a budget that is short without it does not hold, and otherwise
/// - a device whose weights lie in flash has an unknown verdict with [`Check::fits_if`]: its engines differ
///   by more than it has room to spare, and what is left for them is known;
/// - any other holds when three times the weights, the activations and 128 MiB fit into the bank of the
///   activations, whether it takes the weights or not; no engine exceeded that at its peak while loading
///   (tract and ONNX Runtime on x86-64).
///
/// A model that fits and that the engine does not run gets a no: see [`Execution`].
///
/// # Errors
/// Shapes that do not go together.
///
/// ```
/// use edgefit_cost::{Request, Verdict, check};
/// use edgefit_graph::infer::InputShapes;
/// use edgefit_graph::{Dim, Graph, Node, ValueInfo};
///
/// // A million floats in, as many out.
/// let mut graph = Graph::new("relu", 17);
/// graph.inputs.push(ValueInfo::f32("x", vec![Dim::Known(1_000_000)]));
/// graph.outputs.push(ValueInfo::f32("y", vec![]));
/// graph.nodes.push(Node::new("Relu", "relu", &["x"], &["y"]));
/// let shapes = InputShapes::bind(&graph, 1, None)?;
///
/// let microcontroller = edgefit_device::find("stm32h743").unwrap();
/// let checked = check(&graph, &shapes, &Request::new(&microcontroller))?;
/// assert_eq!(checked.verdict, Verdict::DoesNotFit);
///
/// let computer = edgefit_device::find("raspberry-pi-4b").unwrap();
/// let checked = check(&graph, &shapes, &Request::new(&computer))?;
/// assert_eq!(checked.verdict, Verdict::Fits);
/// # Ok::<(), edgefit_graph::Error>(())
/// ```
pub fn check(
    graph: &Graph,
    shapes: &InputShapes,
    request: &Request,
) -> edgefit_graph::Result<Check> {
    checked(graph, shapes, request, Suggest::WhereItDoesNotFit)
}

/// The same without a search for changes that would make it fit.
///
/// # Errors
/// As [`check`].
pub fn judge(
    graph: &Graph,
    shapes: &InputShapes,
    request: &Request,
) -> edgefit_graph::Result<Check> {
    checked(graph, shapes, request, Suggest::Nothing)
}

/// Whether changes are searched that make a model fit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Suggest {
    WhereItDoesNotFit,
    Nothing,
}

fn checked(
    graph: &Graph,
    shapes: &InputShapes,
    request: &Request,
    suggest: Suggest,
) -> edgefit_graph::Result<Check> {
    let element = computed_type(graph);
    let engine = request.engine_for(element);
    let needs = Needs::of(graph, shapes, element, engine)?;
    let mut assessment = Assessment::of(&needs, request, engine);
    if let Some(measured) = &request.measured {
        assessment.replace(measured, (request, engine));
    }
    let suggestions = if suggest == Suggest::Nothing || assessment.settled() {
        Vec::new()
    } else {
        suggest::suggestions(&needs, shapes, request)
    };
    let short =
        |budget: &Budget| budget.resource != Resource::Latency && budget.holds == Some(false);
    let note = request.profile.remark.clone();
    let is_too_large = assessment.verdict() == Verdict::DoesNotFit && assessment.runs();
    let can_be_searched = is_too_large && first_quantized(graph).is_none();
    Ok(Check {
        verdict: assessment.verdict(),
        fits_if: assessment.fits_if(),
        search: request.search.clone().filter(|_| can_be_searched),
        note: note.filter(|_| assessment.budgets.iter().any(short)),
        device: request.profile.name.clone(),
        engine: engine.map(|engine| engine.name.clone()),
        element_type: element,
        energy: assessment.energy(request.profile),
        latency: assessment.latency,
        runs: assessment.runs,
        layers: assessment.layers,
        budgets: assessment.budgets,
        suggestions,
        unsupported: needs.inference.unsupported,
        plan: needs.plan,
    })
}

#[cfg(test)]
mod tests;
