//! [`NothingFits`]: what stands in the place of a report where no network keeps the budgets.

use serde::Serialize;

use crate::candidate::Candidate;

/// What stands in the place of a report where no network keeps the budgets.
#[derive(Debug, Serialize)]
pub struct NothingFits {
    /// `null` in the document.
    pub chosen: (),
    /// The network that comes nearest.
    pub nearest: Box<Candidate>,
}

impl NothingFits {
    /// With the network that comes nearest.
    pub fn of(nearest: Box<Candidate>) -> Self {
        NothingFits {
            chosen: (),
            nearest,
        }
    }
}
