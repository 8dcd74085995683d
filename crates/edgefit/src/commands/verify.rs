mod accuracy;
mod against;
mod comparison;
mod engines;
mod inputs;
mod people;
mod reduce;
pub mod worker;

use std::path::PathBuf;

use edgefit::engine::parity::{Divergence, Fault, Tolerance, Verdict, in_train_mode};
use edgefit::engine::{EngineName, Error};
use edgefit::graph::Graph;
use edgefit::graph::rewrite::lift_constants;
use serde::Serialize;

use super::{in_file, threads};
use crate::cli::{ToleranceFor, Verify};
use crate::output::{Outcome, Output};
use crate::progress::spinner;
use accuracy::Accuracy;
use comparison::{Compared, Setting};
use engines::{Contestant, Fared, Status};
use reduce::Files;

#[derive(Serialize)]
struct Verified {
    verdict: Verdict,
    model: PathBuf,
    against: Option<PathBuf>,
    /// Samples of the first kind of input.
    samples: usize,
    engines: Vec<Fared>,
    /// Each two results of each output on the input that takes most of the tolerance.
    pairs: Vec<Compared>,
    /// On every input.
    cases: Vec<Compared>,
    first_divergence: Option<Divergence>,
    /// What is not in eval mode.
    faults: Vec<Fault>,
    accuracy: Vec<Accuracy>,
    reduced: Option<Files>,
}

pub fn run(args: Verify, output: &mut Output) -> anyhow::Result<Outcome> {
    let mut graph = Graph::load(&args.model)?;
    lift_constants(&mut graph);
    let tolerances = tolerances(&graph, &args.tolerance).map_err(in_file(&args.model))?;
    let other = args.against.as_deref();
    let other = other.map(|path| against::load(path, &graph)).transpose()?;
    let cases = inputs::cases(&args, &graph, output)?;
    let names = match (args.engine, &other) {
        (Some(engine), Some(_)) => vec![engine],
        _ => EngineName::ALL.to_vec(),
    };
    let mut contestants = engines::start(
        &names,
        args.engine,
        threads(args.threads),
        other.is_some(),
        output,
    )?;
    let setting = Setting {
        graph: &graph,
        other: other.as_ref(),
        tolerances: &tolerances,
        only: args.engine,
    };

    let spinner = spinner("running the engines");
    for contestant in &mut contestants {
        contestant.load(&graph, other.as_ref());
    }
    let mut compared = Vec::new();
    let mut accuracy = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let results = comparison::run(case, &setting, &mut contestants, output)?;
        if let inputs::Source::Images(images) = &case.source {
            accuracy.extend(accuracy::of(images, &results, &args));
        }
        compared.extend(comparison::pairs(case, index, &setting, &results));
    }
    check_ran(&contestants, &compared).map_err(in_file(&args.model))?;
    let mut faults = in_train_mode(&graph);
    faults.extend(comparison::faults(
        &cases,
        &setting,
        &mut contestants,
        output,
    ));
    let mut known = std::collections::HashSet::new();
    faults.retain(|fault| known.insert(fault.node.clone()));
    let first_divergence =
        comparison::first_divergence(&cases, &setting, &mut contestants, &mut compared, output);
    spinner.finish_and_clear();

    let reduced = match (&args.reduce, &first_divergence) {
        (Some(path), Some(found)) => reduce::write(path, found, other.is_some(), output)?,
        (Some(_), None) => {
            output.warn("nothing diverges, so --reduce has nothing to write");
            None
        }
        (None, _) => None,
    };
    let failed = |contestant: &Contestant| {
        matches!(contestant.fared.status, Status::Failed | Status::Crashed)
    };
    let agree = faults.is_empty()
        && !contestants.iter().any(failed)
        && compared.iter().all(Compared::agrees);
    let verified = Verified {
        verdict: agree.into(),
        model: args.model,
        against: args.against,
        samples: compared.first().map_or(0, |compared| compared.samples),
        pairs: comparison::worst(&compared),
        cases: compared,
        engines: contestants
            .into_iter()
            .map(|contestant| contestant.fared)
            .collect(),
        first_divergence,
        faults,
        accuracy,
        reduced,
    };
    output.result("edgefit.verify/1", &verified, || people::text(&verified))?;
    Ok((verified.verdict == Verdict::Agree).into())
}

/// The tolerance of each output: what was asked for, or what goes with its type.
fn tolerances(graph: &Graph, given: &[ToleranceFor]) -> anyhow::Result<Vec<Tolerance>> {
    let outputs = &graph.outputs;
    for asked in given.iter().filter_map(|given| given.output.as_ref()) {
        let names: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
        anyhow::ensure!(
            names.contains(&asked.as_str()),
            "--tolerance names '{asked}', and the model's outputs are {}",
            names.join(", ")
        );
    }
    let of = |output: &edgefit::graph::ValueInfo| {
        let own = given
            .iter()
            .rev()
            .find(|given| given.output.as_ref() == Some(&output.name));
        let all = given.iter().rev().find(|given| given.output.is_none());
        match own.or(all) {
            Some(given) => Tolerance {
                atol: given.atol,
                rtol: given.rtol,
                cosine: None,
                nan_is_nan: false,
            },
            None => Tolerance::of(graph, output),
        }
    };
    Ok(outputs.iter().map(of).collect())
}

/// Refuses a model that no engine runs, and a comparison of nothing.
fn check_ran(contestants: &[Contestant], compared: &[Compared]) -> anyhow::Result<()> {
    let mut present = contestants
        .iter()
        .map(|contestant| &contestant.fared)
        .filter(|fared| fared.status != Status::Missing)
        .peekable();
    let first = present.peek().and_then(|fared| fared.problem.clone());
    if let (Some(problem), true) = (first, present.all(|fared| fared.status == Status::Failed)) {
        return Err(Error::Refused(problem).into());
    }
    let all_ran = contestants
        .iter()
        .all(|contestant| matches!(contestant.fared.status, Status::Ran | Status::Missing));
    anyhow::ensure!(
        !compared.is_empty() || !all_ran,
        "there is nothing to compare; leave out --engine, or install ONNX Runtime with `edgefit engine \
         install onnxruntime`"
    );
    Ok(())
}
