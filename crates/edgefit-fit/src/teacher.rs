//! The teacher of the finalists: the largest backbone, whole, at its own resolution, in floats.

use std::path::PathBuf;

use edgefit_guards::Code;
use edgefit_train::{Job, Observer, StageName, validate};

use crate::error::{Error, Result};
use crate::job::FitJob;
use crate::survey::Surveyed;
use crate::train_finalist::backbone_file;

/// Trains a new head on the backbone that computes most, and its last blocks where finalists are trained in
/// these too; whether it fits the device does not matter. Its file.
///
/// # Errors
/// It cannot be trained, or the user ended that.
pub fn train_teacher(
    job: &FitJob,
    surveyed: &Surveyed,
    observer: &mut dyn Observer,
) -> Result<PathBuf> {
    let whole = surveyed
        .networks
        .iter()
        .filter(|network| network.is_native && network.depth.cut.is_none());
    let largest = whole.max_by_key(|network| network.depth.macs);
    let Some(largest) = largest else {
        return Err(Error::Choice("there is no whole backbone to teach".into()));
    };
    let run = job.run.join("teacher");
    let mut training = Job {
        backbone: backbone_file(job, surveyed, largest, &run, observer)?,
        device: job.target.profile.clone(),
        input_shape: None,
        preprocessing: None,
        run,
        ..job.training.clone()
    };
    training.stages.retain(|stage| *stage < StageName::Full);
    training.allow.insert(Code::Ef20);
    let made = validate(&training, observer)?;
    if made.interrupted {
        return Err(Error::Interrupted(job.run.clone()));
    }
    Ok(made.model)
}

/// Whether finalists are trained enough for a teacher to matter: a new head on frozen features learns what
/// they hold without one.
pub fn wants_teacher(job: &FitJob) -> bool {
    job.training
        .stages
        .iter()
        .any(|stage| matches!(stage, StageName::Top | StageName::Full))
}
