//! Trains the head on a single batch, with everything that training will use (EF01, EF02, EF03, EF12).

use std::collections::HashSet;

use edgefit_burn::{EvalModule, Gradients, TrainModule};
use edgefit_graph::{Graph, Task, trainable_parameters};
use edgefit_guards::module::compare;
use edgefit_guards::{
    Code, Finding, Findings, Status, ef01_overfit_one_batch, ef02_eval_mode, short,
};
use edgefit_guards::{ef03_fresh_gradients, ef12_bias};

use crate::config::recipe::StageRecipe;
use crate::config::stage_name::StageName;
use crate::error::Result;
use crate::guards::evidence::Evidence;
use crate::prepare::model::Model;
use crate::prepare::source::{Cached, Source};
use crate::prepare::targets::Targets;
use crate::stages::training::evaluate::evaluate;
use crate::stages::training::inputs::{Inputs, first_output};
use crate::stages::training::overfit_single_batch::{Overfit, overfit_single_batch};

/// Samples of the batch that has to be overfitted.
const SAMPLES: usize = 16;

/// Factors of the recipe's learning rate that are tried when it was not overfitted: the nearest first, since
/// a larger step than one batch needs is too large for all of them.
const FACTORS: [f64; 8] = [3.0, 10.0, 30.0, 100.0, 0.3, 0.1, 0.03, 0.01];

/// Learning rates that are tried after those around the recipe's.
const OTHER_LEARNING_RATES: [f64; 3] = [1e-3, 1e-2, 1e-1];

impl Evidence<'_> {
    /// Trains the head on one batch, with everything that training will use (EF01, EF02, EF03, EF12).
    pub(super) fn preflight(&self, model: &Model, findings: &mut Findings) -> Result<Option<f64>> {
        let train = &self.splits.train;
        let head = model.head.extract(&model.graph)?;
        let all = train.features();
        let module = EvalModule::from_graph(&head, &self.job.backend.device()?)?;
        let (_, loss) = evaluate(&head, &module, &all, self.train_targets, SAMPLES)?;
        if self.dataset.task != Task::Regression {
            findings.record(ef12_bias::check_initial_loss(&ef12_bias::InitialLoss {
                loss,
                priors: self.train_targets.priors(),
                label_smoothing: 0.0,
            }));
        }

        let batch = self.batch();
        let rows = Cached::new(all.width(), vec![all.rows(&batch, 0)?]);
        let targets = self.train_targets.rows(&batch);
        self.gradients(&head, &rows, &targets, findings)?;
        // All classes take turns in the batch: weights for the counts of the whole training part would
        // let the few of a rare class outweigh the rest of it.
        let targets = targets.unweighted();
        let stage = self.job.stages.first().copied();
        let stage = stage.unwrap_or(StageName::Probe);
        let recipe = self.job.recipe.stage(stage);
        let tried = |rate: f64| {
            let recipe = StageRecipe {
                learning_rate: rate,
                ..recipe.clone()
            };
            overfit_single_batch(&head, &rows, &targets, &recipe, self.job.backend)
        };
        let evidence = |rate: f64, seen: Overfit| ef01_overfit_one_batch::Evidence {
            samples: batch.len(),
            steps: seen.steps,
            learning_rate: rate,
            initial_loss: seen.losses[0],
            final_loss: seen.losses[1],
            loss_floor: 0.0,
            accuracy: seen.accuracy,
            gradient_norms: seen.gradient_norms,
            other_learning_rates: Vec::new(),
            contradicting_labels: contradicting(&rows, &targets),
            untrained_backbone: self.untrained_backbone,
        };
        let mut first = evidence(recipe.learning_rate, tried(recipe.learning_rate)?);
        let found = ef01_overfit_one_batch::check(&first);
        if found.status <= Status::Pass {
            findings.record(found);
            return Ok(None);
        }
        // What a head on features that say nothing needs is far too much for the layers below.
        let searches = self.job.recipe.learning_rate_search
            && !(self.untrained_backbone && stage != StageName::Probe);
        let rates = FACTORS.map(|factor| factor * recipe.learning_rate);
        for rate in rates.into_iter().chain(OTHER_LEARNING_RATES) {
            let other = evidence(rate, tried(rate)?);
            let checked = ef01_overfit_one_batch::check(&other);
            if searches && checked.status == Status::Pass {
                findings.record(checked);
                findings.record(fixed(first, rate, other.final_loss));
                return Ok(Some(rate));
            }
            first.other_learning_rates.push((rate, other.final_loss));
        }
        findings.record(ef01_overfit_one_batch::check(&first));
        Ok(None)
    }

    /// Training samples of all classes in turn.
    fn batch(&self) -> Vec<usize> {
        let train = &self.splits.train;
        let mut by_class: Vec<Vec<usize>> = vec![Vec::new(); self.dataset.classes.len()];
        for (at, sample) in train.samples.iter().enumerate().rev() {
            by_class[sample.class].push(at);
        }
        let mut batch = Vec::new();
        while batch.len() < SAMPLES.min(train.samples.len()) {
            let next = by_class.iter_mut().filter_map(Vec::pop);
            batch.extend(next.take(SAMPLES - batch.len()));
        }
        batch
    }

    /// The gradient of a batch twice, and of its halves (EF03); its outputs twice (EF02).
    fn gradients(
        &self,
        head: &Graph,
        rows: &Cached,
        targets: &Targets,
        findings: &mut Findings,
    ) -> Result<()> {
        let device = self.job.backend.device()?;
        let eval = EvalModule::from_graph(head, &device)?;
        let (first, _) = evaluate(head, &eval, rows, targets, SAMPLES)?;
        let (second, _) = evaluate(head, &eval, rows, targets, SAMPLES)?;
        let pairs = first.iter().zip(&second);
        findings.record(ef02_eval_mode::check_repeat(ef02_eval_mode::Difference {
            max_abs: pairs
                .map(|(a, b)| f64::from((a - b).abs()))
                .fold(0.0, f64::max),
            scale: first
                .iter()
                .map(|value| f64::from(value.abs()))
                .fold(0.0, f64::max),
        }));
        let names = trainable_parameters(head).into_iter();
        let names: HashSet<String> = names.map(|(_, name)| name.to_owned()).collect();
        let mut module = eval.into_train(|name| names.contains(name));
        let inputs = Inputs::of(head)?;
        let gradient = |module: &mut TrainModule, samples: &[usize]| -> Result<Gradients> {
            let values = inputs.of_rows(&rows.rows(samples, 0)?, samples.len(), &device)?;
            let targets = targets.rows(samples);
            let outputs = first_output(module.forward(values)?, targets.outputs)?;
            Ok(Gradients::of(&targets.loss(outputs, &device)?, module)?)
        };
        let all: Vec<usize> = (0..targets.len()).collect();
        let whole = gradient(&mut module, &all)?;
        let again = gradient(&mut module, &all)?;
        let compared = compare(&module, whole.params(), again.params());
        findings.record(ef03_fresh_gradients::check_repeat(compared));
        let (front, back) = all.split_at(all.len() / 2);
        if !front.is_empty() {
            let front = gradient(&mut module, front)?;
            let back = gradient(&mut module, back)?;
            let halves = front.plus(&module, back)?;
            let compared = compare(&module, whole.params(), halves.params());
            findings.record(ef03_fresh_gradients::check_accumulation(2, compared));
        }
        Ok(())
    }
}

/// What is said of the batch that was not overfitted at `first`, and was at another learning `rate`.
fn fixed(first: ef01_overfit_one_batch::Evidence, rate: f64, loss: f64) -> Finding {
    let found = ef01_overfit_one_batch::check(&ef01_overfit_one_batch::Evidence {
        other_learning_rates: vec![(rate, loss)],
        ..first
    });
    let text = format!(
        "{}; the learning rate is {} from now on",
        found.message,
        short(rate)
    );
    Finding::new(Code::Ef10, Status::Fixed, text)
}

/// Samples with the same features as another, and another label.
fn contradicting(rows: &Cached, targets: &Targets) -> usize {
    let features = |at: usize| &rows.view(0)[at * rows.width()..(at + 1) * rows.width()];
    let label = |at: usize| &targets.values[at * targets.outputs..(at + 1) * targets.outputs];
    let all = 0..targets.len();
    all.clone()
        .filter(|&a| {
            all.clone()
                .any(|b| features(a) == features(b) && label(a) != label(b))
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_learning_rate_that_was_fixed_is_named_as_the_cause() {
        let first = ef01_overfit_one_batch::Evidence {
            samples: 16,
            steps: 200,
            learning_rate: 1e-5,
            initial_loss: 2.31,
            final_loss: 2.3,
            accuracy: Some(0.2),
            gradient_norms: [3.0, 3.0],
            ..ef01_overfit_one_batch::Evidence::default()
        };
        let said = fixed(first, 1e-3, 0.01).message;
        assert!(
            said.contains("learning rate is too low; the learning rate is 1e-3"),
            "{said}"
        );
    }
}
