//! EF03: every step needs a gradient of its own, and accumulation a mean.

use crate::{Code, Finding, Status};

/// Relative difference of two gradients that should be the same; below lies f32 rounding.
pub const APART: f64 = 1e-3;

/// Two gradients of all parameters that should be the same. Dropout, augmentation and batch
/// statistics must be off for both.
#[derive(Debug, Clone, Copy)]
pub struct Gradients {
    /// Global norm of the one that is right.
    pub reference_norm: f64,
    /// Global norm of the other.
    pub norm: f64,
    /// Global norm of their difference.
    pub difference_norm: f64,
}

impl Gradients {
    fn agree(self) -> bool {
        self.difference_norm <= APART * self.reference_norm
    }

    fn ratio(self) -> f64 {
        self.norm / self.reference_norm
    }
}

/// Fails where the gradient of a batch (reference) differs from that of the same batch right after.
pub fn check_repeat(gradients: Gradients) -> Finding {
    match gradients.agree() {
        true => Finding::new(
            Code::Ef03,
            Status::Pass,
            "the gradient of a batch is the same twice in a row",
        ),
        false => {
            let text = format!(
                "the gradient of one batch is {:.2} times as large the second time, \
                {:.1e} apart: it is added to the one before; make a new one for each step",
                gradients.ratio(),
                gradients.difference_norm / gradients.reference_norm,
            );
            Finding::new(Code::Ef03, Status::Failed, text)
        }
    }
}

/// Fails where the gradient accumulated from `parts` equal parts of a batch is not that of the
/// whole batch (reference).
pub fn check_accumulation(parts: usize, gradients: Gradients) -> Finding {
    if gradients.agree() {
        let text = format!("{parts} parts of a batch give the gradient of the whole");
        return Finding::new(Code::Ef03, Status::Pass, text);
    }
    let ratio = gradients.ratio();
    let why = match (ratio / parts as f64 - 1.0).abs() < 0.01 {
        true => "they are summed; divide by their number",
        false => "look at how the parts are weighted",
    };
    let text = format!(
        "the gradient accumulated from {parts} parts is {ratio:.2} times that of the \
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
