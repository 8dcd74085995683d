//! Random numbers of augmented views.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The random numbers of one view of one sample: they depend on nothing but the seed, the view (an
/// epoch, or the number of a cached view) and the sample's name, so neither order nor threads matter.
pub fn stream(seed: u64, view: u64, sample: &str) -> ChaCha8Rng {
    let hash = Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(view.to_le_bytes())
        .chain_update(sample)
        .finalize();
    ChaCha8Rng::from_seed(hash.into())
}

/// True with this probability.
pub(super) fn chance(rng: &mut ChaCha8Rng, probability: f32) -> bool {
    rng.random::<f32>() < probability
}

/// Uniform between two values.
pub(super) fn between(rng: &mut ChaCha8Rng, [low, high]: [f32; 2]) -> f32 {
    low + (high - low) * rng.random::<f32>()
}

/// Uniform in the logarithm, between two positive values.
pub(super) fn log_between(rng: &mut ChaCha8Rng, range: [f32; 2]) -> f32 {
    between(rng, range.map(f32::ln)).exp()
}

/// A value or its negative, with equal chances.
pub(super) fn either_sign(rng: &mut ChaCha8Rng, value: f32) -> f32 {
    if rng.random::<bool>() { value } else { -value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_view_and_sample_each_make_another_stream() {
        let first = |seed, view, sample| stream(seed, view, sample).random::<u64>();
        let usual = first(1, 2, "cat/1.jpg");
        assert_eq!(usual, first(1, 2, "cat/1.jpg"));
        for other in [
            first(2, 2, "cat/1.jpg"),
            first(1, 1, "cat/1.jpg"),
            first(1, 2, "cat/2.jpg"),
            first(2, 1, "cat/1.jpg"),
        ] {
            assert_ne!(usual, other);
        }
    }

    #[test]
    fn draws_fill_their_range() {
        let mut rng = stream(0, 0, "");
        let draws: Vec<f32> = (0..1000)
            .map(|_| log_between(&mut rng, [0.5, 2.0]))
            .collect();
        assert!(draws.iter().all(|draw| (0.499..=2.001).contains(draw)));
        let below = draws.iter().filter(|draw| **draw < 1.0).count();
        assert!((400..600).contains(&below), "{below}");
        assert!((0..1000).all(|_| chance(&mut rng, 1.0) && !chance(&mut rng, 0.0)));
    }
}
