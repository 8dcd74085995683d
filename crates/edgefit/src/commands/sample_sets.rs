//! The model and the samples of a command that changes a model and compares it with what it was.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use edgefit::graph::{Graph, ImageInput, Task};
use edgefit::predict::{SampleSet, draw, shuffled};

use super::in_file;
use crate::cli::SampleArgs;

/// The samples of a model, and which of them are for what.
pub struct SampleSets {
    pub set: SampleSet,
    pub calibration: Vec<usize>,
    pub validation: Vec<usize>,
}

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
        let preprocessing = ImageInput::of(&graph).and_then(|input| input.preprocessing(name));
        preprocessing.map_err(in_file(path))?.store(&mut graph);
    }
    Ok(graph)
}

/// Whether the outputs of `graph` are those of classes, as far as it says.
pub fn is_classifier(graph: &Graph) -> edgefit::graph::Result<bool> {
    Ok(Task::of(graph)?.is_none_or(|task| task == Task::Classes))
}

impl SampleSets {
    /// The samples that were given for `graph`.
    pub fn open(
        args: &SampleArgs,
        graph: &Graph,
        warn: &mut dyn FnMut(&str),
    ) -> anyhow::Result<Self> {
        if let Some(run) = &args.run {
            return Self::of_run(run, graph, args, warn);
        }
        let path = args.data.as_ref().or(args.inputs.as_ref());
        let path = path.context("give samples with --data or --inputs")?;
        let set = SampleSet::open(path, graph, None, warn)?;
        let wanted = args.calibration as usize;
        let (calibration, validation) = draw(set.samples().len(), wanted, args.seed);
        Ok(SampleSets {
            set,
            calibration,
            validation,
        })
    }

    /// The samples that a run trained on calibrate, those of its validation split are compared on.
    fn of_run(
        run: &Path,
        graph: &Graph,
        args: &SampleArgs,
        warn: &mut dyn FnMut(&str),
    ) -> anyhow::Result<Self> {
        let (data, splits) = edgefit::train::data_of_run(run)?;
        let train: BTreeSet<String> = splits.train.into_iter().collect();
        let val: BTreeSet<String> = splits.val.into_iter().collect();
        let wanted: BTreeSet<String> = train.union(&val).cloned().collect();
        let set = SampleSet::open(&data, graph, Some(&wanted), warn)?;
        let of = |split: &BTreeSet<String>| -> Vec<usize> {
            let samples = set.samples().iter().enumerate();
            let of_split = samples.filter(|(_, sample)| split.contains(&sample.name));
            of_split.map(|(index, _)| index).collect()
        };
        let (train, validation) = (of(&train), of(&val));
        ensure!(
            !train.is_empty() && !validation.is_empty(),
            "{} holds none of the samples of {}; give them with --data",
            data.display(),
            run.display()
        );
        let drawn = shuffled(train.len(), args.seed);
        let calibration = drawn.into_iter().take(args.calibration as usize);
        Ok(SampleSets {
            set,
            calibration: calibration.map(|at| train[at]).collect(),
            validation,
        })
    }
}
