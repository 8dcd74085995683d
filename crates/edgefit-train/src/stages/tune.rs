//! Tuning: the choices of stage probe, found by successive halving on cached features.

pub mod candidate;
mod halving;
mod significance;
mod space;

use std::collections::BTreeMap;

use edgefit_data::Augmentation;
use edgefit_graph::Task;

use crate::config::job::Job;
use crate::config::recipe::{Recipe, StageRecipe};
use crate::config::stage_name::StageName;
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::prepare::model::Model;
use crate::stages::trained_part::TrainedPart;
use crate::stages::trainer::{Sources, Trainer};
use crate::stages::training::epoch::Ended;
use crate::stages::training::evaluate::evaluate;
use crate::stages::training::fitted::fit;
use crate::stages::tune::candidate::{Candidate, Rung, Tuning};
use crate::stages::tune::space::{Around, Searched};

/// Checks that the stage that is tuned is trained.
///
/// # Errors
/// There is nothing to tune.
pub(crate) fn check(job: &Job) -> Result<()> {
    match job.tune {
        Some(0) => Err(Error::Choice(
            "--tune 0 tries nothing; give a number of candidates, or leave it out".into(),
        )),
        Some(_) if !job.stages.contains(&StageName::Probe) => Err(Error::Choice(
            "--tune tries its candidates on stage probe, which --stages leaves out; add probe to it, \
             or leave --tune out"
                .into(),
        )),
        _ => Ok(()),
    }
}

/// Views of each sample that the job holds at once.
pub(crate) fn views(job: &Job) -> usize {
    let views = job.recipe.views;
    match job.tune {
        // Each strength has its own, with the clean one.
        Some(_) if augments(&job.recipe) => 1 + 2 * views,
        _ => views,
    }
}

/// Whether augmentation reaches stage probe at all.
fn augments(recipe: &Recipe) -> bool {
    recipe.views > 1 && !recipe.augmentation_of(StageName::Probe).is_off()
}

/// Tries the recipe's own choices and `count` others. `None` if the user ended it.
///
/// The random numbers are those of training, so the winner's last rung equals the probe stage that
/// follows, and an interruption does not change the result.
pub(crate) fn search(
    trainer: &Trainer,
    model: &Model,
    count: usize,
    observer: &mut dyn Observer,
) -> Result<Option<Tuning>> {
    let recipe = &trainer.job.recipe;
    let mut own = recipe.probe.clone();
    own.learning_rate = trainer.first_learning_rate.unwrap_or(own.learning_rate);
    let around = Around {
        own: &own,
        augmentation: if augments(recipe) {
            Searched::Yes
        } else {
            Searched::No
        },
        label_smoothing: if trainer.train_targets.task == Task::Regression {
            Searched::No
        } else {
            Searched::Yes
        },
    };
    let mut candidates = space::sample(&around, count, recipe.seed);
    let part = TrainedPart::of(model, trainer.job, StageName::Probe)?;
    let mut strengths: Vec<f64> = candidates.iter().map(|made| made.augmentation).collect();
    strengths.sort_by(f64::total_cmp);
    strengths.dedup();
    let mut inputs: Vec<(f64, Sources)> = Vec::new();
    for strength in strengths {
        let augmentation: Augmentation = recipe.augmentation.scaled(strength as f32);
        let sources = trainer.sources(model, &part, &augmentation, observer)?;
        inputs.push((strength, sources));
    }
    let rungs = halving::rungs(candidates.len(), own.epochs);
    let epochs: usize = rungs.iter().map(|rung| rung.epochs * rung.candidates).sum();
    let samples = trainer.train_targets.len();
    let mut sum = ManyFits {
        observer,
        before: 0,
    };
    sum.observer.begin("tuning", (epochs * samples) as u64);
    let mut last: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    let train = |at: usize, candidate: &Candidate, epochs: usize| -> Result<Option<Rung>> {
        let recipe = StageRecipe {
            epochs,
            ..candidate.recipe(&own)
        };
        let of = |(strength, _): &&(f64, _)| *strength == candidate.augmentation;
        let Some((_, sources)) = inputs.iter().find(of) else {
            return Ok(None);
        };
        let problem = trainer.problem(&part, sources, &recipe);
        let fitted = fit(&problem, &mut sum)?;
        sum.before += (epochs * samples) as u64;
        if epochs == own.epochs {
            let module = fitted.module(&part.graph)?;
            let targets = trainer.val_targets;
            let (outputs, _) = evaluate(
                &part.graph,
                &module,
                sources.val.as_ref(),
                targets,
                own.batch,
            )?;
            last.insert(at, targets.losses(&outputs)?);
        }
        let best = fitted.best_epoch.checked_sub(1);
        let best = best.and_then(|at| fitted.epochs.get(at));
        let rung = Rung {
            epochs,
            val_loss: best.map(|epoch| epoch.val_loss),
            val_accuracy: best.and_then(|epoch| epoch.val_accuracy),
        };
        Ok((fitted.ended != Ended::Interrupted).then_some(rung))
    };
    let best = halving::run(&mut candidates, &rungs, train)?;
    sum.observer.end();
    let Some(best) = best else {
        return Ok(None);
    };
    let better = match (last.get(&0), last.get(&best)) {
        (Some(own), Some(best)) => significance::significantly_lower(own, best),
        _ => false,
    };
    let chosen = if better { best } else { 0 };
    Ok(Some(Tuning { candidates, chosen }))
}

/// Reports many fits as one.
struct ManyFits<'a> {
    observer: &'a mut dyn Observer,
    /// Samples of the fits before.
    before: u64,
}

impl Observer for ManyFits<'_> {
    fn begin(&mut self, what: &str, total: u64) {
        self.observer.begin(what, total);
    }

    fn progress(&mut self, done: u64, how: &str) {
        self.observer.progress(self.before + done, how);
    }

    fn end(&mut self) {
        self.observer.end();
    }

    fn warn(&mut self, message: &str) {
        self.observer.warn(message);
    }

    fn stop(&self) -> bool {
        self.observer.stop()
    }
}
