use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::recipe::StageName;

/// What chance decides in a stage, so that a step is the same however it was reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance {
    pub seed: u64,
    pub stage: StageName,
}

impl Chance {
    /// The stream of numbers for a step of an epoch; step 0 is the epoch itself.
    pub fn stream(&self, epoch: usize, step: usize) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(((self.stage as u64) << 56) | ((epoch as u64) << 32) | step as u64);
        rng
    }
}
