//! [`Listed`]: a sample of a run's manifest.

use edgefit_data::Split;
use serde::{Deserialize, Serialize};

/// A sample, as it was when the run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    /// Path below the dataset's folder, or the row.
    pub path: String,
    /// Of its contents; `None` where they could not be read.
    pub sha256: Option<String>,
    /// Its class; or its labels or regression targets, as numbers.
    pub truth: String,
    /// What it is used for; `None` where it was left out.
    pub split: Option<Split>,
}
