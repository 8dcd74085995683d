//! [`FitJob`]: what is searched for, on what, for what.

use std::path::PathBuf;

use edgefit_train::Job;
use serde::{Deserialize, Serialize};

use crate::target::Target;

/// A search for the most accurate network that a device holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitJob {
    /// How networks are trained, and on what. Its backbone, device, run and scheme are those of each finalist.
    pub training: Job,
    /// Pretrained networks.
    pub backbones: Vec<PathBuf>,
    /// What the network has to fit.
    pub target: Target,
    /// The accuracy that is enough, of which the smallest network is wanted; `None` for the highest accuracy.
    pub enough: Option<f64>,
    /// Folder of the search.
    pub run: PathBuf,
}
