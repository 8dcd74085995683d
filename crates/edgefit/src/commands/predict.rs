//! `edgefit predict`: what a model says of images and arrays.

mod samples;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use edgefit::assets::Cache;
use edgefit::base::units::format;
use edgefit::data::{Prediction, Truth, write_predictions};
use edgefit::engine::{Array, EngineName, Loaded, fastest, load};
use edgefit::graph::rewrite::lift_constants;
use edgefit::graph::{Graph, ImageInput, Preprocessing, Task, labels};
use edgefit::terminal::progress::spinner;
use edgefit::terminal::table;
use serde::Serialize;

use self::samples::{Batch, Image, Named};
use super::{discover, in_file, threads};
use crate::cli::Predict;
use crate::output::{Outcome, Output};

/// Samples that go through the model at once.
const BATCH: usize = 16;

/// Most classes that are listed of a sample.
const TOP: usize = 3;

/// What a model says of all samples.
#[derive(Debug, Serialize)]
struct Predictions {
    model: PathBuf,
    engine: EngineName,
    task: Task,
    /// How many samples whose class is known get it.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<Accuracy>,
    predictions: Vec<One>,
}

#[derive(Debug, Serialize)]
struct Accuracy {
    correct: usize,
    samples: usize,
    accuracy: f64,
}

/// What it says of one.
#[derive(Debug, Serialize)]
struct One {
    file: String,
    /// The class, the labels, or the numbers.
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// What is true of it, where its place says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    truth: Option<String>,
    /// The model's outputs, as they are.
    outputs: Vec<f32>,
    /// The likeliest classes or labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    top: Vec<Likely>,
}

#[derive(Debug, Serialize)]
struct Likely {
    label: String,
    probability: f64,
}

/// A model that is loaded, and what its outputs are.
struct Model {
    graph: Graph,
    loaded: Loaded,
    task: Task,
    labels: Vec<String>,
}

/// Samples with what the model makes of each.
#[derive(Default)]
struct Said {
    samples: Vec<Named>,
    outputs: Vec<Vec<f32>>,
}

pub fn run(args: Predict, output: &mut Output) -> anyhow::Result<Outcome> {
    let in_model = in_file(&args.model);
    let mut graph = Graph::load(&args.model)?;
    lift_constants(&mut graph);
    if let Some(name) = args.preprocessing {
        let preprocessing = ImageInput::of(&graph).and_then(|input| input.preprocessing(name));
        preprocessing.map_err(&in_model)?.store(&mut graph);
    }
    let found = discover(&Cache::of_user()?);
    let engine = args.engine.unwrap_or_else(fastest);
    if engine == EngineName::OnnxRuntime {
        found?;
    }
    let mut model = Model {
        loaded: load(engine, &graph, threads(args.threads))?,
        task: Task::of(&graph)
            .map_err(&in_model)?
            .unwrap_or(Task::Classes),
        labels: labels::of(&graph).map_err(&in_model)?.unwrap_or_default(),
        graph,
    };
    let only = held_out(&args)?;
    let spinner = spinner("predicting");
    let mut said = Said::default();
    for path in &args.paths {
        let mut warn = |words: &str| spinner.suspend(|| output.warn(words));
        if path.extension().is_some_and(|extension| extension == "npz") {
            let batch = samples::arrays(path, &model.graph, &model.labels)?;
            model.run(batch, &mut said).map_err(in_file(path))?;
        } else {
            let images = samples::images(path, &model.labels, only.as_ref(), &mut warn)?;
            model.run_images(&images, &mut said, &mut warn, &args.model)?;
        }
    }
    drop(spinner);
    ensure!(
        !said.samples.is_empty(),
        "none of the images can be read; give images in PNG, JPEG, WebP, BMP or GIF"
    );
    model.name_outputs(&said)?;
    let predictions = said.predictions();
    if args.csv {
        let mut text = Vec::new();
        write_predictions(&mut text, model.task, &model.labels, &predictions)?;
        output.text(&String::from_utf8(text)?)?;
        return Ok(Outcome::Yes);
    }
    let all = Predictions {
        accuracy: accuracy(model.task, &predictions),
        predictions: predictions.iter().map(|one| model.one(one)).collect(),
        model: args.model.clone(),
        engine,
        task: model.task,
    };
    output.result("edgefit.predict/1", &all, || human_readable(&all))?;
    Ok(Outcome::Yes)
}

/// Paths of the images that a run held out for its test.
#[cfg(feature = "train")]
fn held_out(args: &Predict) -> anyhow::Result<Option<BTreeSet<String>>> {
    let split = args.split.as_deref();
    let split = split.map(edgefit::train::SplitFile::load).transpose()?;
    Ok(split.map(|split| split.test.into_iter().collect()))
}

#[cfg(not(feature = "train"))]
#[expect(clippy::unnecessary_wraps, reason = "with `train`, a file is read")]
fn held_out(_: &Predict) -> anyhow::Result<Option<BTreeSet<String>>> {
    Ok(None)
}

impl Model {
    fn run_images(
        &mut self,
        images: &[Image],
        said: &mut Said,
        warn: &mut dyn FnMut(&str),
        path: &Path,
    ) -> anyhow::Result<()> {
        let preprocessing = Preprocessing::of(&self.graph).map_err(in_file(path))?;
        let preprocessing = preprocessing.with_context(|| {
            format!(
                "{}: does not say how its images are to be prepared; say it with --preprocessing, one of \
                 imagenet, tf, lite, unit, raw",
                path.display()
            )
        })?;
        for images in images.chunks(BATCH) {
            let batch = samples::batch(images, &preprocessing, warn);
            self.run(batch, said).map_err(in_file(path))?;
        }
        Ok(())
    }

    /// Runs a batch, and keeps a row of the first output for each sample.
    fn run(&mut self, batch: Batch, said: &mut Said) -> anyhow::Result<()> {
        let count = batch.samples.len();
        for start in (0..count).step_by(BATCH) {
            let end = count.min(start + BATCH);
            let inputs: Vec<Array> = batch
                .inputs
                .iter()
                .map(|input| input.rows(start..end))
                .collect();
            let made = self.loaded.run(&inputs)?;
            let output = made.first().context("the model has no output")?;
            let width = output.values.len() / (end - start);
            ensure!(
                width > 0 && output.dims.first() == Some(&(end - start)),
                "its first output has the shape {:?}, not a row for each of {} samples",
                output.dims,
                end - start
            );
            said.outputs
                .extend(output.values.chunks(width).map(<[f32]>::to_vec));
        }
        said.samples.extend(batch.samples);
        Ok(())
    }

    /// Numbers for names, where the model carries none.
    fn name_outputs(&mut self, said: &Said) -> anyhow::Result<()> {
        let width = said.outputs.first().map_or(0, Vec::len);
        if self.labels.is_empty() {
            self.labels = (0..width).map(|output| output.to_string()).collect();
        }
        ensure!(
            self.labels.len() == width && said.outputs.iter().all(|row| row.len() == width),
            "the model carries {} names for {width} outputs",
            self.labels.len()
        );
        Ok(())
    }

    fn one(&self, prediction: &Prediction) -> One {
        let probabilities = prediction.probabilities(self.task).unwrap_or_default();
        let mut top: Vec<Likely> = self
            .labels
            .iter()
            .zip(&probabilities)
            .map(|(label, &probability)| Likely {
                label: label.clone(),
                probability,
            })
            .collect();
        top.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        top.truncate(TOP);
        One {
            file: prediction.sample.to_owned(),
            label: prediction.said(self.task, &self.labels),
            probability: match self.task {
                Task::Classes => top.first().map(|first| first.probability),
                Task::MultiLabel | Task::Regression => None,
            },
            truth: prediction.true_words(self.task, &self.labels),
            outputs: prediction.outputs.to_vec(),
            top,
        }
    }
}

impl Said {
    fn predictions(&self) -> Vec<Prediction<'_>> {
        let pairs = self.samples.iter().zip(&self.outputs);
        pairs
            .map(|(sample, outputs)| Prediction {
                sample: &sample.name,
                truth: sample.class.map(Truth::Class),
                outputs,
            })
            .collect()
    }
}

/// Of the samples whose class is known.
fn accuracy(task: Task, predictions: &[Prediction]) -> Option<Accuracy> {
    if task != Task::Classes {
        return None;
    }
    let right = |one: &Prediction| match one.truth {
        Some(Truth::Class(class)) => Some(edgefit::base::statistics::argmax(one.outputs) == class),
        _ => None,
    };
    let judged: Vec<bool> = predictions.iter().filter_map(right).collect();
    let correct = judged.iter().filter(|right| **right).count();
    (!judged.is_empty()).then(|| Accuracy {
        correct,
        samples: judged.len(),
        accuracy: correct as f64 / judged.len() as f64,
    })
}

fn human_readable(all: &Predictions) -> String {
    let known = all.predictions.iter().any(|one| one.truth.is_some());
    let mut heads = vec!["sample", "predicted"];
    if all.task != Task::Regression {
        heads.push("probabilities");
    }
    if known {
        heads.push("is");
    }
    let mut rows = table(&heads);
    for one in &all.predictions {
        let mut cells = vec![one.file.clone(), one.label.clone()];
        if all.task != Task::Regression {
            let top = one.top.iter();
            let top = top
                .map(|likely| format!("{} {}", likely.label, format::percent(likely.probability)));
            cells.push(top.collect::<Vec<_>>().join(", "));
        }
        if known {
            cells.push(one.truth.clone().unwrap_or_default());
        }
        rows.add_row(cells);
    }
    let told = all.accuracy.as_ref().map(|accuracy| {
        format!(
            "\n{} of {} whose class is known are right ({})",
            accuracy.correct,
            accuracy.samples,
            format::percent(accuracy.accuracy)
        )
    });
    format!("{rows}{}", told.unwrap_or_default())
}
