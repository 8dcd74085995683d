//! `edgefit predict`: what a model says of images and arrays.

use std::collections::BTreeSet;

use edgefit::assets::Cache;
use edgefit::engine::{EngineName, fastest};
use edgefit::graph::rewrite::lift_constants;
use edgefit::graph::{Graph, ImageInput};
use edgefit::predict::{Predictions, Predictor};
#[cfg(feature = "train")]
use edgefit::quant::execution_here;
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};

use super::{discover, in_file, threads};
use crate::cli::Predict;

pub fn run(args: Predict, output: &mut Output) -> anyhow::Result<Outcome> {
    let mut graph = Graph::load(&args.model)?;
    lift_constants(&mut graph);
    if let Some(name) = args.preprocessing {
        ImageInput::prepare_by(&mut graph, name).map_err(in_file(&args.model))?;
    }
    let found = discover(&Cache::of_user()?);
    let engine = args.engine.unwrap_or_else(fastest);
    if engine == EngineName::OnnxRuntime {
        found?;
    }
    let predictor = Predictor::new(&args.model, &graph, engine, threads(args.threads))?;
    let (execution, saturation) = execution_here(&graph, engine);
    if let Some(saturation) = saturation {
        output.warn(&format!("{}: {saturation}", args.model.display()));
    }
    let mut predictor = predictor.with_execution(execution);
    #[cfg(feature = "train")]
    let only = held_out(&args)?;
    #[cfg(not(feature = "train"))]
    let only = None::<BTreeSet<String>>;
    let spinner = spinner("predicting");
    for path in &args.paths {
        predictor.run(path, only.as_ref(), &mut |words| {
            spinner.suspend(|| output.warn(words));
        })?;
    }
    drop(spinner);
    let predicted = predictor.finish(&mut |words| output.warn(words))?;
    if args.csv {
        let mut text = Vec::new();
        predicted.write_csv(&mut text)?;
        output.text(&String::from_utf8(text)?)?;
        return Ok(Outcome::Yes);
    }
    let predictions = Predictions::of(&predicted);
    output.result("edgefit.predict/1", &predictions, || {
        report::predictions(&predictions)
    })?;
    Ok(Outcome::Yes)
}

/// What the samples are called that a run held out for its test.
#[cfg(feature = "train")]
fn held_out(args: &Predict) -> anyhow::Result<Option<BTreeSet<String>>> {
    let split = args.split.as_deref();
    let split = split.map(edgefit::train::SplitFile::load).transpose()?;
    Ok(split.map(|split| split.test.into_iter().collect()))
}

/// A board runs a model as its engine does.
#[cfg(not(feature = "train"))]
fn execution_here(_: &Graph, _: EngineName) -> (edgefit::engine::Execution, Option<String>) {
    (edgefit::engine::Execution::Fused, None)
}
