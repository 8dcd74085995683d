//! Last phase: the exported file, measured, and the report.

use std::path::PathBuf;
use std::time::Instant;

use edgefit_data::{Split, Splits};
use edgefit_graph::{Graph, Task};
use edgefit_verify::Pair;

use crate::error::Result;
use crate::evaluate::exported::{BATCH, ExportedModel, sha256};
use crate::evaluate::metrics::Metrics;
use crate::evaluate::split_metrics::metrics;
use crate::guards;
use crate::pipeline::loaded::{fits, nanoseconds};
use crate::pipeline::session::{Completion, Session};
use crate::pipeline::split::SplitJob;
use crate::pipeline::trained::TrainedJob;
use crate::prepare::inference::Inference;
use crate::prepare::split::SplitSamples;
use crate::prepare::target_transform::TargetTransform;
use crate::run::event::Event;
use crate::run::report::{Exported, Report, SCHEMA, SplitCounts};
use crate::stages::stage::{Done, Stage};
use crate::stages::training_memory::StageMemory;

/// A job whose model is written and measured.
pub(crate) struct ExportedJob<'a> {
    trained: TrainedJob<'a>,
    path: PathBuf,
    /// As it was read from the file.
    graph: Graph,
    val: Metrics,
    test: Metrics,
    parity: Vec<Pair>,
}

impl<'a> TrainedJob<'a> {
    /// Writes the model, and measures the file: predictions, parity, whether it fits the device.
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
        let path = session.run.path("model.onnx");
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
        Ok(ExportedJob {
            test: metrics(&model.transform, &test_predictions, test),
            val,
            parity,
            graph,
            path,
            trained: self,
        })
    }
}

impl ExportedJob<'_> {
    /// Writes the report, unless the user ended the run.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn report(self, mut session: Session) -> Result<Report> {
        let TrainedJob {
            split,
            job,
            findings,
            baselines,
            completion,
            mut timing,
            ..
        } = self.trained;
        let memory = measured(&split.loaded.memory, &session.checkpoint.done);
        let dataset = &split.loaded.dataset;
        let check = fits(&self.graph, &job.device)?;
        timing.total_ns = nanoseconds(split.loaded.started);
        let checkpoint = std::mem::take(&mut session.checkpoint);
        let stages: Vec<Stage> = checkpoint.done.into_iter().map(|done| done.stage).collect();
        let interrupted = completion == Completion::Interrupted;
        let report = Report {
            task: dataset.task,
            data: job.data,
            backbone: job.backbone,
            classes: dataset.classes.clone(),
            counts: counts(&split),
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
            baselines,
            guards: findings.report(),
            interrupted,
            exported: Exported {
                sha256: sha256(&self.path)?,
                path: self.path,
            },
            parity: self.parity,
            check,
            timing,
        };
        session.run.events.append(&Event::End { timing });
        if !interrupted {
            session.run.write_json("report.json", SCHEMA, &report)?;
            session.run.finish()?;
        }
        Ok(report)
    }
}

/// How many samples each split holds, and of what.
fn counts(split: &SplitJob) -> Vec<SplitCounts> {
    let dataset = &split.loaded.dataset;
    let outputs = dataset.classes.len();
    let of = |(split, samples): (Split, &SplitSamples)| SplitCounts {
        split,
        total: samples.samples.len(),
        samples: match dataset.task {
            Task::Classes => (0..outputs).map(|class| samples.count(class)).collect(),
            Task::MultiLabel => samples.label_counts(outputs),
            Task::Regression => Vec::new(),
        },
    };
    split.samples.splits.iter().map(of).collect()
}

/// What was predicted of each stage, with what was measured of those that ran.
fn measured(predicted: &[StageMemory], done: &[Done]) -> Vec<StageMemory> {
    let mut memory = predicted.to_vec();
    for (memory, done) in memory.iter_mut().zip(done) {
        memory.measured_peak_bytes = done.stage.peak_bytes;
    }
    memory
}
