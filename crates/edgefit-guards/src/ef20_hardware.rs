//! EF20: a model that does not fit the hardware is not trained.

use crate::{Code, Finding, Status};

/// The result of checking the model against the device, or training against this machine.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It fits.
    Fits,
    /// It was refused.
    DoesNotFit {
        /// What is short, with figures.
        reason: String,
    },
    /// A figure is missing.
    Unknown {
        /// Which one.
        reason: String,
    },
}

/// A check of what is trained against `hardware`, a device or this machine.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Name of the device, or `this machine`.
    pub hardware: String,
    /// Its result.
    pub verdict: Verdict,
}

/// Fails where it does not fit. An unknown verdict is off, not passed.
pub fn check(evidence: &Evidence) -> Finding {
    let hardware = &evidence.hardware;
    let (status, text) = match &evidence.verdict {
        Verdict::Fits => (Status::Pass, format!("fits {hardware}")),
        Verdict::Unknown { reason } => (
            Status::Off,
            format!("it is unknown whether it fits {hardware}: {reason}"),
        ),
        Verdict::DoesNotFit { reason } => {
            (Status::Failed, format!("does not fit {hardware}: {reason}"))
        }
    };
    Finding::new(Code::Ef20, status, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_fails() {
        let of = |verdict| {
            check(&Evidence {
                hardware: "stm32h743".into(),
                verdict,
            })
        };
        assert_eq!(of(Verdict::Fits).status, Status::Pass);
        let unknown = Verdict::Unknown {
            reason: "no engine was measured".into(),
        };
        assert_eq!(of(unknown).status, Status::Off);
        let finding = of(Verdict::DoesNotFit {
            reason: "flash 13 MiB of 2 MiB".into(),
        });
        assert_eq!(finding.status, Status::Failed);
        assert!(finding.message.contains("13 MiB"));
    }
}
