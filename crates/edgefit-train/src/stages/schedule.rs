//! Learning-rate schedules.

use std::f64::consts::PI;

use crate::config::recipe::{ScheduleKind, StageRecipe};

/// Learning rate of each step, sized to the real number of steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    kind: ScheduleKind,
    peak: f64,
    warmup: usize,
    steps: usize,
}

/// Share of the steps in which the rate of [`ScheduleKind::OneCycle`] rises, and what it starts from
/// as a share of the peak (Smith & Topin 2018; the values of PyTorch's `OneCycleLR`).
const CYCLE: (f64, f64) = (0.3, 1.0 / 25.0);

impl Schedule {
    pub fn new(recipe: &StageRecipe, steps: usize) -> Self {
        let rising = match recipe.schedule {
            ScheduleKind::Cosine => recipe.warmup,
            ScheduleKind::OneCycle => CYCLE.0,
            ScheduleKind::Constant => 0.0,
        };
        Schedule {
            kind: recipe.schedule,
            peak: recipe.learning_rate,
            warmup: (rising * steps as f64) as usize,
            steps,
        }
    }

    /// The same rate at every step.
    pub fn constant(rate: f64) -> Self {
        Schedule {
            kind: ScheduleKind::Constant,
            peak: rate,
            warmup: 0,
            steps: 1,
        }
    }

    pub fn rate(&self, step: usize) -> f64 {
        let half_cosine = |share: f64| 0.5 * (1.0 + (PI * share.min(1.0)).cos());
        if step < self.warmup {
            let risen = (step + 1) as f64 / self.warmup as f64;
            return match self.kind {
                ScheduleKind::OneCycle => {
                    self.peak * (CYCLE.1 + (1.0 - CYCLE.1) * (1.0 - half_cosine(risen)))
                }
                _ => self.peak * risen,
            };
        }
        let done = (step - self.warmup) as f64 / (self.steps - self.warmup).max(1) as f64;
        match self.kind {
            ScheduleKind::Constant => self.peak,
            _ => self.peak * half_cosine(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::recipe::Recipe;

    fn schedule(kind: ScheduleKind, steps: usize) -> Schedule {
        let recipe = StageRecipe {
            learning_rate: 1.0,
            schedule: kind,
            warmup: 0.1,
            ..Recipe::default().probe
        };
        Schedule::new(&recipe, steps)
    }

    #[test]
    fn rises_falls_and_ends() {
        let cosine = schedule(ScheduleKind::Cosine, 100);
        assert!((cosine.rate(0) - 0.1).abs() < 1e-12);
        assert!((cosine.rate(9) - 1.0).abs() < 1e-12);
        assert!((cosine.rate(55) - 0.5).abs() < 1e-12);
        assert!(cosine.rate(99) < 1e-3);
        assert!(cosine.rate(99) > 0.0);
        assert!(schedule(ScheduleKind::Cosine, 1).rate(0) > 0.0);
        let cycle = schedule(ScheduleKind::OneCycle, 100);
        assert!(cycle.rate(0) < 0.06 && cycle.rate(0) > 0.04);
        assert!((cycle.rate(29) - 1.0).abs() < 1e-12);
        assert!(cycle.rate(99) < 1e-3);
        assert_eq!(schedule(ScheduleKind::Constant, 10).rate(9), 1.0);
    }
}
