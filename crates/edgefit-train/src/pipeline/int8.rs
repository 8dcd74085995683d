//! Stage int8: the exported model quantised, and trained on from there.

use std::collections::HashSet;
use std::path::PathBuf;
use std::slice;
use std::time::Instant;

use edgefit_burn::{EvalModule, Weights};
use edgefit_data::{Sample, Splits};
use edgefit_engine::{Array, InProcess};
use edgefit_graph::{Graph, Task};
use edgefit_quant::{
    Calibrated, Comparison, Outputs, Provenance, Samples, Scheme, execution_of, outputs, shuffled,
};

use crate::config::stage_name::StageName;
use crate::error::{Error, Result};
use crate::evaluate::exported::{ExportedModel, sha256};
use crate::evaluate::flips::flips;
use crate::evaluate::mistakes::predictions;
use crate::evaluate::split_metrics::metrics;
use crate::guards;
use crate::guards::after_training::Course;
use crate::pipeline::exported::ExportedJob;
use crate::pipeline::int8_done::Int8Done;
use crate::pipeline::loaded::nanoseconds;
use crate::pipeline::session::{Completion, Session};
use crate::pipeline::split::SplitJob;
use crate::pipeline::stages::{Training, train_part};
use crate::pipeline::trained::TrainedJob;
use crate::prepare::split::SplitSamples;
use crate::run::exported_file::Exported;
use crate::run::int8_report::{Int8Figures, Int8Report, Origin};
use crate::stages::int8_part::{Int8Part, scheme_of};
use crate::stages::stage::{Done, Stage};
use crate::stages::trainer::Trainer;
use crate::stages::training::epoch::Ended;
use crate::stages::training::evaluate::evaluate;
use crate::stages::training::teacher::Teacher;

/// Name of the quantised model.
const MODEL: &str = "model-int8.onnx";

/// Training samples that calibrate.
const CALIBRATION: usize = 100;

/// Samples that run at once. All their values are kept while the model is calibrated.
const BATCH: usize = 4;

/// Samples as the exported model sees them.
struct Clean<'a> {
    model: ExportedModel<'a>,
    samples: &'a [&'a Sample],
}

impl Samples for Clean<'_> {
    fn batches(&self) -> Box<dyn Iterator<Item = edgefit_predict::Result<Vec<Array>>> + '_> {
        let read = |batch: &[&Sample]| match self.model.inputs(batch) {
            Ok(inputs) => Ok(vec![inputs]),
            Err(error) => Err(edgefit_predict::Error::Samples(Box::new(error))),
        };
        Box::new(self.samples.chunks(BATCH).map(read))
    }
}

impl TrainedJob<'_> {
    /// Lets the guards look at how stage int8 went.
    ///
    /// # Errors
    /// A guard ends the job.
    fn judge_int8(&mut self, done: &Done) -> Result<()> {
        let SplitJob {
            loaded,
            samples,
            model,
            ..
        } = &self.split;
        let evidence = samples.evidence(&self.job, loaded, &self.untrained, &model.head)?;
        let course = Course {
            evidence: &evidence,
            done: slice::from_ref(done),
            baselines: &self.baselines,
            interrupted: done.stage.ended == Ended::Interrupted,
        };
        course.judge_stages(&mut self.findings);
        guards::stop::stop_on_failure(&self.findings)
    }
}

impl ExportedJob<'_> {
    /// Quantises the exported model, trains it on from there, and writes the better of both; where the job
    /// has no stage int8, or was ended, nothing.
    ///
    /// # Errors
    /// A guard ends the job, the model cannot be quantised, the stage cannot run, or the run folder cannot be
    /// written.
    pub fn quantize(mut self, session: &mut Session) -> Result<Self> {
        let wanted = self.trained.job.stages.contains(&StageName::Int8);
        if wanted && self.trained.completion == Completion::Complete {
            if self.trained.job.recipe.int8.epochs > 0 {
                guards::stop::stop_on_failure(&self.trained.findings)?;
            }
            let clock = Instant::now();
            let made = self.int8(session)?;
            self.trained.timing.int8_ns = nanoseconds(clock);
            if let Some(done) = &made.done {
                let judged = self.trained.judge_int8(done);
                // For the report of the run that it ends.
                judged.inspect_err(|_| session.checkpoint.done.push(done.clone()))?;
            }
            let ended = made.done.as_ref().map(|done| done.stage.ended);
            if ended == Some(Ended::Interrupted) {
                self.trained.completion = Completion::Interrupted;
            }
            self.int8 = Some(made);
        }
        Ok(self)
    }

    fn int8(&self, session: &mut Session) -> Result<Int8Done> {
        let TrainedJob { split, job, .. } = &self.trained;
        let (loaded, model) = (split.loaded, &split.model);
        let Splits { train, val, .. } = &split.samples.splits;
        let scheme = scheme_of(job)?;
        let drawn = shuffled(train.samples.len(), job.recipe.seed).into_iter();
        let drawn: Vec<&Sample> = drawn
            .take(CALIBRATION)
            .map(|at| train.samples[at])
            .collect();
        let exported = ExportedModel {
            graph: &self.graph,
            preparation: &model.preparation,
        };
        let calibrating = Clean {
            model: exported,
            samples: &drawn,
        };
        edgefit_engine::restart_peak_rss();
        session.observer.begin("calibration", 0);
        // What calibration takes is gone before training begins.
        let (ptq, int8) = {
            let mut engine = self.engine(&scheme);
            let calibrated = Calibrated::new(&self.graph, &scheme, &calibrating, &mut engine)?;
            let ptq = calibrated.quantize(&HashSet::new())?;
            let int8 = Int8Part::of(model, job, &calibrated, &ptq)?;
            (ptq, int8)
        };
        session.observer.end();

        let trainer = split.samples.trainer(job, loaded);
        session.observer.begin("validation", 0);
        let before = start(&trainer, &int8, self)?;
        session.observer.end();
        let trained = match job.recipe.int8.epochs {
            0 => None,
            _ => Some(self.train_int8(&trainer, &int8, session)?),
        };
        let mut graphs = vec![ptq.graph];
        graphs.extend(trained.as_ref().map(|(_, graph)| graph.clone()));
        let provenance = Provenance {
            scheme: scheme.name.clone(),
            calibration_samples: drawn.len(),
            seed: job.recipe.seed,
            float_sha256: sha256(&self.path)?,
        };
        graphs.iter_mut().for_each(|graph| provenance.store(graph));
        let mut engine = self.engine(&scheme);
        let mut on_val = self.compare(&graphs, val, &mut engine)?.into_iter();
        let mut done = trained.map(|(done, _)| done);
        let is_better = |done: &mut Done| {
            done.stage.kept = done.stage.beats(&Stage {
                val_accuracy: before.0,
                val_loss: before.1,
                ..done.stage.clone()
            });
            done.stage.kept
        };
        let kept = if done.as_mut().is_some_and(is_better) {
            Origin::Training
        } else {
            graphs.truncate(1);
            Origin::Quantization
        };
        let graph = graphs
            .pop()
            .ok_or_else(|| Error::Stopped("nothing was quantised".into()))?;
        let mut figures = |(val_accuracy, val_loss)| Int8Figures {
            val_accuracy,
            val_loss,
            val: on_val.next(),
        };
        let quantized = figures(before);
        let trained = done
            .as_ref()
            .map(|done| figures((done.stage.val_accuracy, done.stage.val_loss)));
        Ok(Int8Done {
            report: Int8Report {
                scheme: scheme.name,
                calibration_samples: drawn.len(),
                quantized,
                trained,
                kept,
                test: None,
                test_metrics: None,
                flips: Vec::new(),
                exported: self.write(&graph, session)?,
            },
            done,
            graph,
        })
    }

    /// Trains the quantised model, with the float one as its teacher.
    fn train_int8(
        &self,
        trainer: &Trainer,
        int8: &Int8Part,
        session: &mut Session,
    ) -> Result<(Done, Graph)> {
        let recipe = trainer.recipe(StageName::Int8);
        let teacher = Teacher::new(&int8.teacher, recipe.teacher, trainer.job.backend)?;
        let training = Training {
            model: &self.trained.split.model,
            part: &int8.part,
            teacher: (recipe.teacher > 0.0).then_some(&teacher),
        };
        let (done, weights) = train_part(trainer, training, session)?;
        let trained = int8.trainable.trained(&own(int8, weights))?;
        Ok((done, trained))
    }

    /// Figures of the model that stage int8 made, if there is one, on the test samples: alone, against the float one,
    /// and where the two differ.
    ///
    /// # Errors
    /// A sample can no longer be read, or the engine fails.
    pub fn test_int8(&mut self) -> Result<()> {
        let Some(made) = &self.int8 else {
            return Ok(());
        };
        let TrainedJob { split, job, .. } = &self.trained;
        let mut engine = self.engine(&scheme_of(job)?);
        let test = &split.samples.splits.test;
        let float = self.outputs(&self.graph, test, &mut engine)?;
        let int8 = self.outputs(&made.graph, test, &mut engine)?;
        let compared = self.comparison(&float, &int8, test);
        let [float, int8] = [float, int8].map(|outputs| outputs.rows.concat());
        let of_int8 = metrics(&split.model.transform, &int8, test);
        let [float, int8] = [&float, &int8].map(|outputs| predictions(test, outputs));
        let flips = flips(&split.loaded.dataset, &float, &int8);
        if let Some(made) = &mut self.int8 {
            made.report.test = Some(compared);
            made.report.test_metrics = Some(of_int8);
            made.report.flips = flips;
        }
        Ok(())
    }

    /// The engine that stands in for that of the scheme.
    fn engine(&self, scheme: &Scheme) -> InProcess {
        let TrainedJob { split, job, .. } = &self.trained;
        let engine = InProcess::new(split.loaded.engine, job.threads);
        engine.with_execution(execution_of(&scheme.name))
    }

    /// Each of `graphs` against the exported model on the samples of a split.
    fn compare(
        &self,
        graphs: &[Graph],
        split: &SplitSamples,
        engine: &mut InProcess,
    ) -> Result<Vec<Comparison>> {
        let float = self.outputs(&self.graph, split, engine)?;
        let each = graphs.iter();
        each.map(|graph| {
            let made = self.outputs(graph, split, engine)?;
            Ok(self.comparison(&float, &made, split))
        })
        .collect()
    }

    fn outputs(
        &self,
        graph: &Graph,
        split: &SplitSamples,
        engine: &mut InProcess,
    ) -> Result<Outputs> {
        let samples = Clean {
            model: ExportedModel {
                graph: &self.graph,
                preparation: &self.trained.split.model.preparation,
            },
            samples: &split.samples,
        };
        let made = outputs(graph, &samples, engine);
        Ok(made.map_err(edgefit_quant::Error::from)?)
    }

    fn comparison(&self, float: &Outputs, int8: &Outputs, split: &SplitSamples) -> Comparison {
        let labels: Vec<Option<usize>> = split.labels().into_iter().map(Some).collect();
        let is_of_classes = self.trained.split.loaded.dataset.task == Task::Classes;
        Comparison::of(float, int8, is_of_classes.then_some(labels.as_slice()))
    }

    fn write(&self, graph: &Graph, session: &Session) -> Result<Exported> {
        let path = session.run.path(MODEL);
        graph.save(&path)?;
        Ok(Exported {
            sha256: sha256(&path)?,
            path,
        })
    }

    /// Where a file of the run lies when all is written.
    pub fn published(&self, file: PathBuf, session: &Session) -> PathBuf {
        match file.file_name() {
            Some(name) if self.trained.completion == Completion::Complete => {
                session.run.folder().join(name)
            }
            _ => file,
        }
    }
}

/// Accuracy and loss of the quantised model on the validation samples, before it is trained.
fn start(trainer: &Trainer, int8: &Int8Part, job: &ExportedJob) -> Result<(Option<f64>, f64)> {
    let graph = &int8.part.graph;
    let module = EvalModule::from_graph(graph, &trainer.job.backend.device()?)?;
    let source = trainer.live_val(&job.trained.split.model);
    let batch = trainer.recipe(StageName::Int8).batch;
    let (outputs, loss) = evaluate(graph, &module, &source, trainer.val_targets, batch)?;
    Ok((trainer.val_targets.accuracy(&outputs), loss))
}

/// Of the weights of the trained graph, those that were trained.
fn own(int8: &Int8Part, weights: Weights) -> Weights {
    let mut own = weights;
    own.retain(|name, _| int8.part.trained.contains_key(name));
    own
}
