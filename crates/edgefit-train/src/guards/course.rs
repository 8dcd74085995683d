//! How the stages went, and what came out (EF08 to EF11, EF13, EF14, EF16 to EF19).

use edgefit_graph::Task;
use edgefit_guards::ef10_hyperparameters::{Updates, check_height, check_loss, check_updates};
use edgefit_guards::ef12_bias::InitialLoss;
use edgefit_guards::ef14_gradients::{self, NonFinite};
use edgefit_guards::{
    Findings, Proportion, ef08_evaluation, ef09_overfitting, ef11_regularisation, ef13_monitoring,
    ef16_schedule, ef17_capacity, ef18_early_stopping, ef19_transfer,
};

use crate::config::recipe::ScheduleKind;
use crate::config::stage_name::StageName;
use crate::evaluate::baselines::Baseline;
use crate::guards::evidence::Evidence;
use crate::prepare::targets::Targets;
use crate::stages::fit::epoch::Ended;
use crate::stages::fit::watch::Watched;
use crate::stages::stage::Done;

/// What the stages left behind.
pub(crate) struct Course<'a> {
    pub evidence: &'a Evidence<'a>,
    pub done: &'a [Done],
    pub baselines: &'a [Baseline],
    pub interrupted: bool,
}

/// Means of as many losses each are looked at for jumps.
const PARTS: usize = 20;

impl Course<'_> {
    pub fn judge(&self, findings: &mut Findings) {
        for done in self.done {
            self.steps(done, findings);
        }
        let kept = self.done.iter().rfind(|done| done.stage.kept);
        if let Some(done) = kept.filter(|_| !self.interrupted) {
            self.outcome(done, findings);
        }
        self.transfer(findings);
    }

    /// How the steps of a stage went.
    fn steps(&self, done: &Done, findings: &mut Findings) {
        let recipe = self.evidence.job.recipe.stage(done.stage.name);
        let watch = &done.watch;
        let vanishes = |watched: &Watched| ef14_gradients::vanishes(&layer(watched)).is_some();
        // Where no gradient arrives it is not the rate that keeps a weight in its place.
        let moved = watch.weights.iter().filter(|watched| !vanishes(watched));
        let updates: Vec<Updates> = moved.map(updates).collect();
        let rate = done.stage.learning_rate;
        findings.record(check_updates(rate, &updates));
        let part = watch.losses.len().div_ceil(PARTS).max(1);
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        let losses: Vec<f64> = watch.losses.chunks_exact(part).map(mean).collect();
        findings.record(check_loss(&losses));
        findings.record(check_height(rate, &watch.losses, self.untrained()));
        findings.record(ef13_monitoring::check_loss(&watch.losses, self.untrained()));
        let layers: Vec<_> = watch.weights.iter().map(layer).collect();
        findings.record(ef14_gradients::check_layers(&layers));
        let broken = watch.broken.iter().map(|&(step, rolled_back)| NonFinite {
            step,
            place: format!("the loss of stage {}", done.stage.name),
            rolled_back,
        });
        findings.record(ef14_gradients::check_finite(&broken.collect::<Vec<_>>()));
        let samples = recipe.batch * recipe.accumulate;
        let steps = recipe.epochs * self.evidence.train_targets.len().div_ceil(samples);
        findings.record(ef16_schedule::check(&ef16_schedule::Evidence {
            rates: watch.rates.clone(),
            planned_steps: (recipe.schedule != ScheduleKind::Constant).then_some(steps),
            stopped_early: done.stage.ended != Ended::Finished,
        }));
    }

    /// What came out of the stage whose weights are used.
    fn outcome(&self, done: &Done, findings: &mut Findings) {
        let stage = &done.stage;
        let recipe = self.evidence.job.recipe.stage(stage.name);
        let epochs = &stage.epochs;
        let val_losses: Vec<f64> = epochs.iter().map(|epoch| epoch.val_loss).collect();
        findings.record(ef18_early_stopping::check(&ef18_early_stopping::Evidence {
            val_losses,
            patience: (recipe.patience > 0).then_some(recipe.patience),
            exported_epoch: stage.best_epoch,
        }));
        let accuracies: Option<Vec<f64>> = epochs.iter().map(|epoch| epoch.val_accuracy).collect();
        let (Some(val), Some(tuned)) = (accuracies, self.val(done)) else {
            return;
        };
        let train = &self.evidence.splits.train;
        let train_samples = train.samples.len();
        let curve = &done.watch.train_accuracy;
        findings.record(ef09_overfitting::check(&ef09_overfitting::Evidence {
            train: curve.clone(),
            val,
            train_samples,
            val_samples: tuned.samples,
        }));
        findings.record(ef17_capacity::check_fit(&ef17_capacity::Evidence {
            train: curve.clone(),
            samples: train_samples,
        }));
        let (Some(first), Some(last), Some(&fitted)) = (
            epochs.first(),
            epochs.last(),
            curve.get(stage.best_epoch.saturating_sub(1)),
        ) else {
            return;
        };
        let fitted = Proportion::new(fitted, train_samples);
        findings.record(ef11_regularisation::check(&ef11_regularisation::Evidence {
            weight_decay: recipe.weight_decay,
            label_smoothing: recipe.label_smoothing,
            dropout: recipe.dropout,
            augmentation: !self
                .evidence
                .job
                .recipe
                .augmentation_of(stage.name)
                .is_off(),
            train: fitted,
            val: tuned,
            first_loss: first.train_loss,
            last_loss: last.train_loss,
        }));
        findings.record(ef08_evaluation::check_order(fitted, tuned));
        let baselines = self.baselines.iter().filter_map(|baseline| {
            Some(ef08_evaluation::Baseline {
                name: baseline.name.to_owned(),
                val: baseline.val.accuracy()?,
                sees_image: baseline.sees_input,
            })
        });
        let baselines: Vec<_> = baselines.collect();
        findings.record(ef08_evaluation::check_baselines(tuned, &baselines));
    }

    /// Whether what the backbone knows was used and kept.
    fn transfer(&self, findings: &mut Findings) {
        let probe = self
            .done
            .iter()
            .find(|done| done.stage.name == StageName::Probe);
        let probe = probe.and_then(|done| self.val(done));
        for done in self.done {
            let stage = &done.stage;
            let recipe = self.evidence.job.recipe.stage(stage.name);
            if stage.name == StageName::Probe {
                continue;
            }
            findings.record(ef19_transfer::check_rates(
                stage.learning_rate,
                stage.learning_rate * recipe.backbone_multiplier,
            ));
            if let (Some(probe), Some(tuned)) = (probe, self.val(done)) {
                findings.record(ef19_transfer::check_stage(ef19_transfer::Stage {
                    name: &stage.name.to_string(),
                    probe,
                    tuned,
                    kept: stage.kept,
                }));
            }
        }
        let pixels = self.baselines.iter().find(|baseline| baseline.sees_input);
        let pixels = pixels.and_then(|baseline| baseline.val.accuracy());
        if let (Some(features), Some(pixels)) = (probe, pixels) {
            findings.record(ef19_transfer::check_features(features, pixels));
        }
    }

    fn val(&self, done: &Done) -> Option<Proportion> {
        let val = &self.evidence.splits.val;
        let accuracy = done.stage.val_accuracy?;
        Some(Proportion::new(accuracy, val.samples.len()))
    }

    /// Loss of a head that knows the prior and nothing else, every sample counting the same.
    fn untrained(&self) -> f64 {
        let targets = Targets {
            weights: vec![1.0; self.evidence.train_targets.len()],
            ..self.evidence.train_targets.clone()
        };
        match targets.task {
            // Half of the variance of what was standardised.
            Task::Regression => 0.5,
            _ => InitialLoss {
                priors: targets.priors(),
                ..InitialLoss::default()
            }
            .expected(),
        }
    }
}

fn layer(watched: &Watched) -> ef14_gradients::Layer {
    ef14_gradients::Layer {
        name: watched.name.clone(),
        mean_abs: watched
            .gradients
            .iter()
            .map(|&size| f64::from(size))
            .collect(),
    }
}

fn updates(watched: &Watched) -> Updates {
    let changes = watched.changes.iter();
    Updates {
        name: watched.name.clone(),
        log10_ratios: changes
            .map(|&change| f64::from(change).max(1e-12).log10())
            .collect(),
        from_zero: watched.from_zero,
    }
}
