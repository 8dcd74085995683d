//! The model and the samples of a command that changes a model and compares it with what it was.

use std::path::{Path, PathBuf};

use anyhow::Context;
use edgefit::graph::{Graph, ImageInput, Task};
use edgefit::train::SampleSets;

use super::in_file;
use crate::cli::SampleArgs;

/// The model that was given, else that of the run.
pub fn model_path(model: Option<&Path>, args: &SampleArgs) -> anyhow::Result<PathBuf> {
    let of_run = args.run.as_ref().map(|run| run.join("model.onnx"));
    let path = model.map(Path::to_path_buf).or(of_run);
    path.context("give a model or --run")
}

/// Loads a model, with the preprocessing that was given.
pub fn load(path: &Path, args: &SampleArgs) -> anyhow::Result<Graph> {
    let mut graph = Graph::load(path)?;
    if let Some(name) = args.preprocessing {
        ImageInput::prepare_by(&mut graph, name).map_err(in_file(path))?;
    }
    Ok(graph)
}

/// Whether the outputs of `graph` are those of classes, as far as it says.
pub fn is_classifier(graph: &Graph) -> edgefit::graph::Result<bool> {
    Ok(Task::of(graph)?.is_none_or(|task| task == Task::Classes))
}

/// The samples that were given for `graph`.
pub fn open(
    args: &SampleArgs,
    graph: &Graph,
    warn: &mut dyn FnMut(&str),
) -> anyhow::Result<SampleSets> {
    let drawn = (args.calibration as usize, args.seed);
    if let Some(run) = &args.run {
        return Ok(SampleSets::of_run(run, graph, drawn, warn)?);
    }
    let path = args.data.as_ref().or(args.inputs.as_ref());
    let path = path.context("give samples with --data or --inputs")?;
    Ok(SampleSets::open(path, graph, drawn, warn)?)
}
