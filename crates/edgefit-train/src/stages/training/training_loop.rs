//! The training loop: epochs of steps, each followed by a measurement of the validation samples.

use edgefit_burn::TrainModule;

use crate::config::stage_name::StageName;
use crate::error::Result;
use crate::observer::Observer;
use crate::prepare::read_ahead::{Batches, Readers};
use crate::stages::training::epoch::Ended;
use crate::stages::training::evaluate::evaluate;
use crate::stages::training::keeper::{Keeper, Urgency};
use crate::stages::training::loop_state::LoopState;
use crate::stages::training::order;
use crate::stages::training::state::{self, State};
use crate::stages::training::step::{ROLLBACKS, Update};

/// Where a stage reports to and is kept.
pub(crate) struct Hooks<'a> {
    pub observer: &'a mut dyn Observer,
    pub keeper: &'a mut dyn Keeper,
}

impl LoopState<'_> {
    pub fn all(&mut self, mut module: TrainModule, hooks: &mut Hooks) -> Result<Ended> {
        let recipe = self.problem.recipe;
        let reads_files = self.problem.train.reads_files();
        let readers = reads_files.then(Readers::new).transpose()?;
        // A state that was kept behind its last epoch ends here, too.
        while !self.waited_enough() && self.progress.epochs.len() < recipe.epochs {
            let epoch = self.progress.epochs.len() + 1;
            let mut rng = self.random.stream(epoch, 0);
            let order = order::order(self.problem.train_targets, self.problem.sampling, &mut rng);
            let groups = order::parts(&order, recipe.batch * recipe.accumulate, recipe);
            let groups: Vec<&[usize]> = groups.skip(self.progress.step).collect();
            let ended;
            (module, ended) = match &readers {
                Some(readers) => {
                    let batches = groups.iter();
                    let batches =
                        batches.flat_map(|group| order::parts(group, recipe.batch, recipe));
                    let batches: Vec<&[usize]> = batches.collect();
                    readers.ahead(self.problem.train, &batches, epoch, |rows| {
                        self.steps(module, &groups, rows, hooks)
                    })?
                }
                None => {
                    let rows = Batches::Now(self.problem.train);
                    self.steps(module, &groups, &rows, hooks)?
                }
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
            self.close_epoch(&module, epoch)?;
            if let Some(closed) = self.progress.epochs.last() {
                hooks.keeper.epoch(closed);
            }
            // What follows a float stage keeps its weights; the last one would be trained on from an earlier step.
            let is_last = self.waited_enough() || epoch == recipe.epochs;
            let urgency = match self.problem.stage {
                StageName::Int8 if is_last => Urgency::Now,
                _ => Urgency::Soon,
            };
            hooks.keeper.state(&|| self.state(&module), urgency)?;
        }
        Ok(if self.waited_enough() {
            Ended::Patience
        } else {
            Ended::Finished
        })
    }

    /// Whether the last epochs were without a better validation loss, as many as the recipe has patience for.
    fn waited_enough(&self) -> bool {
        let patience = self.problem.recipe.patience;
        let waited = self.progress.epochs.len() - self.progress.best_epoch;
        patience > 0 && waited >= patience
    }

    /// The steps of the present epoch that are left, by the samples of `groups`; and why they were the last.
    fn steps(
        &mut self,
        mut module: TrainModule,
        groups: &[&[usize]],
        rows: &Batches,
        hooks: &mut Hooks,
    ) -> Result<(TrainModule, Option<Ended>)> {
        let epoch = self.progress.epochs.len() + 1;
        for group in groups {
            let update;
            (module, update) = self.update(module, epoch, group, rows)?;
            if update == Update::RolledBack && self.progress.rollbacks > ROLLBACKS {
                return Ok((module, Some(Ended::Diverged)));
            }
            let stop = hooks.observer.stop();
            let urgency = if stop { Urgency::Now } else { Urgency::Soon };
            hooks.keeper.state(&|| self.state(&module), urgency)?;
            if stop {
                return Ok((module, Some(Ended::Interrupted)));
            }
            self.report(epoch, hooks.observer);
        }
        Ok((module, None))
    }

    fn close_epoch(&mut self, module: &TrainModule, epoch: usize) -> Result<()> {
        let mut eval = module.to_eval();
        if let Some(average) = &self.average {
            eval = eval.with_weights(average)?;
        }
        let (outputs, val_loss) = evaluate(
            self.problem.graph,
            &eval,
            self.problem.val,
            self.problem.val_targets,
            self.problem.recipe.batch,
        )?;
        let val_accuracy = self.problem.val_targets.accuracy(&outputs);
        if let Some(accuracy) = self.train_accuracy.measure(self.problem, &eval)? {
            self.progress.train_accuracy.push(accuracy);
        }
        self.progress.close(epoch, val_loss, val_accuracy);
        let lowest = self.progress.best_loss;
        let is_best = val_loss.is_finite() && lowest.is_none_or(|lowest| val_loss < lowest);
        let losses = self.problem.val_targets.losses(&outputs)?;
        self.progress.val_losses.close(losses, is_best);
        if is_best {
            self.progress.best_loss = Some(val_loss);
            self.progress.best_epoch = epoch;
            self.best = Some(eval.weights()?);
        }
        Ok(())
    }

    fn report(&self, epoch: usize, observer: &mut dyn Observer) {
        let samples = self.problem.train.len();
        let per_update = self.problem.recipe.batch * self.problem.recipe.accumulate;
        let done = (epoch - 1) * samples + (self.progress.step * per_update).min(samples);
        observer.progress(
            done as u64,
            &self.progress.status(self.problem.recipe.epochs),
        );
    }

    fn state(&self, module: &TrainModule) -> Result<State> {
        Ok(State {
            progress: self.progress.clone(),
            weights: module.to_eval().weights()?,
            best: self.best.clone(),
            average: self.average.clone(),
            optimizer: state::bytes_of(&self.optimizer)?,
        })
    }
}
