//! EF04: a loss that wants logits must not get probabilities.

use crate::{Code, Finding, Status};

/// How far a row may be from summing to 1.
pub const SUM_APART: f64 = 1e-3;

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
    pub farthest_sum: f64,
    /// A softmax or sigmoid at the end that was cut off for training.
    pub cut: Option<String>,
}

/// Fails where the outputs are not negative and sum to 1 in every row.
pub fn check(evidence: &Evidence) -> Finding {
    let many = evidence.rows > 0 && evidence.classes > 1;
    if many && evidence.smallest >= 0.0 && evidence.farthest_sum <= SUM_APART {
        let text = format!(
            "all {} rows of outputs are ≥ 0 and sum to 1 within {:.1e}: the loss gets \
            probabilities; take the softmax off",
            evidence.rows, evidence.farthest_sum
        );
        return Finding::new(Code::Ef04, Status::Failed, text);
    }
    match &evidence.cut {
        Some(node) => {
            let text = format!("'{node}' at the end was cut off for training");
            Finding::new(Code::Ef04, Status::Fixed, text)
        }
        None => {
            let text = format!(
                "outputs are logits: smallest {:.3}, sums of rows up to {:.3} from 1",
                evidence.smallest, evidence.farthest_sum
            );
            Finding::new(Code::Ef04, Status::Pass, text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_fail_and_logits_pass() {
        let probabilities = Evidence {
            rows: 8,
            classes: 3,
            smallest: 0.01,
            farthest_sum: 1e-7,
            cut: None,
        };
        assert_eq!(check(&probabilities).status, Status::Failed);
        let logits = Evidence {
            smallest: -2.0,
            ..probabilities.clone()
        };
        assert_eq!(check(&logits).status, Status::Pass);
        // Logits that happen to be positive, as those of an untrained head may be.
        let positive = Evidence {
            farthest_sum: 0.2,
            ..probabilities
        };
        assert_eq!(check(&positive).status, Status::Pass);
        let cut = Evidence {
            cut: Some("prob".into()),
            ..logits
        };
        assert_eq!(check(&cut).status, Status::Fixed);
    }
}
