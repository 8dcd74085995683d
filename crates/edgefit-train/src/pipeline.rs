//! The whole job, phase by phase: loaded → split → trained → exported.

pub(crate) mod exported;
pub(crate) mod loaded;
pub(crate) mod lr_find;
pub(crate) mod session;
pub(crate) mod split;
pub(crate) mod stages;
pub(crate) mod trained;
pub(crate) mod tuning;

use std::path::Path;

use crate::config::job::Job;
use crate::error::Result;
use crate::observer::Observer;
use crate::pipeline::loaded::LoadedJob;
use crate::pipeline::session::Session;
use crate::pipeline::split::SplitJob;
use crate::run::checkpoint::Checkpoint;
use crate::run::folder::RunFolder;
use crate::run::report::Report;

/// Runs the whole job: features, baselines, stages, export, test, parity, check, with the guards
/// looking on.
///
/// Predictions of memory presume that the heap is laid out as `edgefit_engine::malloc::keep_one_heap` sets
/// it; call that first.
///
/// # Errors
/// What is wrong with the inputs, with the place and the fix; [`Error::DoesNotFit`] before the
/// first step when the model cannot fit the device, [`Error::Memory`] when the training cannot fit
/// this machine, [`Error::Guard`] when a guard ends the training.
///
/// [`Error::DoesNotFit`]: crate::Error::DoesNotFit
/// [`Error::Memory`]: crate::Error::Memory
/// [`Error::Guard`]: crate::Error::Guard
pub fn train(job: &Job, observer: &mut dyn Observer) -> Result<Report> {
    let loaded = LoadedJob::load(job, observer)?;
    let mut run = RunFolder::create(&job.run)?;
    run.begin(job)?;
    finish(
        &loaded,
        Session {
            checkpoint: Checkpoint::default(),
            run,
            observer,
        },
    )
}

/// Goes on with a run that was killed or ended by the user.
///
/// The result is the one that the run would have had without the interruption.
///
/// # Errors
/// As [`train`], and [`Error::Checkpoint`](crate::Error::Checkpoint) if there is nothing to go on
/// with.
pub fn resume(run: &Path, observer: &mut dyn Observer) -> Result<Report> {
    let (job, checkpoint, run) = RunFolder::open(run)?;
    let loaded = LoadedJob::load(&job, observer)?;
    finish(
        &loaded,
        Session {
            checkpoint,
            run,
            observer,
        },
    )
}

fn finish(loaded: &LoadedJob, mut session: Session) -> Result<Report> {
    let features = loaded.features(session.observer)?;
    let split = SplitJob::split(loaded, &features)?;
    split.record(&session.run)?;
    let trained = split.train(&mut session)?;
    let exported = trained.export(&mut session)?;
    exported.report(session)
}
