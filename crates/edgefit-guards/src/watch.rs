use std::collections::BTreeMap;

use crate::module::{ParameterGradient, Update, WEIGHT_RANK};
use crate::statistics::mean;
use crate::{Finding, ef10_hyperparameters, ef13_monitoring, ef14_gradients};

/// Parts that the losses of a run are averaged over to see them oscillate.
const PARTS: usize = 20;

/// One step of training.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Its loss.
    pub loss: f64,
    /// Its learning rate.
    pub rate: f64,
    /// Its gradients, by [`module::gradients`](crate::module::gradients).
    pub gradients: &'a [ParameterGradient],
    /// How far it moved the weights, by [`module::updates`](crate::module::updates).
    pub updates: &'a [Update],
}

/// Watches a training loop that feeds it once a step, for EF10, EF13 and EF14.
#[derive(Debug, Clone)]
pub struct TrainingWatch {
    untrained_loss: f64,
    peak_rate: f64,
    losses: Vec<f64>,
    gradients: BTreeMap<String, ef14_gradients::Layer>,
    updates: BTreeMap<String, ef10_hyperparameters::Updates>,
    non_finite: Vec<ef14_gradients::NonFinite>,
}

impl TrainingWatch {
    /// A watch for a run whose loss would be `untrained_loss` if nothing was known, such as the
    /// entropy of the class prior.
    pub fn new(untrained_loss: f64) -> Self {
        TrainingWatch {
            untrained_loss,
            peak_rate: 0.0,
            losses: Vec::new(),
            gradients: BTreeMap::new(),
            updates: BTreeMap::new(),
            non_finite: Vec::new(),
        }
    }

    /// Adds a step. A loss or gradient that is no number is found at once: end training, or take
    /// the step back and call [`TrainingWatch::rolled_back`].
    pub fn step(&mut self, step: &Step) -> Option<Finding> {
        let place = self.broken(step);
        if let Some(place) = place {
            let broken = ef14_gradients::NonFinite {
                step: self.losses.len() + self.non_finite.len(),
                place,
                rolled_back: false,
            };
            let finding = ef14_gradients::check_finite(std::slice::from_ref(&broken));
            self.non_finite.push(broken);
            return Some(finding);
        }
        self.peak_rate = self.peak_rate.max(step.rate);
        self.losses.push(step.loss);
        let weights = step
            .gradients
            .iter()
            .filter(|gradient| gradient.rank >= WEIGHT_RANK);
        for gradient in weights {
            let layer = self.gradients.entry(gradient.name.clone()).or_default();
            layer.name.clone_from(&gradient.name);
            layer.mean_abs.push(gradient.mean_abs);
        }
        for update in step.updates {
            let updates = self.updates.entry(update.name.clone()).or_default();
            updates.from_zero |= update.from_zero;
            updates.name.clone_from(&update.name);
            updates.log10_ratios.push(update.log10_ratio);
        }
        None
    }

    /// Says that the last step that was no number was taken back, and the rate lowered.
    pub fn rolled_back(&mut self) {
        if let Some(broken) = self.non_finite.last_mut() {
            broken.rolled_back = true;
        }
    }

    /// What EF10, EF13 and EF14 find in the steps so far.
    pub fn findings(&self) -> Vec<Finding> {
        let layers: Vec<ef14_gradients::Layer> = self.gradients.values().cloned().collect();
        // Where no gradient arrives it is not the rate that keeps a weight in its place.
        let moved = |updates: &&ef10_hyperparameters::Updates| {
            let gradient = self.gradients.get(&updates.name);
            gradient.is_none_or(|layer| ef14_gradients::vanishes(layer).is_none())
        };
        let updates: Vec<_> = self.updates.values().filter(moved).cloned().collect();
        let part = self.losses.len().div_ceil(PARTS).max(1);
        let losses: Vec<f64> = self
            .losses
            .chunks_exact(part)
            .map(|part| mean(part).0)
            .collect();
        vec![
            ef10_hyperparameters::check_updates(self.peak_rate, &updates),
            ef10_hyperparameters::check_loss(&losses),
            ef13_monitoring::check_loss(&self.losses, self.untrained_loss),
            ef14_gradients::check_layers(&layers),
            ef14_gradients::check_finite(&self.non_finite),
        ]
    }

    fn broken(&self, step: &Step) -> Option<String> {
        if !step.loss.is_finite() {
            return Some("the loss".into());
        }
        let broken = step.gradients.iter().find(|gradient| !gradient.is_finite());
        broken.map(|gradient| format!("the gradient of {}", gradient.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Findings, Status};

    fn gradient(mean_abs: f64) -> [ParameterGradient; 2] {
        let of = |name: &str, rank, mean_abs| ParameterGradient {
            name: name.into(),
            rank,
            mean_abs,
            norm: 10.0 * mean_abs,
        };
        // A bias before normalisation has no gradient.
        [of("conv.weight", 2, mean_abs), of("conv.bias", 1, 0.0)]
    }

    fn run(loss: impl Fn(usize) -> f64, rate: f64, log10_ratio: f64) -> Findings {
        let mut watch = TrainingWatch::new(2.3);
        let update = Update {
            name: "conv.weight".into(),
            log10_ratio,
            from_zero: false,
        };
        for step in 0..100 {
            let found = watch.step(&Step {
                loss: loss(step),
                rate,
                gradients: &gradient(1e-3),
                updates: std::slice::from_ref(&update),
            });
            assert_eq!(found, None);
        }
        let mut findings = Findings::default();
        findings.extend(watch.findings());
        findings
    }

    fn raised(findings: &Findings) -> Vec<Code> {
        let report = findings.report().into_iter();
        let raised = report.filter(|finding| finding.status.is_raised());
        raised.map(|finding| finding.code).collect()
    }

    #[test]
    fn a_run_that_learns_raises_nothing() {
        let falls = |step: usize| 2.3 * (-(step as f64) / 30.0).exp();
        let findings = run(falls, 1e-3, -3.0);
        assert_eq!(raised(&findings), []);
        let passed = findings
            .report()
            .into_iter()
            .filter(|finding| finding.status == Status::Pass);
        assert_eq!(passed.count(), 3);
    }

    #[test]
    fn a_rate_that_is_too_low_is_the_cause_of_a_flat_loss() {
        let findings = run(|_| 2.3, 1e-9, -8.0);
        assert_eq!(raised(&findings), [Code::Ef10]);
        let flat = findings.report().swap_remove(Code::Ef13 as usize);
        assert!(
            flat.message.starts_with("explained by EF10"),
            "{}",
            flat.message
        );
    }

    fn new_head(rate_of_head: f64) -> Findings {
        let mut watch = TrainingWatch::new(2.3);
        for step in 0..40 {
            let update = |name: &str, log10_ratio| Update {
                name: name.into(),
                log10_ratio,
                from_zero: name == "head.weight" && step == 0,
            };
            watch.step(&Step {
                loss: 2.3 - 0.05 * step as f64,
                rate: 1e-3,
                gradients: &gradient(1e-9),
                updates: &[
                    update("conv.weight", -9.0),
                    update("head.weight", rate_of_head),
                ],
            });
        }
        let mut findings = Findings::default();
        findings.extend(watch.findings());
        findings
    }

    #[test]
    fn a_new_head_tells_a_low_rate_from_vanishing_gradients() {
        assert_eq!(raised(&new_head(-0.5)), [Code::Ef14]);
        assert_eq!(raised(&new_head(-8.0)), [Code::Ef10]);
    }

    #[test]
    fn what_is_no_number_is_found_at_once() {
        let mut watch = TrainingWatch::new(2.3);
        let broken = gradient(f64::NAN);
        let step = Step {
            loss: 1.0,
            rate: 1e-3,
            gradients: &broken,
            updates: &[],
        };
        let finding = watch.step(&step).unwrap();
        assert!(
            finding.message.contains("conv.weight"),
            "{}",
            finding.message
        );
        let status = |watch: &TrainingWatch| watch.findings().last().unwrap().status;
        assert_eq!(status(&watch), Status::Failed);
        watch.rolled_back();
        assert_eq!(status(&watch), Status::Fixed);
    }
}
