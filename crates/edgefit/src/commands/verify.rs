//! `edgefit verify`: its arguments, the call, and what it prints.

mod on_samples;
pub mod worker;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use anyhow::Context;
use edgefit::base::file::ensure_place;
use edgefit::engine::child::Launch;
use edgefit::engine::{EngineName, Execution};
use edgefit::graph::Graph;
use edgefit::graph::rewrite::lift_constants;
use edgefit::quant::{Provenance, is_of_this_processor};
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};
use edgefit::train::{SplitFile, model_of_run};
use edgefit::verify::cases::{Case, HeldOut, Options};
use edgefit::verify::{
    Counterparts, ModelPaths, Models, Report, Setting, Verdict, VerifiedEngine, output_tolerances,
    start, verify, with_names_of,
};

use super::{in_file, threads};
use crate::cli::Verify;

/// Name and version of the document.
const SCHEMA: &str = "edgefit.verify/1";

pub fn run(args: Verify, output: &mut Output) -> anyhow::Result<Outcome> {
    let engine = match args.engine {
        Some(VerifiedEngine::Integer(engine)) => {
            anyhow::ensure!(
                args.html.html.is_none(),
                "--html shows how engines of floats agree; leave it out with --engine micro and c"
            );
            return on_samples::run(&args, engine, output);
        }
        Some(VerifiedEngine::Float(engine)) => Some(engine),
        None => None,
    };
    anyhow::ensure!(
        args.device.is_none(),
        "--device is for --engine c, which runs on an emulated core; add that, or leave it out"
    );
    let model = in_file(&args.model);
    args.html.ensure_place()?;
    args.reduce.as_deref().map_or(Ok(()), ensure_place)?;
    let mut graph = Graph::load(&args.model)?;
    lift_constants(&mut graph);
    anyhow::ensure!(
        graph.free_inputs().next().is_some(),
        "{}: the model has no inputs, so there is nothing to compare; export it with its inputs",
        args.model.display()
    );
    let tolerances = output_tolerances(&graph, &args.tolerance).map_err(&model)?;
    let against = args.against.as_deref();
    let other = against.map(|path| load_other(path, &graph)).transpose()?;
    let (other, counterparts) = other.unzip();
    let cases = cases(&args, &graph, output)?;
    let (names, models) = match (engine, &other) {
        (Some(engine), Some(_)) => (vec![engine], Models::Two),
        (_, Some(_)) => (EngineName::ALL.to_vec(), Models::Two),
        (_, None) => (EngineName::ALL.to_vec(), Models::One),
    };
    let both = std::iter::once((&graph, &*args.model)).chain(other.iter().zip(against));
    let mut made_for =
        both.filter_map(|(graph, path)| Some((Provenance::of(graph)?.scheme, path.display())));
    let execution = match made_for.find(|(scheme, _)| !is_of_this_processor(scheme)) {
        Some((scheme, path)) => {
            output.warn(&format!(
                "{path} is made for scheme {scheme}, whose integer kernels are not those of ONNX Runtime on this \
                 processor: it runs node by node here, which gives what the integers of any engine give"
            ));
            Execution::NodeByNode
        }
        None => Execution::Fused,
    };
    let launch = launch(threads(args.threads), execution)?;
    let participants = start(&names, engine, models, &launch, &mut |words| {
        output.warn(words);
    })?;
    let setting = Setting {
        graph: &graph,
        other: other.as_ref(),
        counterparts,
        tolerances: &tolerances,
        only: engine,
        execution,
    };
    let paths = ModelPaths {
        model: &args.model,
        against,
    };
    let spinner = spinner("running the engines");
    let report = verify(&cases, &setting, participants, paths, &mut |words| {
        spinner.suspend(|| output.warn(words));
    });
    drop(spinner);
    let mut report = report.map_err(&model)?;
    if let Some(path) = &args.reduce {
        reduce(path, &mut report, models, output)?;
    }
    output.result(SCHEMA, &report, || report::verification(&report))?;
    args.html.write(SCHEMA, &report)?;
    Ok((report.verdict == Verdict::Agree).into())
}

/// The model in a file or of a run, its values called as those of `model`, and how many correspond.
fn load_other(path: &Path, model: &Graph) -> anyhow::Result<(Graph, Counterparts)> {
    let mut other = if path.is_dir() {
        model_of_run(path, model)?
    } else {
        Graph::load(path)?
    };
    lift_constants(&mut other);
    with_names_of(model, other).map_err(in_file(path))
}

/// How the process of an engine is started.
fn launch(threads: usize, execution: Execution) -> anyhow::Result<impl Fn(EngineName) -> Launch> {
    let binary = std::env::current_exe().context("cannot find edgefit's own binary")?;
    Ok(move |engine: EngineName| {
        let [engine, threads] = [engine.to_string(), threads.to_string()];
        let arguments = ["engine-worker", "--engine", &engine, "--threads", &threads];
        let mut arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
        if execution == Execution::NodeByNode {
            arguments.push("--node-by-node".into());
        }
        Launch {
            binary: binary.clone(),
            arguments,
            variables: Vec::new(),
        }
    })
}

/// All inputs that the model is compared on.
fn cases(args: &Verify, graph: &Graph, output: &mut Output) -> anyhow::Result<Vec<Case>> {
    let options = Options {
        images: args.data.as_deref(),
        held_out: args.split.as_deref().map(held_out).transpose()?,
        inputs: args.inputs.as_deref(),
        samples: args.samples.map(|samples| samples as usize),
        input_shape: args.input_shape.as_ref().map(|shape| shape.0.as_slice()),
        preprocessing: args.preprocessing,
        labels: args.labels.as_deref(),
        seed: args.seed,
    };
    Ok(options.cases(graph, &args.model, &mut |words| output.warn(words))?)
}

/// The samples that a run held out to the end.
fn held_out(file: &Path) -> anyhow::Result<HeldOut> {
    Ok(HeldOut {
        relative: BTreeSet::from_iter(SplitFile::load(file)?.test),
        file: file.to_path_buf(),
    })
}

/// Writes the files that reproduce the divergence, if there is one and they do.
fn reduce(
    path: &Path,
    report: &mut Report,
    models: Models,
    output: &mut Output,
) -> anyhow::Result<()> {
    let Some(found) = &report.first_divergence else {
        output.warn("nothing diverges, so --reduce has nothing to write");
        return Ok(());
    };
    match &found.reduced {
        Some(reduced) => report.reduced = Some(reduced.write(path, models)?),
        None => output.warn(
            "no part of the model reproduces the divergence with the same inputs, so --reduce wrote \
             nothing: errors add up",
        ),
    }
    Ok(())
}
