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
use crate::stages::stage::Done;
use crate::stages::training::epoch::Ended;
use crate::stages::training::order;

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
        let samples = self.evidence.train_targets.len();
        let steps = recipe.epochs * order::updates(samples, recipe);
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
        // Stage int8 only lets weights that are fitted make up for their rounding.
        if stage.name != StageName::Int8 {
            let augmentation = self.evidence.job.recipe.augmentation_of(stage.name);
            findings.record(ef11_regularisation::check(&ef11_regularisation::Evidence {
                weight_decay: recipe.weight_decay,
                label_smoothing: recipe.label_smoothing,
                dropout: recipe.dropout,
                augmentation: !augmentation.is_off(),
                train: fitted,
                val: tuned,
                first_loss: first.train_loss,
                last_loss: last.train_loss,
            }));
        }
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
        // A probe that the user ended does not say what the features are worth.
        let whole = probe.filter(|done| done.stage.ended != Ended::Interrupted);
        let features = whole.and_then(|done| self.val(done));
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
        if let (Some(features), Some((raw_name, raw)), Some(used)) = (features, raw, used) {
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

#[cfg(test)]
mod tests {
    use edgefit_data::{Content, Dataset, Sample, Split};
    use edgefit_engine::EngineName;
    use edgefit_guards::ef08_evaluation::Recalls;
    use edgefit_guards::{Status, TrainingWatch};

    use super::*;
    use crate::config::job::Job;
    use crate::evaluate::split_metrics::metrics;
    use crate::prepare::sample_features::SampleFeatures;
    use crate::prepare::split::divide;
    use crate::prepare::target_transform::TargetTransform;
    use crate::stages::stage::Stage;
    use crate::stages::training::epoch::Epoch;

    const SAMPLES: usize = 20;

    /// What `judge` makes `code` say of a stage that `ended` so and is right of a tenth of the samples, where a linear
    /// layer on pixels is of nine tenths.
    fn said(
        code: Code,
        name: StageName,
        ended: Ended,
        judge: impl Fn(&Course, &mut Findings),
    ) -> Status {
        let sample = |at: usize| Sample {
            content: Content::Values(Vec::new()),
            relative: at.to_string(),
            class: at % 2,
            targets: Vec::new(),
            split: None,
            group: None,
        };
        let dataset = Dataset {
            root: "data".into(),
            task: Task::Classes,
            classes: vec!["a".into(), "b".into()],
            dims: None,
            samples: (0..SAMPLES).map(sample).collect(),
            remarks: Vec::new(),
        };
        let entries = SampleFeatures::none(SAMPLES);
        let splits = divide(&dataset, &entries, &[Some(Split::Val); SAMPLES]);
        let transform = TargetTransform::identity(Task::Classes, 2);
        let outputs = |at: usize| {
            let is_second = (at + usize::from(at < 2)) % 2 == 1;
            if is_second { [0.0, 1.0] } else { [1.0, 0.0] }
        };
        let outputs: Vec<f32> = (0..SAMPLES).flat_map(outputs).collect();
        let val = metrics(&transform, &outputs, &splits.val);
        let baselines = [Baseline {
            name: "raw pixels",
            sees_input: true,
            test: val.clone(),
            val,
        }];
        let done = Done {
            stage: Stage {
                name,
                learning_rate: 1e-3,
                kept: true,
                frozen_to: None,
                parameters: 0,
                best_epoch: 1,
                epochs: vec![Epoch {
                    epoch: 1,
                    train_loss: 0.1,
                    train_accuracy: Some(1.0),
                    val_loss: 3.0,
                    val_accuracy: Some(0.1),
                    learning_rate: 1e-3,
                }],
                ended,
                val_accuracy: Some(0.1),
                val_loss: 3.0,
                peak_bytes: None,
                duration_ns: 0,
            },
            train_accuracy: vec![1.0],
            measured_samples: SAMPLES,
            val_losses: Vec::new(),
            val_recalls: Recalls::default(),
            watch: TrainingWatch::default(),
        };
        let device = edgefit_device::find("raspberry-pi-4b").unwrap();
        let mut job = Job::new("data".as_ref(), "m.onnx".as_ref(), device, "run".as_ref());
        job.recipe.probe.weight_decay = 0.0;
        job.recipe.probe.label_smoothing = 0.0;
        job.recipe.probe.dropout = 0.0;
        job.recipe.probe.augmentation = 0.0;
        let course = Course {
            evidence: &Evidence {
                job: &job,
                engine: EngineName::Tract,
                dataset: &dataset,
                splits: &splits,
                train_targets: &transform.targets(&splits.train),
                untrained_backbone: false,
            },
            done: &[done],
            baselines: &baselines,
            interrupted: ended == Ended::Interrupted,
        };
        let mut findings = Findings::default();
        judge(&course, &mut findings);
        let mut report = findings.report().into_iter();
        report.find(|found| found.code == code).unwrap().status
    }

    #[test]
    fn features_are_judged_by_a_probe_that_the_user_did_not_end() {
        let of_features = |ended| {
            said(Code::Ef19, StageName::Probe, ended, |course, findings| {
                course.transfer(findings)
            })
        };
        assert_eq!(of_features(Ended::Finished), Status::Failed);
        assert_eq!(of_features(Ended::Interrupted), Status::Off);
    }

    #[test]
    fn what_regularises_is_no_matter_of_stage_int8() {
        let of_regularisation = |name| {
            said(Code::Ef11, name, Ended::Finished, |course, findings| {
                course.outcome(&course.done[0], findings);
            })
        };
        assert_eq!(of_regularisation(StageName::Probe), Status::Warning);
        assert_eq!(of_regularisation(StageName::Int8), Status::Off);
    }
}
