//! EF16: the learning rate must fall, over the steps that the run really has.

use crate::finding::short;
use crate::{Code, Finding, Status};

/// Highest learning rate over lowest, up to which it is constant.
pub const CONSTANT: f64 = 1.01;
/// Last learning rate over its peak, above which it was never lowered.
pub const DECAYED: f64 = 0.5;
/// Relative difference of planned and real steps that is raised.
pub const LENGTH: f64 = 0.1;
/// Steps below which a schedule is of no use.
pub const FEWEST_STEPS: usize = 10;
/// Share of the planned steps below which a run that was stopped says nothing about its schedule: in the first 6 %
/// of them a cosine falls by 1 %.
pub const SHORTEST: f64 = 0.1;

/// Learning rates of a run.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Learning rate of each step; the highest, where parameters have different ones.
    pub learning_rates: Vec<f64>,
    /// Steps that the schedule was made for; `None` without a schedule.
    pub planned_steps: Option<usize>,
    /// Whether the run was ended before its last step, by patience or by the user.
    pub stopped_early: bool,
}

/// Warns of a constant learning rate, of a schedule made for another number of steps, and of a
/// learning rate that was never lowered.
pub fn check(evidence: &Evidence) -> Finding {
    let learning_rates = &evidence.learning_rates;
    let steps = learning_rates.len();
    if steps < FEWEST_STEPS {
        return Finding::new(
            Code::Ef16,
            Status::Off,
            format!("{steps} steps need no schedule"),
        );
    }
    let planned = evidence.planned_steps.unwrap_or(steps);
    let whole = !evidence.stopped_early;
    if !whole && (steps as f64) < SHORTEST * planned as f64 {
        return Finding::new(
            Code::Ef16,
            Status::Off,
            format!("{steps} of {planned} steps are too few to see the schedule"),
        );
    }
    let peak = learning_rates.iter().copied().fold(0.0, f64::max);
    let lowest = learning_rates.iter().copied().fold(f64::INFINITY, f64::min);
    let last = learning_rates[steps - 1];
    let off = planned as f64 / steps as f64 - 1.0;
    let problem = if peak <= CONSTANT * lowest {
        format!(
            "the learning rate is {} in all {steps} steps; leave `schedule` at `cosine`",
            short(peak)
        )
    } else if whole && off > LENGTH {
        format!(
            "the schedule is made for {planned} steps and the run has {steps}: the low learning \
            rates are never reached"
        )
    } else if off < -LENGTH {
        format!(
            "the schedule is made for {planned} steps and the run has {steps}: the remaining ones \
            are made at the last learning rate"
        )
    } else if whole && last > DECAYED * peak {
        format!(
            "the learning rate ends at {} of {}: it was never lowered",
            short(last),
            short(peak)
        )
    } else {
        let [from, to] = [peak, last].map(short);
        let text = format!("the learning rate goes from {from} to {to} over {steps} steps");
        return Finding::new(Code::Ef16, Status::Pass, text);
    };
    Finding::new(Code::Ef16, Status::Warning, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(planned: usize, steps: usize) -> Evidence {
        let learning_rate = |step: usize| {
            let done = (step as f64 / planned as f64).min(1.0);
            0.5 * (1.0 + (std::f64::consts::PI * done).cos())
        };
        Evidence {
            learning_rates: (0..steps).map(learning_rate).collect(),
            planned_steps: Some(planned),
            stopped_early: false,
        }
    }

    #[test]
    fn schedules_that_do_not_fit_are_raised() {
        let constant = Evidence {
            learning_rates: vec![1e-3; 100],
            ..Evidence::default()
        };
        let warm_up = Evidence {
            learning_rates: (0..100).map(|step| (step + 1) as f64).collect(),
            ..Evidence::default()
        };
        for (evidence, expected) in [
            (constant, "all 100 steps"),
            (warm_up, "never lowered"),
            (cosine(300, 100), "never reached"),
            (cosine(50, 100), "last learning rate"),
        ] {
            let finding = check(&evidence);
            assert_eq!(finding.status, Status::Warning);
            assert!(finding.message.contains(expected), "{}", finding.message);
        }
    }

    #[test]
    fn a_cosine_passes_also_when_patience_ends_it() {
        assert_eq!(check(&cosine(100, 100)).status, Status::Pass);
        let stopped = Evidence {
            stopped_early: true,
            ..cosine(300, 60)
        };
        assert_eq!(check(&stopped).status, Status::Pass);
        assert_eq!(check(&cosine(5, 5)).status, Status::Off);
    }

    #[test]
    fn a_cosine_that_has_only_begun_is_not_called_constant() {
        let begun = |steps| Evidence {
            stopped_early: true,
            ..cosine(300, steps)
        };
        assert_eq!(check(&begun(12)).status, Status::Off);
        assert_eq!(check(&begun(30)).status, Status::Pass);
        let constant = Evidence {
            learning_rates: vec![1e-3; 12],
            stopped_early: true,
            ..Evidence::default()
        };
        assert_eq!(check(&constant).status, Status::Warning);
    }
}
