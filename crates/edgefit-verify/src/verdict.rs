//! Whether results agree.

use serde::Serialize;

use crate::compare::Pair;

/// Whether engines agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every result is within its tolerance.
    Agree,
    /// Some result is not.
    Diverge,
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
