//! The stages of a run, one after the other, each from the best weights so far.

use std::time::{Duration, Instant};

use edgefit_burn::Weights;

use crate::config::stage_name::StageName;
use crate::error::Result;
use crate::pipeline::loaded::nanoseconds;
use crate::pipeline::session::{Completion, Session};
use crate::prepare::model::Model;
use crate::run::checkpoint::Checkpoint;
use crate::run::event::Event;
use crate::run::folder::RunFolder;
use crate::stages::stage::{Done, Stage};
use crate::stages::trained_part::TrainedPart;
use crate::stages::trainer::Trainer;
use crate::stages::training::epoch::{Ended, Epoch};
use crate::stages::training::evaluate::evaluate;
use crate::stages::training::fitted::fit_from;
use crate::stages::training::keeper::{Keeper, Urgency};
use crate::stages::training::problem::Problem;
use crate::stages::training::state::State;
use crate::stages::training::teacher::Teacher;
use crate::stages::training::training_loop::Hooks;
use crate::stages::weights::load_weights;

/// Least time between two checkpoints of a stage.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// A checkpoint is followed by at least so many times the time that it took.
const TRAINING_PER_SAVE: u32 = 20;

/// Trains the stages that the checkpoint does not have yet, and loads the best weights into `model`.
///
/// # Errors
/// A stage cannot run, or the run folder cannot be written.
pub(crate) fn train_stages(
    trainer: &Trainer,
    model: &mut Model,
    session: &mut Session,
) -> Result<Completion> {
    load_weights(&mut model.graph, &session.checkpoint.kept)?;
    for name in trainer.job.float_stages() {
        let done = &session.checkpoint.done;
        if done.iter().any(|done| done.stage.name == name) {
            continue;
        }
        let (done, weights) = train_stage(trainer, name, model, session)?;
        let ended = done.stage.ended;
        if done.stage.kept {
            load_weights(&mut model.graph, &weights)?;
            session.checkpoint.kept.extend(weights);
        }
        if ended == Ended::Interrupted {
            // The checkpoint stays in the middle of the stage, to go on from there.
            session.checkpoint.done.push(done);
            return Ok(Completion::Interrupted);
        }
        session.checkpoint.current = None;
        session.checkpoint.done.push(done);
        session.run.save(&mut session.checkpoint)?;
    }
    Ok(Completion::Complete)
}

/// Keeps a stage in the folder of the run: each epoch at once, its state now and then.
struct StageKeeper<'a> {
    stage: StageName,
    run: &'a mut RunFolder,
    checkpoint: &'a mut Checkpoint,
    /// When the state was kept last, and how long it is not kept again.
    saved: Instant,
    wait: Duration,
}

impl Keeper for StageKeeper<'_> {
    fn epoch(&mut self, epoch: &Epoch) {
        let stage = self.stage;
        self.run.events.append(&Event::Epoch { stage, epoch });
    }

    fn state(&mut self, state: &dyn Fn() -> Result<State>, urgency: Urgency) -> Result<()> {
        if urgency == Urgency::Now || self.saved.elapsed() > self.wait {
            let began = Instant::now();
            self.checkpoint.current = Some((self.stage, state()?));
            self.run.save(self.checkpoint)?;
            self.wait = SAVE_EVERY.max(TRAINING_PER_SAVE * began.elapsed());
            self.saved = Instant::now();
        }
        Ok(())
    }
}

fn train_stage(
    trainer: &Trainer,
    name: StageName,
    model: &Model,
    session: &mut Session,
) -> Result<(Done, Weights)> {
    edgefit_engine::restart_peak_rss();
    let training = Training {
        model,
        part: &TrainedPart::of(model, trainer.job, name)?,
        teacher: None,
    };
    train_part(trainer, training, session)
}

/// What a stage trains.
#[derive(Clone, Copy)]
pub(crate) struct Training<'a> {
    /// The model of the run.
    pub model: &'a Model,
    /// What of it, or of what was made of it.
    pub part: &'a TrainedPart,
    /// Whose answers the targets hold a share of.
    pub teacher: Option<&'a Teacher>,
}

/// Trains a stage, from where the checkpoint left it. It counts as kept where it is better than all that
/// were kept before it.
///
/// # Errors
/// As [`train_stages`].
pub(crate) fn train_part(
    trainer: &Trainer,
    training: Training,
    session: &mut Session,
) -> Result<(Done, Weights)> {
    let Session {
        checkpoint,
        run,
        observer,
    } = session;
    let started = Instant::now();
    let Training {
        model,
        part,
        teacher,
    } = training;
    let name = part.stage;
    let recipe = trainer.recipe(name);
    let augmentation = trainer.job.recipe.augmentation_of(name);
    let sources = trainer.sources(model, part, &augmentation, *observer)?;
    let problem = Problem {
        teacher,
        ..trainer.problem(part, &sources, &recipe)
    };
    let resumed = match checkpoint.current.take() {
        Some((stage, state)) if stage == name => Some(state),
        _ => None,
    };
    let samples = recipe.epochs * sources.train.len();
    observer.begin(&name.to_string(), samples as u64);
    let mut keeper = StageKeeper {
        stage: name,
        run,
        checkpoint,
        saved: Instant::now(),
        wait: SAVE_EVERY,
    };
    let mut hooks = Hooks {
        observer: *observer,
        keeper: &mut keeper,
    };
    let fitted = fit_from(&problem, resumed, &mut hooks)?;
    observer.end();
    let module = fitted.module(&part.graph)?;
    let (outputs, val_loss) = evaluate(
        &part.graph,
        &module,
        sources.val.as_ref(),
        trainer.val_targets,
        recipe.batch,
    )?;
    let parameters = part
        .trained
        .keys()
        .filter_map(|name| fitted.weights.get(name));
    let mut stage = Stage {
        name,
        learning_rate: recipe.learning_rate,
        kept: true,
        frozen_to: part.frozen_to.clone(),
        parameters: parameters.map(Vec::len).sum(),
        best_epoch: fitted.best_epoch,
        epochs: fitted.epochs,
        ended: fitted.ended,
        val_accuracy: trainer.val_targets.accuracy(&outputs),
        val_loss,
        peak_bytes: edgefit_engine::peak_rss_bytes(),
        duration_ns: nanoseconds(started),
    };
    let kept = checkpoint.done.iter().rfind(|done| done.stage.kept);
    stage.kept = kept.is_none_or(|best| stage.beats(&best.stage));
    let done = Done {
        stage,
        train_accuracy: fitted.train_accuracy,
        measured_samples: fitted.measured_samples,
        val_losses: fitted.val_losses,
        val_recalls: trainer.val_targets.recalls(&outputs),
        watch: fitted.watch,
    };
    Ok((done, fitted.weights))
}
