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

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;

    use edgefit_cost::Limits;

    use super::*;

    /// A search in `run` for a microcontroller with more flash than it has.
    pub(crate) fn job(run: &Path) -> FitJob {
        let profile = edgefit_device::find("stm32h743").unwrap();
        let limits = Limits {
            flash_bytes: Some(8 << 20),
            ..Limits::default()
        };
        FitJob {
            training: Job::new("data".as_ref(), "".as_ref(), profile.clone(), run),
            backbones: vec!["a.onnx".into()],
            target: Target::new(profile, None, limits).unwrap(),
            enough: None,
            run: run.to_path_buf(),
        }
    }
}
