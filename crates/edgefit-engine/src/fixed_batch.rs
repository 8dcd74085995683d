use edgefit_graph::{Dim, Graph};

use crate::array::Array;
use crate::error::{Error, Result};
use crate::{Engine, EngineName};

/// Larger declared batches are left to the caller to fill.
const LARGEST: usize = 1024;

/// The batch size that a model insists on, because it was exported with one.
pub(crate) fn fixed_batch(graph: &Graph) -> Option<usize> {
    let sizes: Vec<Option<usize>> = graph
        .free_inputs()
        .map(|input| match input.dims()?.first()? {
            Dim::Known(size) => Some(*size),
            _ => None,
        })
        .collect();
    match sizes.as_slice() {
        [Some(size)] if (1..=LARGEST).contains(size) => Some(*size),
        _ => None,
    }
}

/// An engine whose model takes `batch` samples at once, no more and no fewer: larger inputs are cut,
/// and the last piece is filled up with its last sample.
pub(crate) struct FixedBatch {
    pub engine: Box<dyn Engine>,
    pub batch: usize,
}

impl Engine for FixedBatch {
    fn name(&self) -> EngineName {
        self.engine.name()
    }

    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        let [input] = inputs else {
            return self.engine.run(inputs);
        };
        let samples = input.dims.first().copied().unwrap_or(0);
        if samples == self.batch {
            return self.engine.run(inputs);
        }
        let mut joined: Vec<Array> = Vec::new();
        for start in (0..samples).step_by(self.batch) {
            let count = self.batch.min(samples - start);
            let mut piece = input.rows(start..start + count);
            for _ in count..self.batch {
                let last = input.rows(samples - 1..samples);
                piece.values.extend(last.values);
                piece.dims[0] += 1;
            }
            let outputs = self.engine.run(&[piece])?;
            if outputs
                .iter()
                .any(|output| output.dims.first() != Some(&self.batch))
            {
                let problem = format!(
                    "it was exported for {} samples and an output has no row for each; export it \
                     with a dynamic batch",
                    self.batch
                );
                return Err(Error::run(self.name(), problem));
            }
            if joined.is_empty() {
                joined = outputs.iter().map(|output| output.rows(0..0)).collect();
            }
            for (whole, output) in joined.iter_mut().zip(outputs) {
                whole.values.extend(output.rows(0..count).values);
                whole.dims[0] += count;
            }
        }
        Ok(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Doubles its input and insists on three samples.
    struct Three;

    impl Engine for Three {
        fn name(&self) -> EngineName {
            EngineName::Tract
        }

        fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
            assert_eq!(inputs[0].dims, [3, 2]);
            let mut output = inputs[0].clone();
            output.values.iter_mut().for_each(|value| *value *= 2.0);
            Ok(vec![output])
        }
    }

    #[test]
    fn any_number_of_samples_goes_through() {
        let mut engine = FixedBatch {
            engine: Box::new(Three),
            batch: 3,
        };
        for samples in [1, 3, 7] {
            let input = Array {
                dims: vec![samples, 2],
                values: (0..2 * samples).map(|value| value as f32).collect(),
            };
            let output = &engine.run(std::slice::from_ref(&input)).unwrap()[0];
            assert_eq!(output.dims, input.dims);
            let doubled: Vec<f32> = input.values.iter().map(|value| value * 2.0).collect();
            assert_eq!(output.values, doubled);
        }
    }
}
