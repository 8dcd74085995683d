//! EF04: a loss that wants logits must not get probabilities.

use crate::{Code, Finding, Status};

/// How far the sum of a row of probabilities may be from 1.
pub const SUM_TOLERANCE: f64 = 1e-3;

/// What the model gives the loss for a probe batch.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Number of rows.
    pub rows: usize,
    /// Number of classes.
    pub classes: usize,
    /// Smallest element.
    pub smallest: f64,
    /// Largest |sum of a row − 1|.
    pub largest_sum_error: f64,
    /// A softmax or sigmoid at the end that was removed for training.
    pub removed: Option<String>,
}

impl Evidence {
    /// From `outputs`, `rows` × classes, row-major.
    pub fn of_outputs(outputs: &[f64], rows: usize) -> Self {
        let classes = outputs.len() / rows.max(1);
        let sum_error = |row: &[f64]| (row.iter().sum::<f64>() - 1.0).abs();
        let sum_errors = outputs.chunks(classes.max(1)).map(sum_error);
        Evidence {
            rows,
            classes,
            smallest: outputs.iter().copied().fold(f64::INFINITY, f64::min),
            largest_sum_error: sum_errors.fold(0.0, f64::max),
            removed: None,
        }
    }
}

/// Fails where the outputs are not negative and sum to 1 in every row.
pub fn check(evidence: &Evidence) -> Finding {
    let many = evidence.rows > 0 && evidence.classes > 1;
    if many && evidence.smallest >= 0.0 && evidence.largest_sum_error <= SUM_TOLERANCE {
        let text = format!(
            "all {} rows of outputs are ≥ 0 and sum to 1 within {:.1e}: the loss gets \
            probabilities; remove the softmax",
            evidence.rows, evidence.largest_sum_error
        );
        return Finding::new(Code::Ef04, Status::Failed, text);
    }
    match &evidence.removed {
        Some(node) => {
            let text = format!("'{node}' at the end was removed for training");
            Finding::new(Code::Ef04, Status::Fixed, text)
        }
        None => {
            let text = format!(
                "outputs are logits: smallest {:.3}, sums of rows up to {:.3} from 1",
                evidence.smallest, evidence.largest_sum_error
            );
            Finding::new(Code::Ef04, Status::Pass, text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_summarised_by_rows() {
        let found = Evidence::of_outputs(&[0.25, 0.75, -1.0, 3.0], 2);
        assert_eq!((found.rows, found.classes), (2, 2));
        assert_eq!((found.smallest, found.largest_sum_error), (-1.0, 1.0));
        assert_eq!(Evidence::of_outputs(&[], 0).classes, 0);
    }

    #[test]
    fn probabilities_fail_and_logits_pass() {
        let probabilities = Evidence {
            rows: 8,
            classes: 3,
            smallest: 0.01,
            largest_sum_error: 1e-7,
            removed: None,
        };
        assert_eq!(check(&probabilities).status, Status::Failed);
        let logits = Evidence {
            smallest: -2.0,
            ..probabilities.clone()
        };
        assert_eq!(check(&logits).status, Status::Pass);
        // Logits that happen to be positive, as those of an untrained head may be.
        let positive = Evidence {
            largest_sum_error: 0.2,
            ..probabilities
        };
        assert_eq!(check(&positive).status, Status::Pass);
        let removed = Evidence {
            removed: Some("prob".into()),
            ..logits
        };
        assert_eq!(check(&removed).status, Status::Fixed);
    }
}
