//! The teacher of the finalists: the largest backbone, whole, at its own resolution, in floats.

use std::path::PathBuf;

use edgefit_guards::Code;
use edgefit_train::{Job, MODEL, Observer, StageName, hold_inputs, is_finished, validate};

use crate::error::{Error, Result};
use crate::job::FitJob;
use crate::quiet::Quiet;
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
    if is_finished(&run) {
        // It was gone on with by itself (`edgefit train --resume`).
        hold_inputs(&run, &mut Quiet(observer))?;
        return Ok(run.join(MODEL));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::tests::job;
    use crate::quiet::tests::Stopping;
    use crate::select::tests::network;
    use crate::tested::tests::write_report;
    use crate::train_finalist::tests::write_job;

    #[test]
    fn a_teacher_that_was_gone_on_with_by_itself_teaches() {
        let folder = tempfile::tempdir().unwrap();
        let job = job(folder.path());
        let surveyed = Surveyed {
            classes: Vec::new(),
            networks: vec![network(224, None, 2.0, 0.9)],
            remarks: Vec::new(),
        };
        let run = folder.path().join("teacher");
        write_report(&run);
        write_job(folder.path(), &run);
        let teacher = train_teacher(&job, &surveyed, &mut Stopping).unwrap();
        assert_eq!(teacher, run.join("model.onnx"));
    }
}
