//! What a guard may see because of another mistake than its own.

use Code::*;

use crate::Code;

/// Something that a guard may see because of another mistake than its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symptom {
    /// A single batch cannot be overfitted (EF01).
    BatchNotOverfitted,
    /// Units are inactive or saturated (EF05).
    DeadUnits,
    /// A class is never predicted (EF07).
    NeverPredicted,
    /// Validation is within the noise of a baseline (EF08).
    NoBetterThanBaseline,
    /// Training accuracy rises above validation accuracy (EF09).
    Gap,
    /// The loss oscillates (EF10).
    Oscillation,
    /// Training accuracy is above validation accuracy while nothing regularises (EF11).
    Unregularised,
    /// The first loss is not the entropy of the prior (EF12).
    InitialLoss,
    /// The loss does not fall (EF13).
    FlatLoss,
    /// Gradients vanish (EF14).
    VanishingGradients,
    /// Gradients grow or are not finite (EF14).
    ExplodingGradients,
    /// The training samples are not fitted (EF17).
    CannotFit,
    /// Augmented images do not resemble their originals (EF15).
    UnlikeItself,
    /// A stage is worse than the one before, or features are no better than the raw samples (EF19).
    PoorTransfer,
}

impl Symptom {
    /// The guards whose mistakes show as this symptom, the likeliest cause first.
    pub const fn explained_by(self) -> &'static [Code] {
        match self {
            Symptom::BatchNotOverfitted => &[Ef04, Ef06, Ef05, Ef19],
            Symptom::UnlikeItself => &[Ef05, Ef06],
            Symptom::DeadUnits => &[Ef06],
            Symptom::NeverPredicted => &[Ef04, Ef06, Ef10, Ef16, Ef14, Ef13, Ef19, Ef08],
            Symptom::NoBetterThanBaseline => &[Ef06, Ef04, Ef19, Ef10, Ef14, Ef16, Ef13],
            Symptom::Gap => &[Ef11, Ef18, Ef19],
            Symptom::Oscillation => &[Ef03],
            Symptom::Unregularised => &[],
            Symptom::InitialLoss => &[Ef04],
            Symptom::FlatLoss => &[Ef03, Ef04, Ef06, Ef10, Ef11, Ef14, Ef16, Ef19],
            Symptom::VanishingGradients => &[Ef04, Ef05, Ef06, Ef10],
            Symptom::ExplodingGradients => &[Ef03, Ef06, Ef10],
            Symptom::CannotFit => &[
                Ef03, Ef04, Ef06, Ef05, Ef10, Ef14, Ef16, Ef11, Ef13, Ef19, Ef08,
            ],
            Symptom::PoorTransfer => &[Ef06, Ef04, Ef03, Ef10, Ef14],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(Code, Symptom); 14] = [
        (Ef15, Symptom::UnlikeItself),
        (Ef01, Symptom::BatchNotOverfitted),
        (Ef05, Symptom::DeadUnits),
        (Ef07, Symptom::NeverPredicted),
        (Ef08, Symptom::NoBetterThanBaseline),
        (Ef09, Symptom::Gap),
        (Ef10, Symptom::Oscillation),
        (Ef11, Symptom::Unregularised),
        (Ef12, Symptom::InitialLoss),
        (Ef13, Symptom::FlatLoss),
        (Ef14, Symptom::VanishingGradients),
        (Ef14, Symptom::ExplodingGradients),
        (Ef17, Symptom::CannotFit),
        (Ef19, Symptom::PoorTransfer),
    ];

    /// Otherwise two findings could explain each other away.
    #[test]
    fn causes_do_not_go_in_circles() {
        fn reaches(from: Code, to: Code, depth: usize) -> bool {
            assert!(depth <= Code::ALL.len());
            ALL.iter()
                .filter(|(code, _)| *code == from)
                .flat_map(|(_, symptom)| symptom.explained_by())
                .any(|&cause| cause == to || reaches(cause, to, depth + 1))
        }
        for (code, _) in ALL {
            assert!(!reaches(code, code, 0), "{code}");
        }
    }
}
