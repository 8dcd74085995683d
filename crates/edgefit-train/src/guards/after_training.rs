//! How the stages went, and what came out (EF08 to EF11, EF13, EF14, EF16 to EF19).

use edgefit_graph::Task;
use edgefit_guards::ef12_bias::InitialLoss;
use edgefit_guards::{
    Code, Findings, Proportion, ef08_evaluation, ef09_overfitting, ef11_regularisation,
    ef16_schedule, ef17_capacity, ef18_early_stopping, ef19_transfer,
};

use crate::config::recipe::ScheduleKind;
use crate::config::stage_name::StageName;
use crate::evaluate::baselines::Baseline;
use crate::guards::evidence::Evidence;
use crate::stages::fit::epoch::Ended;
use crate::stages::stage::Done;

/// What the stages left behind.
pub(crate) struct Course<'a> {
    pub evidence: &'a Evidence<'a>,
    pub done: &'a [Done],
    pub baselines: &'a [Baseline],
    pub interrupted: bool,
}

impl Course<'_> {
    /// Judges the stages, and whether what the backbone knows was used and kept.
    pub fn judge(&self, findings: &mut Findings) {
        self.judge_stages(findings);
        self.transfer(findings);
    }

    /// Judges how the stages went, and what came out of the last that is kept.
    pub fn judge_stages(&self, findings: &mut Findings) {
        for done in self.done {
            self.steps(done, findings);
        }
        let kept = self.done.iter().rfind(|done| done.stage.kept);
        if let Some(done) = kept.filter(|_| !self.interrupted) {
            self.outcome(done, findings);
        }
    }

    /// How the steps of a stage went.
    fn steps(&self, done: &Done, findings: &mut Findings) {
        let recipe = self.evidence.job.recipe.stage(done.stage.name);
        let steps = done.watch.findings(self.untrained_loss()).into_iter();
        // From features that say nothing, a head learns nothing at any learning rate.
        let untrained = self.evidence.untrained_backbone && done.stage.name == StageName::Probe;
        findings.extend(steps.map(|finding| match finding.code {
            Code::Ef10 if untrained => finding.explained_by(Code::Ef19),
            _ => finding,
        }));
        let samples = recipe.batch * recipe.accumulate;
        let steps = recipe.epochs * self.evidence.train_targets.len().div_ceil(samples);
        findings.record(ef16_schedule::check(&ef16_schedule::Evidence {
            learning_rates: done.watch.learning_rates().to_vec(),
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
        let train_samples = done.measured_samples;
        let curve = &done.train_accuracy;
        findings.record(ef09_overfitting::check(&ef09_overfitting::Evidence {
            train: curve.clone(),
            val,
            val_losses: done.val_losses.clone(),
            train_samples,
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
                val: baseline.val.recalls()?,
                sees_input: baseline.sees_input,
            })
        });
        let baselines: Vec<_> = baselines.collect();
        findings.record(ef08_evaluation::check_baselines(
            &done.val_recalls,
            &baselines,
        ));
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
            findings.record(ef19_transfer::check_learning_rates(
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
        let raw = self.baselines.iter().find(|baseline| baseline.sees_input);
        let raw = raw.and_then(|baseline| Some((baseline.name, baseline.val.accuracy()?)));
        let used = self.done.iter().rfind(|done| done.stage.kept);
        let used = used.and_then(|done| self.val(done));
        if let (Some(features), Some((raw_name, raw)), Some(used)) = (probe, raw, used) {
            findings.record(ef19_transfer::check_features(&ef19_transfer::Features {
                features,
                raw_name,
                raw,
                used,
                untrained: self.evidence.untrained_backbone,
            }));
        }
    }

    fn val(&self, done: &Done) -> Option<Proportion> {
        let val = &self.evidence.splits.val;
        let accuracy = done.stage.val_accuracy?;
        Some(Proportion::new(accuracy, val.samples.len()))
    }

    /// Loss of a head that knows the prior and nothing else, as the steps weigh and draw the samples:
    /// what the losses of the steps are compared with.
    fn untrained_loss(&self) -> f64 {
        let targets = self.evidence.train_targets.clone();
        let targets = targets.as_sampled(self.evidence.job.recipe.sampling);
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
