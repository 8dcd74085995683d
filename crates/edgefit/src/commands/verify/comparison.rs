use std::ops::Range;

use edgefit::engine::parity::{
    Divergence, Fault, Pair, Side, Tolerance, batch_dependent, compare, first_divergence as search,
    unrepeatable,
};
use edgefit::engine::{Array, EngineName, Executor};
use edgefit::graph::{Dim, Graph};
use serde::Serialize;

use super::engines::{Contestant, Status, sides};
use super::inputs::Case;
use crate::output::Output;

/// What is compared.
pub struct Setting<'a> {
    pub graph: &'a Graph,
    pub other: Option<&'a Graph>,
    /// One for each output.
    pub tolerances: &'a [Tolerance],
    /// The engine that one of each two has to be.
    pub only: Option<EngineName>,
}

/// Two results for one output on one kind of input.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// Kind of input.
    pub input: &'static str,
    /// How many samples.
    pub samples: usize,
    /// Name of the output.
    pub output: String,
    #[serde(flatten)]
    pub pair: Pair,
    /// Beyond the tolerance on a hostile input, though every node alone is within: rounding adds up,
    /// which no engine is to blame for.
    pub accumulated: bool,
    #[serde(skip)]
    case: usize,
    #[serde(skip)]
    hostile: bool,
}

impl Compared {
    pub fn agrees(&self) -> bool {
        self.pair.within || self.accumulated
    }
}

/// What an engine made of one kind of input.
pub struct Results {
    pub engine: EngineName,
    /// Samples, by their numbers in the case.
    pub samples: Vec<usize>,
    pub outputs: Vec<Array>,
    pub other: Option<Vec<Array>>,
}

/// Runs a case in all engines that still run.
pub fn run(
    case: &Case,
    setting: &Setting,
    contestants: &mut [Contestant],
    output: &mut Output,
) -> anyhow::Result<Vec<Results>> {
    let mut results: Vec<Results> = contestants
        .iter()
        .filter(|contestant| contestant.fared.status == Status::Ran)
        .map(|contestant| Results {
            engine: contestant.fared.engine,
            samples: Vec::new(),
            outputs: Vec::new(),
            other: setting.other.map(|_| Vec::new()),
        })
        .collect();
    let mut read = 0;
    for index in 0..case.batches() {
        let (inputs, samples) = case.batch(index, output);
        read += samples.len();
        if samples.is_empty() {
            continue;
        }
        for contestant in contestants.iter_mut() {
            let engine = contestant.fared.engine;
            let Some(result) = results.iter_mut().find(|result| result.engine == engine) else {
                continue;
            };
            let Some([ours, theirs]) = contestant.run(setting.graph, &inputs) else {
                results.retain(|result| result.engine != engine);
                continue;
            };
            join(&mut result.outputs, ours.unwrap_or_default());
            if let (Some(joined), Some(theirs)) = (&mut result.other, theirs) {
                join(joined, theirs);
            }
            result.samples.extend(&samples);
        }
    }
    anyhow::ensure!(read > 0, "none of the images can be read; give others");
    Ok(results)
}

/// Appends the rows of a batch.
fn join(joined: &mut Vec<Array>, batch: Vec<Array>) {
    if joined.is_empty() {
        *joined = batch;
        return;
    }
    for (joined, batch) in joined.iter_mut().zip(batch) {
        joined.values.extend(batch.values);
        if let (Some(rows), Some(more)) = (joined.dims.first_mut(), batch.dims.first()) {
            *rows += more;
        }
    }
}

/// Compares each two results of a case and each output.
pub fn pairs(case: &Case, index: usize, setting: &Setting, results: &[Results]) -> Vec<Compared> {
    let mut found = Vec::new();
    let mut add = |a: EngineName, of_a: &[Array], b: EngineName, of_b: &[Array], samples: usize| {
        let held = setting.tolerances.iter().zip(&setting.graph.outputs);
        for ((x, y), (tolerance, output)) in of_a.iter().zip(of_b).zip(held) {
            found.push(Compared {
                input: case.name,
                samples,
                output: output.name.clone(),
                pair: compare((a, x), (b, y), for_case(*tolerance, case.hostile)),
                accumulated: false,
                case: index,
                hostile: case.hostile,
            });
        }
    };
    for (at, a) in results.iter().enumerate() {
        if let Some(other) = &a.other {
            add(a.engine, &a.outputs, a.engine, other, a.samples.len());
            continue;
        }
        for b in &results[at + 1..] {
            let wanted = setting
                .only
                .is_none_or(|only| [a.engine, b.engine].contains(&only));
            if wanted {
                add(a.engine, &a.outputs, b.engine, &b.outputs, a.samples.len());
            }
        }
    }
    found
}

fn for_case(tolerance: Tolerance, hostile: bool) -> Tolerance {
    Tolerance {
        nan_is_nan: hostile,
        ..tolerance
    }
}

/// For each two engines and each output the input that takes most of the tolerance.
pub fn worst(compared: &[Compared]) -> Vec<Compared> {
    let mut worst: Vec<Compared> = Vec::new();
    let key = |of: &Compared| (!of.agrees(), of.pair.tolerance_used);
    for each in compared {
        let same = |known: &&mut Compared| {
            (known.pair.a, known.pair.b, &known.output) == (each.pair.a, each.pair.b, &each.output)
        };
        match worst.iter_mut().find(same) {
            None => worst.push(each.clone()),
            Some(known) if key(each) > key(known) => *known = each.clone(),
            Some(_) => {}
        }
    }
    worst
}

/// What shows that the model is not in eval mode, in any engine.
pub fn faults(
    cases: &[Case],
    setting: &Setting,
    contestants: &mut [Contestant],
    output: &mut Output,
) -> Vec<Fault> {
    let random = cases.iter().find(|case| case.name == "random");
    let Some(random) = random else {
        return Vec::new();
    };
    let (inputs, samples) = random.batch(0, output);
    let few = rows(&inputs, 0..samples.len().min(2), setting.graph);
    let mut faults = Vec::new();
    for contestant in contestants.iter_mut() {
        if contestant.fared.status != Status::Ran {
            continue;
        }
        let engine: &mut dyn Executor = &mut contestant.model;
        let found = unrepeatable(setting.graph, engine, &few).and_then(|changes| match changes {
            Some(fault) => Ok(Some(fault)),
            None => batch_dependent(setting.graph, engine, &few, setting.tolerances),
        });
        match found {
            Ok(found) => faults.extend(found),
            Err(error) => contestant.failed(Some(setting.graph), &error),
        }
    }
    faults
}

/// Where the first two results part that are beyond the tolerance. On hostile inputs only a node that
/// is beyond it by itself counts; where there is none, `compared` is told.
pub fn first_divergence(
    cases: &[Case],
    setting: &Setting,
    contestants: &mut [Contestant],
    compared: &mut [Compared],
    output: &mut Output,
) -> Option<Divergence> {
    let mut found: Option<Divergence> = None;
    for each in compared.iter_mut().filter(|each| !each.pair.within) {
        if found.is_some() && !each.hostile {
            continue;
        }
        let engines = [each.pair.a, each.pair.b];
        let Some(sides) = sides(contestants, engines, setting.graph, setting.other) else {
            continue;
        };
        let divergence = trace(&cases[each.case], each, setting, sides, output);
        let by_itself =
            |found: &Divergence| found.alone.as_ref().is_some_and(|alone| !alone.within);
        each.accumulated =
            each.hostile && divergence.as_ref().is_some_and(|found| !by_itself(found));
        if !each.accumulated && found.is_none() {
            found = divergence;
        }
    }
    found
}

/// Searches on the worst sample if it shows the divergence alone, else on its whole batch.
fn trace(
    case: &Case,
    compared: &Compared,
    setting: &Setting,
    [a, b]: [Side; 2],
    output: &mut Output,
) -> Option<Divergence> {
    let row = compared.pair.worst.first().copied().unwrap_or(0);
    let mut before = 0;
    let (mut inputs, mut at) = (Vec::new(), 0);
    for index in 0..case.batches() {
        let (batch, samples) = case.batch(index, output);
        (inputs, at) = (batch, row.saturating_sub(before));
        before += samples.len();
        if row < before {
            break;
        }
    }
    let one = rows(&inputs, at..at + 1, setting.graph);
    let tolerance = setting.tolerances.iter().zip(&setting.graph.outputs);
    let tolerance = tolerance
        .filter(|(_, output)| output.name == compared.output)
        .map(|(tolerance, _)| for_case(*tolerance, case.hostile))
        .next();
    let mut differs = || -> edgefit::engine::Result<bool> {
        a.engine.load(a.graph)?;
        b.engine.load(b.graph)?;
        let (of_a, of_b) = (a.engine.run(&one)?, b.engine.run(&one)?);
        let outputs = of_a.iter().zip(&of_b).zip(setting.tolerances);
        let names = (a.engine.name(), b.engine.name());
        let mut pairs = outputs.map(|((x, y), t)| compare((names.0, x), (names.1, y), *t));
        Ok(pairs.any(|pair| !pair.within))
    };
    let inputs = match differs() {
        Ok(true) => &one,
        _ => &inputs,
    };
    // Sides that live no longer than their inputs.
    let a = Side {
        graph: a.graph,
        engine: a.engine,
    };
    let b = Side {
        graph: b.graph,
        engine: b.engine,
    };
    search(a, b, inputs, tolerance).ok().flatten()
}

/// Some samples of the inputs, where they can be told apart; as many as the model insists on.
fn rows(inputs: &[Array], range: Range<usize>, graph: &Graph) -> Vec<Array> {
    let samples = |array: &Array| array.dims.first().copied().unwrap_or(0);
    let all = inputs.first().map_or(0, samples);
    let fixed = graph
        .free_inputs()
        .find_map(|input| match input.dims()?.first()? {
            Dim::Known(size @ 2..) => Some(*size),
            _ => None,
        });
    let range = match fixed {
        Some(size) if size <= all => {
            let start = range.start.min(all - size);
            start..start + size
        }
        _ => range,
    };
    let apart = inputs.iter().all(|input| samples(input) == all) && range.end <= all;
    match apart && fixed.is_none_or(|size| size <= all) {
        true => inputs
            .iter()
            .map(|input| input.rows(range.clone()))
            .collect(),
        false => inputs.to_vec(),
    }
}
