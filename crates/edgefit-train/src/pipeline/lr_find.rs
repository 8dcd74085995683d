//! The learning-rate range test on the last stage of a job.

use edgefit_base::file::WriteError;

use crate::config::job::Job;
use crate::config::stage_name::StageName;
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::pipeline::loaded::LoadedJob;
use crate::pipeline::session::{Completion, Session};
use crate::pipeline::split::SplitJob;
use crate::pipeline::stages::train_stages;
use crate::run::checkpoint::Checkpoint;
use crate::run::folder::RunFolder;
use crate::stages::lr_find::{LrFind, diverged, learning_rates, read};
use crate::stages::trained_part::TrainedPart;
use crate::stages::training::learning_rate_range::range_test;

/// Runs the test on the last stage of `job`, from where those before it end: they are trained first.
/// Nothing is left behind but features in the job's cache.
///
/// # Errors
/// As [`train`](crate::train), and where the loss is non-finite from the first steps on.
pub fn lr_find(job: &Job, observer: &mut dyn Observer) -> Result<LrFind> {
    let Some((&stage, earlier)) = job.stages.split_last() else {
        return Err(Error::Choice("the job has no stage to test".into()));
    };
    if stage == StageName::Int8 {
        return Err(Error::Choice(
            "stage int8 only makes up for rounding, and has a learning rate of its own in the recipe; test \
             probe, top or full"
                .into(),
        ));
    }
    let loaded = LoadedJob::load(job, None, observer)?;
    let features = loaded.features(observer)?;
    let SplitJob {
        samples, mut model, ..
    } = SplitJob::split(&loaded, &features)?;
    let job = &loaded.job;
    let fail = |source| WriteError {
        path: std::env::temp_dir(),
        source,
    };
    let folder = tempfile::tempdir().map_err(fail)?;
    let before = Job {
        stages: earlier.to_vec(),
        run: folder.path().to_path_buf(),
        ..job.clone()
    };
    let mut session = Session {
        checkpoint: Checkpoint::default(),
        run: RunFolder::claim(&before)?,
        observer,
    };
    let ended = || Error::Choice("the test was ended before it saw enough".into());
    let trainer = samples.trainer(&before, &loaded);
    if train_stages(&trainer, &mut model, &mut session)? == Completion::Interrupted {
        return Err(ended());
    }

    let observer = session.observer;
    let trainer = samples.trainer(job, &loaded);
    let recipe = job.recipe.stage(stage);
    let part = TrainedPart::of(&model, job, stage)?;
    let augmentation = job.recipe.augmentation_of(stage);
    let sources = trainer.sources(&model, &part, &augmentation, observer)?;
    let problem = trainer.problem(&part, &sources, recipe);
    let tried = learning_rates();
    observer.begin("range test", tried.len() as u64);
    let losses = range_test(&problem, &tried, diverged, observer)?;
    observer.end();
    if observer.stop() {
        return Err(ended());
    }
    let (curve, reading) = read(&tried, &losses).ok_or_else(|| {
        Error::Stopped("the loss is non-finite from the start; check the data and the model".into())
    })?;
    Ok(LrFind {
        data: job.data.clone(),
        backbone: job.backbone.clone(),
        stage,
        optimizer: recipe.optimizer,
        batch: recipe.batch,
        recipe_learning_rate: recipe.learning_rate,
        curve,
        reading,
    })
}
