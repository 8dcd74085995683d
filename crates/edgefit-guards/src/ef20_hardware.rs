//! EF20: what does not fit is not trained.

use crate::{Code, Finding, Status};

/// What a check of the model against the device, or of training against this machine, came to.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It fits.
    Fits,
    /// It was refused.
    DoesNotFit {
        /// What is short, with figures.
        reason: String,
        /// What would fit, where that is known.
        mend: Option<String>,
    },
    /// Nobody knows.
    Unknown {
        /// Why not.
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

/// Fails where it does not fit. What nobody knows is off, not passed.
pub fn check(evidence: &Evidence) -> Finding {
    let hardware = &evidence.hardware;
    let (status, text) = match &evidence.verdict {
        Verdict::Fits => (Status::Pass, format!("fits {hardware}")),
        Verdict::Unknown { reason } => (
            Status::Off,
            format!("nobody knows whether it fits {hardware}: {reason}"),
        ),
        Verdict::DoesNotFit { reason, mend } => {
            let mend = mend
                .as_ref()
                .map_or(String::new(), |mend| format!("; {mend}"));
            (
                Status::Failed,
                format!("does not fit {hardware}: {reason}{mend}"),
            )
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
            mend: Some("a smaller backbone fits".into()),
        });
        assert_eq!(finding.status, Status::Failed);
        assert!(finding.message.contains("13 MiB") && finding.message.ends_with("fits"));
    }
}
