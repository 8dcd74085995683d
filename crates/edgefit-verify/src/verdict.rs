//! Whether results agree.

use serde::Serialize;

use crate::compare::Pair;

/// Whether engines agree. What could not be compared does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every result that was compared is within its tolerance.
    Agree,
    /// Some result is not, or the model is not in eval mode.
    Diverge,
    /// What was compared agrees, but an engine crashed.
    Crashed,
}

impl Verdict {
    /// Agreement of all `pairs`.
    pub fn of(pairs: &[Pair]) -> Self {
        if pairs.iter().all(|pair| pair.within) {
            Verdict::Agree
        } else {
            Verdict::Diverge
        }
    }
}
