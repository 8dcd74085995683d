//! [`Samples`]: where calibration and comparison take their inputs from, again and again.

use edgefit_engine::Array;

use crate::error::Result;

/// Samples that are read at once: all values that they make are in memory together.
pub(crate) const BATCH: usize = 4;

/// Inputs of a model in batches, read anew each time, so that none has to be kept.
///
/// A list of batches is one, too:
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

    /// Those at `places`, which ascend, read once and kept.
    ///
    /// # Errors
    /// They cannot be read.
    fn some(&self, places: &[usize]) -> Result<Box<dyn Samples + '_>> {
        let each = self.batches().flat_map(singles).enumerate();
        let picked = each.filter(|(at, sample)| sample.is_err() || places.contains(at));
        let picked = picked.map(|(_, sample)| sample).take(places.len());
        let picked: Vec<Vec<Array>> = picked.collect::<Result<_>>()?;
        let batches = picked.chunks(BATCH);
        let batches = batches.filter_map(|samples| joined(samples, samples.len()));
        Ok(Box::new(batches.collect::<Vec<Vec<Array>>>()))
    }
}

impl Samples for Vec<Vec<Array>> {
    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Array>>> + '_> {
        Box::new(self.iter().cloned().map(Ok))
    }
}

impl<const N: usize> Samples for [Vec<Array>; N] {
    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Array>>> + '_> {
        Box::new(self.iter().cloned().map(Ok))
    }
}

/// The batches of `samples`; with a `size`, of so many each, the last of which repeats its samples where they are fewer.
pub fn batches_of(
    samples: &dyn Samples,
    size: Option<usize>,
) -> Box<dyn Iterator<Item = Result<Vec<Array>>> + '_> {
    let Some(size) = size else {
        return samples.batches();
    };
    let mut each = samples.batches().flat_map(singles);
    Box::new(std::iter::from_fn(move || {
        let taken: Result<Vec<Vec<Array>>> = each.by_ref().take(size).collect();
        match taken {
            Ok(taken) => joined(&taken, size).map(Ok),
            Err(error) => Some(Err(error)),
        }
    }))
}

/// Each sample of a batch by itself.
fn singles(batch: Result<Vec<Array>>) -> Vec<Result<Vec<Array>>> {
    let batch = match batch {
        Ok(batch) => batch,
        Err(error) => return vec![Err(error)],
    };
    let single = |row: usize| batch.iter().map(move |array| array.rows(row..row + 1));
    (0..count(&batch))
        .map(|row| Ok(single(row).collect()))
        .collect()
}

/// A batch of `size` samples, which come again and again; `None` without any.
fn joined(samples: &[Vec<Array>], size: usize) -> Option<Vec<Array>> {
    let mut whole = samples.first()?.clone();
    for sample in samples.iter().cycle().take(size).skip(1) {
        for (whole, array) in whole.iter_mut().zip(sample) {
            whole.values.extend(&array.values);
            whole.dims[0] += 1;
        }
    }
    Some(whole)
}

/// How many samples a batch holds.
pub fn count(batch: &[Array]) -> usize {
    let first = batch.first();
    first.map_or(0, |array| array.dims.first().copied().unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_cut_and_filled_up() {
        let batch = |values: &[f32]| {
            vec![Array {
                dims: vec![values.len(), 1],
                values: values.to_vec(),
            }]
        };
        let samples = [batch(&[1.0, 2.0, 3.0, 4.0]), batch(&[5.0])];
        let sizes = |size| -> Vec<Vec<Array>> {
            let batches = batches_of(&samples, size);
            batches.collect::<Result<_>>().unwrap()
        };
        assert_eq!(sizes(None), samples);
        assert_eq!(sizes(Some(1)).len(), 5);
        let threes = [batch(&[1.0, 2.0, 3.0]), batch(&[4.0, 5.0, 4.0])];
        assert_eq!(sizes(Some(3)), threes);
        assert_eq!(
            sizes(Some(7)),
            [batch(&[1.0, 2.0, 3.0, 4.0, 5.0, 1.0, 2.0])]
        );
        let some = |places: &[usize]| -> Vec<Vec<Array>> {
            let some = samples.some(places).unwrap();
            some.batches().collect::<Result<_>>().unwrap()
        };
        assert_eq!(some(&[0, 3, 4]), [batch(&[1.0, 4.0, 5.0])]);
        let all = [batch(&[1.0, 2.0, 3.0, 4.0]), batch(&[5.0])];
        assert_eq!(some(&[0, 1, 2, 3, 4]), all);
    }
}
