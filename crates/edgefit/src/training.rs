//! What the commands that train share: the job that the flags ask for, and what came of it.

use std::path::{Path, PathBuf};

use edgefit::assets::Cache;
use edgefit::device::Profile;
use edgefit::quant::Scheme;
use edgefit::terminal::progress::end_well_on_ctrl_c;
use edgefit::terminal::{Output, present_run, report};
use edgefit::train::{self, Job, Recipe, Refusal, Report, SCHEMA, StageName};

use crate::cli::{Deny, Fitting, Setup};
use crate::commands::{discover, in_file, threads};

/// Looks for ONNX Runtime, and lets Ctrl-C end what follows well.
pub fn begin(output: &mut Output) -> anyhow::Result<Cache> {
    let cache = Cache::of_user()?;
    if let Err(missing) = discover(&cache) {
        output.warn(&format!("{missing}; going on with tract"));
    }
    end_well_on_ctrl_c()?;
    Ok(cache)
}

/// What is trained on what, for what, and where it goes.
pub struct Places {
    pub data: PathBuf,
    pub backbone: PathBuf,
    pub device: Profile,
    pub run: PathBuf,
}

/// The job that the flags ask for.
pub fn job(fitting: Fitting, cache: &Cache, places: Places) -> anyhow::Result<Job> {
    let existing = fitting.existing();
    let mut job = set_up(fitting.setup, cache, places)?;
    let int8 = job.recipe.int8.learning_rate;
    job.recipe.each_stage(|stage| {
        stage.epochs = fitting
            .epochs
            .map_or(stage.epochs, |epochs| epochs as usize);
        stage.learning_rate = fitting.lr.unwrap_or(stage.learning_rate);
    });
    // What suits a head is far too much for what only makes up for rounding.
    job.recipe.int8.learning_rate = int8;
    // A learning rate that the user gives is not replaced.
    job.recipe.learning_rate_search &= fitting.lr.is_none();
    let default = if fitting.stages.is_empty() {
        &[StageName::Probe][..]
    } else {
        &[]
    };
    let stages = StageName::in_order(fitting.stages, default);
    let scheme = match (fitting.scheme, stages.contains(&StageName::Int8)) {
        (Some(_), false) => anyhow::bail!(
            "--scheme says what stage int8 makes, which --stages leaves out; add int8 to it, or leave \
             --scheme out"
        ),
        (Some(name), true) => Some(Scheme::find(&name)?),
        (None, true) => Some(train::device_scheme(&job.device)?),
        (None, false) => None,
    };
    Ok(Job {
        engine: fitting.frozen.engine,
        scheme,
        stages,
        tune: fitting.tune.map(|count| count as usize),
        allow: fitting.allow.into_iter().collect(),
        existing,
        tensorboard: fitting.tensorboard,
        mlflow: fitting.mlflow,
        deny_warnings: fitting.deny == Some(Deny::Warnings),
        ..job
    })
}

/// A job on the data, the backbone and the recipe that the flags name.
pub fn set_up(setup: Setup, cache: &Cache, places: Places) -> anyhow::Result<Job> {
    let mut recipe = Recipe::find(&setup.recipe)?;
    recipe.seed = setup.seed.unwrap_or(recipe.seed);
    recipe.each_stage(|stage| {
        stage.batch = setup.batch.map_or(stage.batch, |batch| batch as usize);
    });
    Ok(Job {
        task: setup.task,
        cache: cache.root().to_path_buf(),
        head: setup.head,
        freeze_to: setup.freeze_to,
        input_shape: setup.input_shape.map(|shape| shape.0),
        backend: setup.backend,
        threads: threads(setup.threads),
        strict: setup.strict,
        memory: setup.memory,
        recipe,
        command: std::env::args_os()
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
        ..Job::new(&places.data, &places.backbone, places.device, &places.run)
    })
}

/// The report of a job; `None` when it was refused because the model cannot fit the device, or
/// ended by a guard. `about` is what errors without a place are about.
pub fn report_of(
    made: train::Result<Report>,
    about: &Path,
    output: &mut Output,
) -> anyhow::Result<Option<Report>> {
    let error = match made {
        Ok(report) => return Ok(Some(report)),
        Err(error) => error,
    };
    let Some(refusal) = Refusal::of(&error) else {
        return Err(placed(error, about));
    };
    let page = refusal.run.and_then(|run| present_run(run, output));
    output.result(SCHEMA, &refusal, || {
        report::refusal(&refusal, page.as_deref())
    })?;
    Ok(None)
}

/// Puts the name of a file before errors about what is in a model, which do not know where it came from.
pub fn placed(error: train::Error, about: &Path) -> anyhow::Error {
    if error.lacks_file() {
        in_file(about)(error)
    } else {
        error.into()
    }
}
