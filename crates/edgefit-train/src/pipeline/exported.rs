//! Last phase: the exported file, measured, and the report.

use std::path::PathBuf;
use std::time::Instant;

use edgefit_data::{Dataset, Prediction, Splits, write_confusion, write_predictions};
use edgefit_graph::Graph;
use edgefit_verify::Pair;

use crate::error::Result;
use crate::evaluate::exported::{BATCH, ExportedModel, sha256};
use crate::evaluate::metrics::Metrics;
use crate::evaluate::mistakes::{Mistake, mistakes, predictions};
use crate::evaluate::split_metrics::metrics;
use crate::guards;
use crate::pipeline::int8::Int8Done;
use crate::pipeline::loaded::{fits, nanoseconds};
use crate::pipeline::session::{Completion, Session};
use crate::pipeline::split::SplitJob;
use crate::pipeline::trained::TrainedJob;
use crate::prepare::inference::Inference;
use crate::prepare::target_transform::TargetTransform;
use crate::run::event::Event;
use crate::run::folder::RunFolder;
use crate::run::report::{self, Exported, Report, SCHEMA};
use crate::stages::stage::{Done, Stage};
use crate::stages::training_memory::StageMemory;

/// Name of the exported model.
const MODEL: &str = "model.onnx";

/// A job whose model is written and measured.
pub(crate) struct ExportedJob<'a> {
    pub trained: TrainedJob<'a>,
    pub path: PathBuf,
    /// As it was read from the file.
    pub graph: Graph,
    pub int8: Option<Int8Done>,
    val: Metrics,
    test: Metrics,
    parity: Vec<Pair>,
    mistakes: Vec<Mistake>,
}

impl<'a> TrainedJob<'a> {
    /// Writes the model, measures the file (predictions, parity, whether it fits the device), and lists
    /// what it says of the test samples.
    ///
    /// # Errors
    /// The file cannot be written, or an engine cannot run it.
    pub fn export(mut self, session: &mut Session) -> Result<ExportedJob<'a>> {
        let SplitJob {
            loaded,
            samples,
            model,
            ..
        } = &self.split;
        let Splits { val, test, .. } = &samples.splits;
        let path = session.run.path(MODEL);
        model.to_export().save(&path)?;
        let graph = Graph::load(&path)?;
        let exported = ExportedModel {
            graph: &graph,
            preparation: &model.preparation,
        };
        let mut inference = Inference {
            engine: loaded.engine,
            threads: self.job.threads,
            batch: BATCH,
            observer: session.observer,
        };
        let val_predictions = exported.predict(&val.samples, "validation", &mut inference)?;
        let clock = Instant::now();
        let test_predictions = exported.predict(&test.samples, "test", &mut inference)?;
        self.timing.test_ns = nanoseconds(clock);

        let clock = Instant::now();
        let parity = exported.parity(&val.samples, &loaded.compared, &mut inference)?;
        self.timing.parity_ns = nanoseconds(clock);
        let val = metrics(&model.transform, &val_predictions, val);
        guards::exported::check_export(&mut self.findings, &self.untrained, &graph, &parity);
        guards::exported::check_predictions(&mut self.findings, &loaded.dataset.classes, &val);
        guards::exported::check_regression(&mut self.findings, &val, &self.baselines);
        let predictions = predictions(test, &test_predictions);
        let test = metrics(&model.transform, &test_predictions, test);
        list(&loaded.dataset, &predictions, &test, &session.run)?;
        Ok(ExportedJob {
            mistakes: mistakes(&loaded.dataset, &predictions),
            test,
            val,
            parity,
            graph,
            path,
            int8: None,
            trained: self,
        })
    }
}

impl ExportedJob<'_> {
    /// Writes the report, also where the user ended the run.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn report(mut self, mut session: Session) -> Result<Report> {
        let mut int8 = self.int8.take();
        if let Some(Int8Done { report, .. }) = &mut int8 {
            let path = std::mem::take(&mut report.exported.path);
            report.exported.path = self.published(path, &session);
        }
        let path = self.published(self.path.clone(), &session);
        let TrainedJob {
            split,
            job,
            findings,
            baselines,
            completion,
            mut timing,
            ..
        } = self.trained;
        let checkpoint = std::mem::take(&mut session.checkpoint);
        let (int8, last) = match int8 {
            Some(Int8Done { report, done }) => (Some(report), Some(done)),
            None => (None, None),
        };
        let done: Vec<Done> = checkpoint.done.into_iter().chain(last).collect();
        let memory = measured(&split.loaded.memory, &done);
        let dataset = &split.loaded.dataset;
        let check = fits(&self.graph, &job.device)?;
        timing.total_ns = nanoseconds(split.loaded.started);
        let stages: Vec<Stage> = done.into_iter().map(|done| done.stage).collect();
        let interrupted = completion == Completion::Interrupted;
        let sha256 = sha256(&self.path)?;
        let report = Report {
            origin: session.run.origin.clone(),
            command: job.command,
            run: session.run.folder().to_path_buf(),
            task: dataset.task,
            data: job.data,
            backbone: job.backbone,
            classes: dataset.classes.clone(),
            counts: split.counts(),
            unreadable: split.features.unreadable.clone(),
            engine: split.loaded.engine,
            cached_features: split.features.cached,
            recipe: job.recipe,
            tuning: checkpoint.tuning,
            class_weights: match &split.model.transform {
                TargetTransform::Classes { weights, .. } => weights.clone(),
                _ => Vec::new(),
            },
            stages,
            memory,
            val: self.val,
            test: self.test,
            mistakes: self.mistakes,
            baselines,
            guards: findings.report(),
            interrupted,
            exported: Exported { path, sha256 },
            int8,
            parity: self.parity,
            check,
            timing,
        };
        session.run.events.append(&Event::End { timing });
        session.run.write_json(report::NAME, SCHEMA, &report)?;
        if !interrupted {
            session.run.finish()?;
        }
        Ok(report)
    }
}

/// Writes what the model says of the test samples, and of classes, which it takes for which.
fn list(
    dataset: &Dataset,
    predictions: &[Prediction],
    test: &Metrics,
    run: &RunFolder,
) -> Result<()> {
    run.write("predictions.csv", |file| {
        write_predictions(file, dataset.task, &dataset.classes, predictions)
    })?;
    match test {
        Metrics::Classification(of) => run.write("confusion.csv", |file| {
            write_confusion(file, &dataset.classes, &of.confusion)
        }),
        _ => Ok(()),
    }
}

/// What was predicted of each stage, with what was measured of those that ran.
fn measured(predicted: &[StageMemory], done: &[Done]) -> Vec<StageMemory> {
    let mut memory = predicted.to_vec();
    for (memory, done) in memory.iter_mut().zip(done) {
        memory.measured_peak_bytes = done.stage.peak_bytes;
    }
    memory
}
