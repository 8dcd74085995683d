//! Why a job has no model.

use std::path::Path;

use edgefit_cost::Check;
use edgefit_guards::{Code, Finding};
use serde::Serialize;

use crate::error::Error;

/// The answer of a job that was refused because the model cannot fit the device, or ended by a guard.
#[derive(Debug, Serialize)]
pub struct Refusal<'a> {
    /// The guard.
    pub refused: Code,
    /// What the model needs, and what the device has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<&'a Check>,
    /// Findings of the guards, if they had looked.
    pub guards: &'a [Finding],
    /// The folder that holds what is known of the run, where it had begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<&'a Path>,
    /// All of it in one line.
    #[serde(skip)]
    pub line: String,
}

impl<'a> Refusal<'a> {
    /// The refusal that an error is, if it is one.
    pub fn of(error: &'a Error) -> Option<Self> {
        let (refused, check, guards, run) = match error {
            Error::DoesNotFit(check) => (Code::Ef20, Some(&**check), &[][..], None),
            Error::Guard {
                code, guards, run, ..
            } => (*code, None, guards.as_slice(), run.as_deref()),
            _ => return None,
        };
        Some(Refusal {
            refused,
            check,
            guards,
            run,
            line: error.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_refuses_and_other_errors_do_not() {
        let ended = Error::Guard {
            code: Code::Ef05,
            first: "labels are wrong".into(),
            guards: Vec::new(),
            run: None,
        };
        let refusal = Refusal::of(&ended).unwrap();
        assert_eq!(
            (refusal.refused, refusal.check.is_none()),
            (Code::Ef05, true)
        );
        assert!(refusal.line.contains("labels are wrong"), "{refusal:?}");
        assert!(Refusal::of(&Error::Stopped("no memory".into())).is_none());
    }
}
