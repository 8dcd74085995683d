//! Inputs of one kind.

use edgefit_engine::Array;

use super::images::Images;
use crate::input_kind::InputKind;

/// Inputs of one kind.
pub struct Case {
    /// The kind.
    pub kind: InputKind,
    /// Where the inputs come from.
    pub source: Source,
}

/// Where inputs come from.
pub enum Source {
    /// One batch, an array for each input of the model.
    Arrays(Vec<Array>),
    /// Images with labels, read batch by batch.
    Images(Images),
}

impl Case {
    /// How many batches it goes through the engines in.
    pub(crate) fn batches(&self) -> usize {
        match &self.source {
            Source::Arrays(_) => 1,
            Source::Images(images) => images.batches(),
        }
    }

    /// The inputs of one batch, and which samples are in it. Images that cannot be read are told to
    /// `warn` and left out.
    pub(crate) fn batch(
        &self,
        index: usize,
        warn: &mut dyn FnMut(&str),
    ) -> (Vec<Array>, Vec<usize>) {
        match &self.source {
            Source::Arrays(arrays) => {
                let samples = arrays.first().and_then(|array| array.dims.first().copied());
                (arrays.clone(), (0..samples.unwrap_or(0)).collect())
            }
            Source::Images(images) => {
                let (array, read) = images.batch(index, warn);
                (vec![array], read)
            }
        }
    }
}
