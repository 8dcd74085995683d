//! EF03: every step starts from zeroed gradients, and accumulation averages.

use crate::{Code, Finding, Status};

/// Relative difference of two gradients that should be equal; smaller ones are f32 rounding.
pub const TOLERANCE: f64 = 1e-3;

/// Two gradients of all parameters that should be equal. Dropout, augmentation and batch
/// statistics must be off for both.
#[derive(Debug, Clone, Copy)]
pub struct Gradients {
    /// Global norm of the right one.
    pub reference_norm: f64,
    /// Global norm of the other.
    pub norm: f64,
    /// Global norm of their difference.
    pub difference_norm: f64,
}

impl Gradients {
    fn agree(self) -> bool {
        self.difference_norm <= TOLERANCE * self.reference_norm
    }

    fn ratio(self) -> f64 {
        self.norm / self.reference_norm
    }
}

/// Fails where the gradient of a batch (reference) differs from that of the same batch right after.
pub fn check_repeat(gradients: Gradients) -> Finding {
    if gradients.agree() {
        let text = "the gradient of a batch is the same twice in a row";
        return Finding::new(Code::Ef03, Status::Pass, text);
    }
    let text = format!(
        "the gradient of one batch is {:.2} times as large the second time (relative difference \
        {:.1e}): it is added to the one before; zero the gradients in each step",
        gradients.ratio(),
        gradients.difference_norm / gradients.reference_norm,
    );
    Finding::new(Code::Ef03, Status::Failed, text)
}

/// Fails where the gradient accumulated from `micro_batches` of equal size is not that of the whole
/// batch (reference).
pub fn check_accumulation(micro_batches: usize, gradients: Gradients) -> Finding {
    if gradients.agree() {
        let text = format!("{micro_batches} micro-batches give the gradient of the whole batch");
        return Finding::new(Code::Ef03, Status::Pass, text);
    }
    let ratio = gradients.ratio();
    let why = if (ratio / micro_batches as f64 - 1.0).abs() < 0.01 {
        "they are summed; divide by their number"
    } else {
        "look at how they are weighted"
    };
    let text = format!(
        "the gradient accumulated from {micro_batches} micro-batches is {ratio:.2} times that of the \
        whole batch: {why}"
    );
    Finding::new(Code::Ef03, Status::Failed, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(ratio: f64) -> Gradients {
        Gradients {
            reference_norm: 2.0,
            norm: 2.0 * ratio,
            difference_norm: 2.0 * (ratio - 1.0).abs(),
        }
    }

    #[test]
    fn a_gradient_that_is_kept_fails() {
        assert_eq!(check_repeat(scaled(1.0 + 1e-5)).status, Status::Pass);
        let finding = check_repeat(scaled(2.0));
        assert_eq!(finding.status, Status::Failed);
        assert!(
            finding.message.contains("2.00 times"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn a_sum_in_place_of_a_mean_fails() {
        assert_eq!(check_accumulation(4, scaled(1.0)).status, Status::Pass);
        let summed = check_accumulation(4, scaled(4.0));
        assert_eq!(summed.status, Status::Failed);
        assert!(summed.message.contains("summed"));
        assert!(
            !check_accumulation(4, scaled(1.5))
                .message
                .contains("summed")
        );
    }
}
