//! Inputs of one kind.

use edgefit_engine::Array;
use edgefit_graph::Graph;

use super::images::Images;
use crate::input_kind::InputKind;
use crate::samples::some_samples;

/// Inputs of one kind.
pub struct Case {
    /// The kind.
    pub kind: InputKind,
    /// Where the inputs come from.
    pub source: Source,
    /// The class of each sample, where they are known.
    pub labels: Option<Vec<usize>>,
}

/// Where inputs come from.
pub enum Source {
    /// One batch, an array for each input of the model.
    Arrays(Vec<Array>),
    /// Images, read batch by batch.
    Images(Images),
}

impl Case {
    /// The same with the first `samples` only, if it is one of arrays that have more.
    #[must_use]
    pub fn first(mut self, samples: Option<usize>, graph: &Graph) -> Self {
        if let (Source::Arrays(arrays), Some(samples)) = (&mut self.source, samples) {
            let all = arrays
                .first()
                .and_then(|array| array.dims.first().copied())
                .unwrap_or(0);
            *arrays = some_samples(arrays, 0..samples.min(all), graph);
            let left = arrays
                .first()
                .and_then(|array| array.dims.first().copied())
                .unwrap_or(0);
            self.labels
                .iter_mut()
                .for_each(|labels| labels.truncate(left));
        }
        self
    }

    /// Shapes of its arrays; none where it is one of images.
    pub fn shapes(&self) -> Vec<Vec<usize>> {
        match &self.source {
            Source::Arrays(arrays) => arrays.iter().map(|array| array.dims.clone()).collect(),
            Source::Images(_) => Vec::new(),
        }
    }

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
