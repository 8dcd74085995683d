//! Random numbers of a stage, one stream a step.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::config::stage_name::StageName;

/// The random numbers of a stage, so that a step is the same however it was reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RandomStreams {
    pub seed: u64,
    pub stage: StageName,
}

impl RandomStreams {
    /// The random numbers for a step of an epoch; step 0 is the epoch itself.
    pub fn stream(&self, epoch: usize, step: usize) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(((self.stage as u64) << 56) | ((epoch as u64) << 32) | step as u64);
        rng
    }
}
