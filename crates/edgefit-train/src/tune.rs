//! The choices of stage probe, found by trying some of them on cached features.

mod clearly;
mod halving;
mod space;

use std::collections::BTreeMap;

use edgefit_base::file::{WriteError, write_atomically};
use edgefit_data::Augmentation;
use edgefit_graph::Task;
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::events::Observer;
use crate::fit::{Ended, Source, evaluate, fit};
use crate::job::Job;
use crate::model::Model;
use crate::recipe::{Recipe, StageName, StageRecipe};
use crate::run_folder::RunFolder;
use crate::training::{Part, Training};

/// What successive halving (Jamieson & Talwalkar 2016, arXiv 1502.07943, figure 3) found.
///
/// Every rung trains its candidates from the start, by a schedule of its own length, and the third
/// with the lowest validation losses goes on to three times the epochs; the recipe's own choices always
/// do. The last rung is as long as the recipe says. The best there is chosen if its loss is lower than that
/// of the recipe by more than two standard errors of the difference, and the recipe's own choices
/// otherwise: what looks better by chance is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// What was tried; the recipe's own choices first.
    pub candidates: Vec<Candidate>,
    /// Which of them is used, counted from 0.
    pub chosen: usize,
}

/// Choices of stage probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Highest learning rate.
    pub rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Share of a label that is spread over all classes.
    pub label_smoothing: f64,
    /// Strength of the recipe's augmentation, see [`StageRecipe::augmentation`].
    pub augmentation: f64,
    /// How far it came.
    pub rungs: Vec<Rung>,
}

/// What became of a candidate in a rung.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// Most epochs.
    pub epochs: usize,
    /// Lowest loss on the validation samples: not smoothed, every class counting as in training; `None`
    /// if it never was a number.
    pub val_loss: Option<f64>,
    /// Share of the validation samples that was right in that epoch; `None` for numbers.
    pub val_accuracy: Option<f64>,
}

impl Tuning {
    fn put_into(&self, recipe: &mut Recipe) {
        if let Some(chosen) = self.candidates.get(self.chosen) {
            recipe.probe = chosen.recipe(&recipe.probe);
        }
    }
}

impl Candidate {
    fn of(recipe: &StageRecipe) -> Self {
        Candidate {
            rate: recipe.rate,
            weight_decay: recipe.weight_decay,
            label_smoothing: recipe.label_smoothing,
            augmentation: recipe.augmentation,
            rungs: Vec::new(),
        }
    }

    fn recipe(&self, other: &StageRecipe) -> StageRecipe {
        StageRecipe {
            rate: self.rate,
            weight_decay: self.weight_decay,
            label_smoothing: self.label_smoothing,
            augmentation: self.augmentation,
            ..other.clone()
        }
    }

    fn loss(&self) -> f64 {
        let last = self.rungs.last();
        last.and_then(|rung| rung.val_loss).unwrap_or(f64::INFINITY)
    }
}

/// Holds what is to be tuned against what is to be trained.
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

/// What is trained after tuning.
pub(crate) struct Tuned {
    /// The job, with what was chosen in its recipe.
    pub job: Job,
    /// Rate of the first stage, instead of the recipe's.
    pub first_rate: Option<f64>,
    /// Whether the user ended it before something was chosen.
    pub interrupted: bool,
}

/// Does what the job says about tuning, unless `checkpoint` knows what came out, and leaves the recipe
/// in the run folder as `recipe.toml`.
///
/// # Errors
/// A candidate cannot be trained, or the run folder cannot be written.
pub(crate) fn tuned(
    work: &Training,
    model: &Model,
    checkpoint: &mut Checkpoint,
    run: &mut RunFolder,
    observer: &mut dyn Observer,
) -> Result<Tuned> {
    let mut tuned = Tuned {
        job: work.job.clone(),
        first_rate: work.first_rate,
        interrupted: false,
    };
    let Some(count) = work.job.tune else {
        return Ok(tuned);
    };
    if checkpoint.tuning.is_none() {
        let Some(tuning) = search(work, model, count, observer)? else {
            tuned.interrupted = true;
            return Ok(tuned);
        };
        run.event(&serde_json::json!({"event": "tuning", "tuning": tuning}))?;
        checkpoint.tuning = Some(tuning);
        run.save(checkpoint)?;
    }
    if let Some(tuning) = &checkpoint.tuning {
        tuning.put_into(&mut tuned.job.recipe);
        tuned.first_rate = None;
        write(&tuned.job.recipe, run)?;
    }
    Ok(tuned)
}

fn write(recipe: &Recipe, run: &RunFolder) -> Result<()> {
    let path = run.path("recipe.toml");
    let text = toml::to_string(recipe).map_err(|error| WriteError {
        path: path.clone(),
        source: std::io::Error::other(error),
    })?;
    let text = format!("# What `--tune` chose for stage probe, for `--recipe`.\n\n{text}");
    Ok(write_atomically(&path, |file| {
        file.write_all(text.as_bytes())
    })?)
}

/// Tries the recipe's own choices and `count` others. `None` if the user ended it.
///
/// Chance is that of training, so the winner's last rung is the probe stage that follows, and the same
/// job gives the same result whatever was interrupted.
fn search(
    work: &Training,
    model: &Model,
    count: usize,
    observer: &mut dyn Observer,
) -> Result<Option<Tuning>> {
    let recipe = &work.job.recipe;
    let mut own = recipe.probe.clone();
    own.rate = work.first_rate.unwrap_or(own.rate);
    let mut candidates = space::sample(
        &own,
        count,
        recipe.seed,
        augments(recipe),
        work.train_targets.task != Task::Regression,
    );
    let part = Part::of(model, work.job, StageName::Probe)?;
    let mut strengths: Vec<f64> = candidates.iter().map(|made| made.augmentation).collect();
    strengths.sort_by(f64::total_cmp);
    strengths.dedup();
    let mut inputs: Vec<(f64, [Box<dyn Source + '_>; 2])> = Vec::new();
    for strength in strengths {
        let augmentation: Augmentation = recipe.augmentation.scaled(strength as f32);
        let sources = work.sources(StageName::Probe, model, &part, &augmentation, observer)?;
        inputs.push((strength, sources));
    }
    let rungs = halving::rungs(candidates.len(), own.epochs);
    let epochs: usize = rungs.iter().map(|rung| rung.epochs * rung.candidates).sum();
    let samples = work.train_targets.len();
    let mut sum = Sum {
        observer,
        before: 0,
    };
    sum.observer.begin("tuning", (epochs * samples) as u64);
    let mut last: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    let train = |at: usize, candidate: &Candidate, epochs: usize| -> Result<Option<Rung>> {
        let recipe = StageRecipe {
            epochs,
            ..candidate.recipe(&own)
        };
        let of = |(strength, _): &&(f64, _)| *strength == candidate.augmentation;
        let Some((_, sources)) = inputs.iter().find(of) else {
            return Ok(None);
        };
        let problem = work.problem(StageName::Probe, &part, sources, &recipe);
        let fitted = fit(&problem, &mut sum)?;
        sum.before += (epochs * samples) as u64;
        if epochs == own.epochs {
            let module = fitted.module(&part.graph)?;
            let [_, val] = sources;
            let targets = work.val_targets;
            let (outputs, _) = evaluate(&part.graph, &module, val.as_ref(), targets, own.batch)?;
            last.insert(at, clearly::losses(targets, &outputs)?);
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
        (Some(own), Some(best)) => clearly::clearly_lower(own, best),
        _ => false,
    };
    let chosen = if better { best } else { 0 };
    Ok(Some(Tuning { candidates, chosen }))
}

/// Tells of many fits as of one.
struct Sum<'a> {
    observer: &'a mut dyn Observer,
    /// Samples of the fits before.
    before: u64,
}

impl Observer for Sum<'_> {
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
