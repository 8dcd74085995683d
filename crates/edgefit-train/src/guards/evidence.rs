//! What is known of a job before its first step.

use edgefit_data::{Dataset, Splits};
use edgefit_engine::EngineName;

use crate::config::job::Job;
use crate::error::Result;
use crate::prepare::preparation::Preparation;
use crate::prepare::split::SplitSamples;
use crate::prepare::targets::Targets;

/// What is known before the first step.
#[derive(Clone, Copy)]
pub(crate) struct Evidence<'a> {
    pub job: &'a Job,
    pub engine: EngineName,
    pub dataset: &'a Dataset,
    pub splits: &'a Splits<SplitSamples<'a>>,
    pub train_targets: &'a Targets,
    /// Whether the backbone looks as it was made.
    pub untrained_backbone: bool,
}

impl Evidence<'_> {
    /// Some of the training samples, `most` at most and spread over all of them, as the model is shown
    /// them.
    ///
    /// # Errors
    /// A sample can no longer be read.
    pub fn inputs(&self, preparation: &Preparation, most: usize) -> Result<Vec<Vec<f32>>> {
        let samples = &self.splits.train.samples;
        let step = samples.len().div_ceil(most).max(1);
        let some = samples.iter().step_by(step);
        some.map(|sample| preparation.clean(sample)).collect()
    }
}
