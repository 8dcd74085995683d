//! Third phase: checked before the first step, compared with baselines, tuned and trained.

use std::time::Instant;

use edgefit_graph::Graph;
use edgefit_guards::Findings;
use edgefit_guards::ef13_monitoring::check_records;

use crate::config::job::Job;
use crate::error::Result;
use crate::evaluate::baselines::{Baseline, baselines};
use crate::guards;
use crate::guards::after_training::Course;
use crate::guards::evidence::Evidence;
use crate::pipeline::loaded::{LoadedJob, nanoseconds};
use crate::pipeline::session::{Completion, Session};
use crate::pipeline::split::SplitJob;
use crate::pipeline::stages::train_stages;
use crate::pipeline::tuning::tune;
use crate::prepare::model::Model;
use crate::run::report::Timing;
use crate::stages::stage::Done;
use crate::stages::trainer::Trainer;

/// A job whose stages are trained.
pub(crate) struct TrainedJob<'a> {
    /// With the trained weights in its model.
    pub split: SplitJob<'a>,
    /// The job, as it was tuned.
    pub job: Job,
    pub findings: Findings,
    pub baselines: Vec<Baseline>,
    /// The graph before the first stage.
    pub untrained: Graph,
    pub completion: Completion,
    pub timing: Timing,
}

impl<'a> SplitJob<'a> {
    /// Runs the checks before the first step, the baselines, tuning and the stages, and lets the
    /// guards look at how they went.
    ///
    /// # Errors
    /// A guard ends the training, a stage cannot run, or the run folder cannot be written.
    pub fn train(mut self, session: &mut Session) -> Result<TrainedJob<'a>> {
        let LoadedJob {
            job,
            dataset,
            findings,
            ..
        } = self.loaded;
        let mut findings = findings.clone();
        let mut timing = Timing {
            features_ns: self.features.duration_ns,
            ..Timing::default()
        };
        let samples = &self.samples;
        let Model { graph, head, .. } = &self.model;
        let evidence = samples.evidence(job, self.loaded, graph, head)?;
        session.observer.begin("preflight", 0);
        let first_learning_rate = evidence.before_training(&self.model, &mut findings)?;
        session.observer.end();
        guards::stop::stop_on_failure(&findings)?;

        let clock = Instant::now();
        let preparation = &self.model.preparation;
        let baselines = baselines(job, dataset, preparation, &samples.splits, session.observer)?;
        timing.baselines_ns = nanoseconds(clock);

        let before = self.model.graph.clone();
        let clock = Instant::now();
        let trainer = Trainer {
            first_learning_rate,
            ..samples.trainer(job, self.loaded)
        };
        let tuned = tune(&trainer, &self.model, session)?;
        timing.tuning_ns = nanoseconds(clock);
        let trainer = Trainer {
            first_learning_rate: tuned.first_learning_rate,
            ..samples.trainer(&tuned.job, self.loaded)
        };

        let clock = Instant::now();
        let completion = match tuned.completion {
            Completion::Complete => train_stages(&trainer, &mut self.model, session)?,
            Completion::Interrupted => Completion::Interrupted,
        };
        timing.stages_ns = nanoseconds(clock);
        let course = Course {
            evidence: &Evidence {
                job: &tuned.job,
                ..evidence
            },
            done: &session.checkpoint.done,
            baselines: &baselines,
            interrupted: completion == Completion::Interrupted,
        };
        course.judge(&mut findings);
        // A run that ends before its first epoch has nothing to record yet.
        let has_epochs = |done: &Done| !done.stage.epochs.is_empty();
        let has_trained = session.checkpoint.done.iter().any(has_epochs);
        let has_ended = completion == Completion::Complete && !tuned.job.keeps_head();
        if has_trained || has_ended {
            findings.record(check_records(session.run.events.records()));
        }
        if let Some(tuning) = &session.checkpoint.tuning {
            guards::tuning_range::check(&mut findings, tuning);
        }
        guards::stop::stop_on_failure(&findings)?;
        Ok(TrainedJob {
            split: self,
            job: tuned.job,
            findings,
            baselines,
            untrained: before,
            completion,
            timing,
        })
    }
}
