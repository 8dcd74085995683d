//! Models that were exported for one batch size, run on any number of samples.

use edgefit_graph::{Dim, Graph};

use crate::array::Array;
use crate::backend::Backend;
use crate::engine_name::EngineName;
use crate::error::{Error, Result};

/// Larger declared batches are left to the caller to fill.
const LARGEST: usize = 1024;

/// The batch size that a model insists on, because it was exported with one.
pub fn fixed_batch(graph: &Graph) -> Option<usize> {
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

/// A model that may take `batch` samples at once, no more and no fewer: larger inputs are cut, and the
/// last piece is filled up with its last sample.
pub(crate) struct FixedBatch {
    pub engine: EngineName,
    pub model: Box<dyn Backend>,
    /// `None` if it takes any number.
    pub batch: Option<usize>,
}

impl FixedBatch {
    pub(crate) fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        let (Some(batch), [input]) = (self.batch, inputs) else {
            return self.model.run(inputs);
        };
        let samples = input.dims.first().copied().unwrap_or(0);
        if samples == batch {
            return self.model.run(inputs);
        }
        let mut joined: Vec<Array> = Vec::new();
        for start in (0..samples).step_by(batch) {
            let count = batch.min(samples - start);
            let mut piece = input.rows(start..start + count);
            for _ in count..batch {
                let last = input.rows(samples - 1..samples);
                piece.values.extend(last.values);
                piece.dims[0] += 1;
            }
            let outputs = self.model.run(&[piece])?;
            if outputs
                .iter()
                .any(|output| output.dims.first() != Some(&batch))
            {
                let problem = format!(
                    "it was exported for {batch} samples and an output has no row for each; export \
                     it with a dynamic batch"
                );
                return Err(Error::run(self.engine, problem));
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
    use crate::backend::{Options, Runner, Source};
    use crate::effort::Effort;
    use crate::node_times::NodeTime;

    /// Doubles its input and insists on three samples.
    struct Three;

    impl Backend for Three {
        fn load(_: Source, _: Options) -> Result<Self> {
            Ok(Three)
        }

        fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
            assert_eq!(inputs[0].dims, [3, 2]);
            let mut output = inputs[0].clone();
            output.values.iter_mut().for_each(|value| *value *= 2.0);
            Ok(vec![output])
        }

        fn repeat(self, _: &[Array]) -> Result<Runner> {
            Ok(Box::new(|| Ok(())))
        }

        fn time_nodes(_: &Graph, _: &[Array], _: Options, _: Effort) -> Result<Vec<NodeTime>> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn any_number_of_samples_goes_through() {
        let mut engine = FixedBatch {
            engine: EngineName::Tract,
            model: Box::new(Three),
            batch: Some(3),
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
