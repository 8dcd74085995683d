//! Matrix products: `reference_integer_ops::FullyConnectedPerChannel`.

use super::conv::product;
use super::layer::Layer;

/// Rows times a matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct FullyConnected {
    /// Number of rows.
    pub rows: usize,
    /// Elements of a row that is read.
    pub inputs: usize,
    /// Elements of a row that is written.
    pub outputs: usize,
    /// Weights: (outputs, inputs).
    pub weights: Vec<i8>,
    /// How sums become bytes.
    pub layer: Layer,
}

impl FullyConnected {
    pub(super) fn run(&self, input: &[i8], output: &mut [i8]) {
        let zero = i32::from(self.layer.input_zero_point);
        let rows = input.chunks_exact(self.inputs);
        for (row, results) in rows.zip(output.chunks_exact_mut(self.outputs)) {
            let weights = self.weights.chunks_exact(self.inputs);
            for (channel, (weights, result)) in weights.zip(results).enumerate() {
                *result = self.layer.finish(channel, product(row, weights, zero));
            }
        }
    }
}
