//! [`Chosen`]: some samples of a set; which calibrate, and which the result is compared on.

use edgefit_engine::Array;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::batches::{BATCH, Samples};
use crate::error::{Error, Result};
use crate::sample_set::SampleSet;

/// Some samples of a set, in an order of their own.
#[derive(Debug)]
pub struct Chosen<'a> {
    set: &'a SampleSet,
    indices: Vec<usize>,
}

impl<'a> Chosen<'a> {
    /// The samples of `set` with those `indices`.
    pub fn new(set: &'a SampleSet, indices: Vec<usize>) -> Self {
        Chosen { set, indices }
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The class of each, where its place says it.
    pub fn classes(&self) -> Vec<Option<usize>> {
        let samples = self.set.samples();
        self.indices.iter().map(|&at| samples[at].class).collect()
    }

    /// Refuses two or more samples that are all the same.
    ///
    /// # Errors
    /// They are, or cannot be read.
    pub fn check_differ(&self) -> Result<()> {
        let mut first: Option<Vec<Array>> = None;
        for index in &self.indices {
            let sample = self.read(&[*index])?;
            match &first {
                None => first = Some(sample),
                Some(first) if *first != sample => return Ok(()),
                Some(_) => {}
            }
        }
        match self.len() {
            0 => Err(Error::NoSamples),
            1 => Ok(()),
            count => Err(Error::AllAlike { count }),
        }
    }

    fn read(&self, indices: &[usize]) -> Result<Vec<Array>> {
        self.set.batch(indices)
    }
}

impl Samples for Chosen<'_> {
    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Array>>> + '_> {
        Box::new(self.indices.chunks(BATCH).map(|batch| self.read(batch)))
    }

    fn some(&self, places: &[usize]) -> Result<Box<dyn Samples + '_>> {
        let indices: Vec<usize> = places.iter().map(|&at| self.indices[at]).collect();
        let batches = indices.chunks(BATCH).map(|batch| self.read(batch));
        Ok(Box::new(batches.collect::<Result<Vec<_>>>()?))
    }
}

/// Draws `calibration` of `count` samples at random, and leaves the others to compare on: at least half of
/// all, rounded down, and of a single sample the same.
pub fn draw(count: usize, calibration: usize, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut indices = shuffled(count, seed);
    let most = count.div_ceil(2);
    let validation = indices.split_off(calibration.min(most).min(count));
    let mut validation = if validation.is_empty() {
        indices.clone()
    } else {
        validation
    };
    // Files are read in their order on disk.
    validation.sort_unstable();
    (indices, validation)
}

/// The numbers below `count` in random order.
pub fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..count).collect();
    indices.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    indices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibration_and_comparison_share_no_sample() {
        let (calibration, validation) = draw(1000, 100, 0);
        assert_eq!((calibration.len(), validation.len()), (100, 900));
        assert!(calibration.iter().all(|index| !validation.contains(index)));
        assert_eq!(draw(1000, 100, 0).0, calibration);
        assert_ne!(draw(1000, 100, 1).0, calibration);
        let (few, rest) = draw(5, 100, 0);
        assert_eq!((few.len(), rest.len()), (3, 2));
        assert_eq!(draw(1, 100, 0), (vec![0], vec![0]));
        assert_eq!(draw(0, 100, 0), (vec![], vec![]));
    }
}
