//! EF13: a run must be monitored, and its loss must fall.

use crate::finding::some_of;
use crate::statistics::mean_and_error;
use crate::{Code, Finding, Status, Symptom};

/// Share of the steps at either end that are compared.
pub const END: f64 = 0.1;
/// Share of the loss by which it must have fallen.
pub const FALL: f64 = 0.01;
/// Steps below which no trend can be seen.
pub const FEWEST_STEPS: usize = 20;
/// Share of an untrained loss from which on something was learnt before, and the loss may stay where it
/// is: in a stage that starts from another's weights, or under label smoothing, below which no loss
/// falls. Measured: 0.25 to 0.49 where a stage could not improve on 97 % of right answers, and 0.95 and
/// more where nothing is learnt.
pub const LEARNT: f64 = 0.5;

/// Warns where the loss of the last tenth of the `losses`, one a step, is not below that of the
/// first tenth by 1 % and by more than the noise.
///
/// `untrained` is the loss of an untrained head, the entropy of the class prior: a loss that starts far
/// below need not fall further. Flat stretches in between, and a plateau at the end, are no
/// fault.
pub fn check_loss(losses: &[f64], untrained: f64) -> Finding {
    if losses.len() < FEWEST_STEPS {
        let text = format!("{} steps are too few to see a trend", losses.len());
        return Finding::new(Code::Ef13, Status::Off, text);
    }
    let end = ((END * losses.len() as f64) as usize).max(5);
    let (first, first_error) = mean_and_error(&losses[..end]);
    let (last, last_error) = mean_and_error(&losses[losses.len() - end..]);
    let text = format!(
        "the loss went from {first:.4} to {last:.4} in {} steps",
        losses.len()
    );
    let noise = first_error.hypot(last_error);
    let fell = first - last > (FALL * first).max(noise);
    if fell || first <= LEARNT * untrained {
        return Finding::new(Code::Ef13, Status::Pass, text);
    }
    let text = format!("{text}, noise {noise:.4}: it does not fall, and the run went on");
    Finding::new(Code::Ef13, Status::Warning, text).of(Symptom::FlatLoss)
}

/// What a run recorded.
#[derive(Debug, Clone, Default)]
pub struct Records {
    /// Metrics that should be there and are missing or not finite.
    pub missing: Vec<String>,
    /// Number of events.
    pub events: usize,
    /// For each event that could not be written, the error.
    pub unwritten: Vec<String>,
}

/// Fails where metrics are missing or events could not be written.
pub fn check_records(records: &Records) -> Finding {
    let Records {
        missing,
        events,
        unwritten,
    } = records;
    let problem = if !missing.is_empty() {
        let names = some_of(missing.iter().map(String::as_str));
        format!("metrics are missing: {names}")
    } else if *events == 0 {
        "no event was written".into()
    } else if let Some(error) = unwritten.first() {
        let count = unwritten.len();
        format!("{count} of {events} events could not be written: {error}")
    } else {
        let text = format!("{events} events, no metric missing");
        return Finding::new(Code::Ef13, Status::Pass, text);
    };
    Finding::new(Code::Ef13, Status::Failed, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(step: usize) -> f64 {
        0.2 * (step as f64 * 12.9898).sin()
    }

    #[test]
    fn a_flat_loss_is_raised() {
        let flat: Vec<f64> = (0..200).map(|step| 2.3 + noise(step)).collect();
        assert_eq!(check_loss(&flat, 2.3).status, Status::Warning);
        let rising: Vec<f64> = (0..200).map(|step| 2.3 + 0.1 * step as f64).collect();
        assert_eq!(check_loss(&rising, 2.3).status, Status::Warning);
    }

    #[test]
    fn a_loss_that_falls_or_was_learnt_is_not() {
        let plateau = |step: usize| 2.0 * (-(step as f64) / 20.0).exp() + 0.5 + noise(step);
        let losses: Vec<f64> = (0..400).map(plateau).collect();
        assert_eq!(check_loss(&losses, 2.3).status, Status::Pass);
        assert_eq!(check_loss(&[0.02; 100], 2.3).status, Status::Pass);
        // A stage that starts where another ended, with smoothed labels.
        let learnt: Vec<f64> = (0..200).map(|step| 0.8 + noise(step)).collect();
        assert_eq!(check_loss(&learnt, 2.3).status, Status::Pass);
        assert_eq!(check_loss(&[2.3; 5], 2.3).status, Status::Off);
    }

    #[test]
    fn missing_records_are_raised() {
        let complete = Records {
            events: 12,
            ..Records::default()
        };
        assert_eq!(check_records(&complete).status, Status::Pass);
        for records in [
            Records {
                missing: vec!["val_loss".into()],
                ..complete.clone()
            },
            Records {
                unwritten: vec!["no space left".into()],
                ..complete
            },
            Records::default(),
        ] {
            assert_eq!(check_records(&records).status, Status::Failed);
        }
    }
}
