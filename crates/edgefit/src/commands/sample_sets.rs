//! The model and the samples of a command that changes a model and compares it with what it was.

use std::path::{Path, PathBuf};

use anyhow::Context;
use edgefit::graph::{DataType, Graph, ImageInput};
use edgefit::terminal::Output;
use edgefit::train::SampleSets;

use super::{in_file, loaded};
use crate::cli::ChangeArgs;

/// The model that was given, else that of the run.
pub fn model_path(args: &ChangeArgs) -> anyhow::Result<PathBuf> {
    let of_run = args.run.as_ref().map(|run| run.join("model.onnx"));
    let path = args.model.clone().or(of_run);
    path.context("give a model or --run")
}

/// Loads a model, with the shape of its input and the preprocessing that were given.
pub fn load(path: &Path, args: &ChangeArgs) -> anyhow::Result<Graph> {
    let mut graph = loaded(path, args.input_shape.as_ref())?;
    if let Some(name) = args.preprocessing {
        ImageInput::prepare_by(&mut graph, name).map_err(in_file(path))?;
    }
    Ok(graph)
}

/// The samples that were given for `graph`.
pub fn open(
    args: &ChangeArgs,
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

/// Says that the model that was made has floats of 32 bits, where those of the one at `path` are others.
pub fn warn_widened(output: &mut Output, widened: Option<DataType>, [path, made]: [&Path; 2]) {
    if let Some(dtype) = widened {
        let (path, made) = (path.display(), made.display());
        output.warn(&format!(
            "{path} holds {dtype}; the floats of {made} are of 32 bits, inputs and outputs included"
        ));
    }
}
