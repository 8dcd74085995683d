//! Where results part that are beyond their tolerance, and what is not in eval mode, over all engines.

use edgefit_engine::{Engine, EngineName, Result};

use crate::cases::Case;
use crate::compare::compare;
use crate::compared::{Compared, for_kind};
use crate::divergence::Divergence;
use crate::eval_mode::{Fault, batch_dependent, unrepeatable};
use crate::fidelity::{Fidelity, Quantized};
use crate::first_divergence::first_divergence;
use crate::input_kind::InputKind;
use crate::layer_errors::{LayerErrors, layer_errors};
use crate::participant::{Participant, sides};
use crate::samples::{are_samples, count, some_samples, takes_one};
use crate::search_crash::{Crashes, Cut};
use crate::setting::Setting;
use crate::side::Side;

/// What shows that the model is not in eval mode, in any engine. `warn` is told of a search that is left out.
pub(crate) fn faults(
    cases: &[Case],
    setting: &Setting,
    participants: &mut [Participant],
    crashes: &mut Crashes,
    warn: &mut dyn FnMut(&str),
) -> Vec<Fault> {
    let random = cases.iter().find(|case| case.kind == InputKind::Random);
    let Some(random) = random else {
        return Vec::new();
    };
    let (inputs, samples) = random.batch(0, setting.graph, warn);
    let few = some_samples(&inputs, 0..samples.len().min(2), setting.graph);
    if count(&few) > 1 && !takes_one(&few, setting.graph) {
        let why = if are_samples(&few, setting.graph) {
            "the model does not take the first row of its inputs alone; export it with a dynamic batch if rows are \
             samples"
        } else {
            "rows of these inputs cannot be told to be samples"
        };
        warn(&format!(
            "whether a sample depends on the others of its batch is not searched for: {why}"
        ));
    }
    let mut faults = Vec::new();
    for participant in participants.iter_mut() {
        if !participant.runs() {
            continue;
        }
        let engine: &mut dyn Engine = participant.model.as_mut();
        let found = match unrepeatable(setting.graph, engine, &few, crashes) {
            Ok(None) => batch_dependent(setting.graph, engine, &few, setting.tolerances, crashes),
            found => found,
        };
        match found {
            Ok(found) => faults.extend(found),
            Err(error) => participant.failed(Some(setting.graph), &error),
        }
    }
    faults
}

/// Where the first two results part that are beyond the tolerance. On edge-case inputs only a node that
/// is beyond it by itself counts; where there is none, `compared` is told, unless an engine crashed: then
/// nobody knows.
pub(crate) fn divergence(
    cases: &[Case],
    setting: &Setting,
    participants: &mut [Participant],
    compared: &mut [Compared],
    (crashes, warn): (&mut Crashes, &mut dyn FnMut(&str)),
) -> Option<Divergence> {
    let mut found: Option<Divergence> = None;
    for each in compared.iter_mut().filter(|each| !each.pair.within) {
        let edge_case = each.input.is_edge_case();
        if found.is_some() && !edge_case {
            continue;
        }
        let engines = [each.pair.a, each.pair.b];
        let Some(sides) = sides(participants, engines, setting.graph, setting.other) else {
            continue;
        };
        let mut own = Crashes::default();
        let search = Search {
            case: &cases[each.case],
            compared: each,
            setting,
        };
        let divergence = search.run(sides, &mut own, warn);
        let by_itself =
            |found: &Divergence| found.alone.as_ref().is_some_and(|alone| !alone.within);
        each.accumulated = edge_case
            && own.is_empty()
            && divergence.as_ref().is_some_and(|found| !by_itself(found));
        crashes.extend(own);
        if !each.accumulated && found.is_none() {
            found = divergence;
        }
    }
    found
}

/// The values of the float model beside those of the quantised one, on the first inputs that they are made
/// for: in the first engine that does not keep enough, else in the fastest that can show them.
pub(crate) fn errors(
    cases: &[Case],
    setting: &Setting,
    participants: &mut [Participant],
    fidelity: &Fidelity,
    (crashes, warn): (&mut Crashes, &mut dyn FnMut(&str)),
) -> Option<LayerErrors> {
    let other = setting.other?;
    let case = cases.iter().find(|case| case.kind.is_data())?;
    let (inputs, _) = case.batch(0, setting.graph, warn);
    let running = participants.iter().filter(|participant| participant.runs());
    let running: Vec<EngineName> = running
        .map(|participant| participant.report.engine)
        .collect();
    let mut engines = fidelity.engines_not_within();
    // The fastest comes last.
    engines.extend(running.into_iter().rev());
    for engine in engines {
        let [model, against] = sides(participants, [engine; 2], setting.graph, Some(other))?;
        let (float, integers) = match fidelity.quantized {
            Quantized::Model => (against, model),
            Quantized::Against => (model, against),
        };
        let found = layer_errors(float, integers, &inputs, crashes);
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The search behind one difference.
struct Search<'a> {
    case: &'a Case,
    compared: &'a Compared,
    setting: &'a Setting<'a>,
}

impl Search<'_> {
    /// Searches on the worst sample if it shows the divergence alone, else on its whole batch.
    fn run(
        &self,
        [mut a, mut b]: [Side; 2],
        crashes: &mut Crashes,
        warn: &mut dyn FnMut(&str),
    ) -> Option<Divergence> {
        let row = self.compared.pair.worst.first().copied().unwrap_or(0);
        let mut before = 0;
        let (mut inputs, mut at) = (Vec::new(), 0);
        for index in 0..self.case.batches(self.setting.graph) {
            let (batch, samples) = self.case.batch(index, self.setting.graph, warn);
            (inputs, at) = (batch, row.saturating_sub(before));
            before += samples.len();
            if row < before {
                break;
            }
        }
        let one = some_samples(&inputs, at..at + 1, self.setting.graph);
        let tolerances = self.setting.tolerances;
        let tolerance = tolerances.iter().zip(&self.setting.graph.outputs);
        let tolerance = tolerance
            .filter(|(_, output)| output.name == self.compared.output)
            .map(|(tolerance, _)| for_kind(*tolerance, self.case.kind))
            .next();
        let mut differs = || -> Result<bool> {
            a.engine.load(a.graph)?;
            b.engine.load(b.graph)?;
            let (of_a, of_b) = (a.engine.run(&one)?, b.engine.run(&one)?);
            let outputs = of_a.iter().zip(&of_b).zip(tolerances);
            let names = (a.engine.name(), b.engine.name());
            let mut pairs = outputs.map(|((x, y), t)| compare((names.0, x), (names.1, y), *t));
            Ok(pairs.any(|pair| !pair.within))
        };
        let differs = differs();
        let inputs = match crashes.note(|| Cut::Whole, differs) {
            Some(true) => &one,
            _ => &inputs,
        };
        // Sides that live no longer than their inputs.
        let sides = [&mut a, &mut b].map(|side| Side {
            graph: side.graph,
            engine: &mut *side.engine,
        });
        first_divergence(sides, inputs, tolerance, crashes)
    }
}
