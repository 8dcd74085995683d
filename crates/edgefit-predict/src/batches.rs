//! [`Samples`]: where calibration and comparison take their inputs from, again and again.

use edgefit_engine::Array;

use crate::error::Result;

/// Inputs of a model in batches, read anew each time, so that none has to be kept.
///
/// A slice of batches is one, too:
///
/// ```
/// use edgefit_engine::Array;
/// use edgefit_predict::Samples;
///
/// let batch = vec![Array { dims: vec![1, 2], values: vec![0.5, -1.0] }];
/// assert_eq!([batch].batches().count(), 1);
/// ```
pub trait Samples {
    /// The batches: an array for each input of the model, in its order.
    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Array>>> + '_>;
}

impl Samples for [Vec<Array>] {
    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Array>>> + '_> {
        Box::new(self.iter().cloned().map(Ok))
    }
}

impl<const N: usize> Samples for [Vec<Array>; N] {
    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Array>>> + '_> {
        self.as_slice().batches()
    }
}

/// How many samples a batch holds.
pub fn count(batch: &[Array]) -> usize {
    let first = batch.first();
    first.map_or(0, |array| array.dims.first().copied().unwrap_or(1))
}
