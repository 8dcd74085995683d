//! Last phase: the exported model on the test samples, and the report.

use std::time::Instant;

use edgefit_data::{Dataset, Prediction, write_confusion, write_predictions};

use crate::config::stage_name::StageName;
use crate::error::Result;
use crate::evaluate::exported::{ExportedModel, sha256};
use crate::evaluate::metrics::Metrics;
use crate::evaluate::mistakes::{Mistake, mistakes, predictions};
use crate::evaluate::saliency;
use crate::evaluate::split_metrics::metrics;
use crate::pipeline::exported::ExportedJob;
use crate::pipeline::int8_done::Int8Done;
use crate::pipeline::loaded::{fits, nanoseconds};
use crate::pipeline::session::{Completion, Session};
use crate::pipeline::split::SplitJob;
use crate::pipeline::trained::TrainedJob;
use crate::prepare::inference::Inference;
use crate::prepare::preparation::Preparation;
use crate::prepare::target_transform::TargetTransform;
use crate::run::event::Event;
use crate::run::exported_file::Exported;
use crate::run::folder::RunFolder;
use crate::run::report::{self, Report, SCHEMA};
use crate::stages::stage::{Done, Stage};
use crate::stages::stage_memory::StageMemory;

/// A job whose models were run on the test samples.
pub(crate) struct TestedJob<'a> {
    exported: ExportedJob<'a>,
    test: Metrics,
    mistakes: Vec<Mistake>,
}

impl<'a> ExportedJob<'a> {
    /// Runs the exported model on the test samples and lists what it says of them.
    ///
    /// # Errors
    /// A sample can no longer be read, an engine cannot run the model, or a list cannot be written.
    pub fn test(mut self, session: &mut Session) -> Result<TestedJob<'a>> {
        let SplitJob {
            loaded,
            samples,
            model,
            ..
        } = &self.trained.split;
        let test = &samples.splits.test;
        let exported = ExportedModel {
            graph: &self.graph,
            preparation: &model.preparation,
        };
        let mut inference = Inference {
            engine: loaded.engine,
            threads: self.trained.job.threads,
            observer: session.observer,
        };
        let clock = Instant::now();
        let outputs = exported.predict(&test.samples, "test", &mut inference)?;
        self.trained.timing.test_ns = nanoseconds(clock);
        let predictions = predictions(test, &outputs);
        let mut mistakes = mistakes(&loaded.dataset, &predictions);
        if let Preparation::Images(preprocessing) = &model.preparation {
            saliency::explain(&mut mistakes, &self.graph, preprocessing, &test.samples)?;
        }
        let metrics = metrics(&model.transform, &outputs, test);
        list(&loaded.dataset, &predictions, &metrics, &session.run)?;
        if self.int8.is_some() {
            session.observer.begin("test of int8", 0);
            self.test_int8()?;
            session.observer.end();
        }
        Ok(TestedJob {
            test: metrics,
            mistakes,
            exported: self,
        })
    }
}

impl TestedJob<'_> {
    /// Writes the report, also where the user ended the run.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn report(mut self, mut session: Session) -> Result<Report> {
        let exported = &mut self.exported;
        let mut int8 = exported.int8.take();
        if let Some(Int8Done { report, .. }) = &mut int8 {
            let path = std::mem::take(&mut report.exported.path);
            report.exported.path = exported.published(path, &session);
        }
        let path = exported.published(exported.path.clone(), &session);
        let sha256 = sha256(&exported.path)?;
        let TrainedJob {
            split,
            job,
            findings,
            baselines,
            completion,
            mut timing,
            ..
        } = self.exported.trained;
        let checkpoint = std::mem::take(&mut session.checkpoint);
        let (int8, last) = match int8 {
            Some(Int8Done {
                report,
                done,
                graph,
            }) => (Some((report, graph)), done),
            None => (None, None),
        };
        let done: Vec<Done> = checkpoint.done.into_iter().chain(last).collect();
        let memory = measured(&split.loaded.memory, &done, split.features.peak_bytes);
        let dataset = &split.loaded.dataset;
        // What goes onto the device.
        let (int8, deployed) = int8.unzip();
        let deployed = deployed.as_ref().unwrap_or(&self.exported.graph);
        let check = fits(deployed, &job)?;
        timing.total_ns = nanoseconds(split.loaded.started);
        let stages: Vec<Stage> = done.into_iter().map(|done| done.stage).collect();
        let interrupted = completion == Completion::Interrupted;
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
            val: self.exported.val,
            test: self.test,
            mistakes: self.mistakes,
            baselines,
            guards: findings.report(),
            interrupted,
            exported: Exported { path, sha256 },
            int8,
            parity: self.exported.parity,
            check,
            timing,
        };
        session.run.events.append(&Event::End { timing });
        session.run.write_json(report::NAME, SCHEMA, &report)?;
        session.end_on_mlflow(&report);
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

/// What was predicted of each stage, with what was measured of those that ran. The probe begins with the pass that
/// makes the features.
fn measured(predicted: &[StageMemory], done: &[Done], features: Option<u64>) -> Vec<StageMemory> {
    let mut memory = predicted.to_vec();
    for (memory, done) in memory.iter_mut().zip(done) {
        let before = features.filter(|_| done.stage.name == StageName::Probe);
        memory.measured_peak_bytes = done.stage.peak_bytes.max(before);
    }
    memory
}
