//! Whether weights are as they were drawn, before any training.

/// Weights below which a layer says nothing.
pub const FEWEST: usize = 256;
/// Weights that must be looked at in all: the spread of the figures below falls with their root.
pub const FEWEST_IN_ALL: usize = 1000;
/// Standard errors within which a figure counts as that of drawn weights.
pub const ERRORS: f64 = 4.0;
/// Kurtosis of what initial weights are drawn from: a uniform distribution (PyTorch's layers, Glorot
/// & Bengio 2010), a normal one that is cut at two standard deviations (Keras and TensorFlow), and a
/// normal one (He et al. 2015).
pub const KURTOSES: [f64; 3] = [1.8, 2.365, 3.0];

/// The weight of one layer: the weights of one output after those of another.
#[derive(Debug, Clone)]
pub struct Weight {
    /// All of them.
    pub values: Vec<f32>,
    /// Outputs of the layer.
    pub outputs: usize,
}

/// Whether all layers look as they were drawn: the kurtosis of their weights is that of an initial
/// distribution, and the outputs of a layer have weights of the same size, but for chance.
///
/// Training makes a few weights large and some outputs matter more than others. In EfficientNet-Lite0,
/// its normalisation folded, the kurtosis of the median layer is 6.6, and the variance of the outputs'
/// sums of squares 6.3 times that of drawn weights. In three networks of a few thousand weights, trained
/// for seconds, every layer varies 2.7 times as much or more; in six as PyTorch makes them, none more than 1.5
/// times, at a kurtosis of 1.7 to 1.9.
pub fn looks_untrained(layers: &[Weight]) -> bool {
    let known = layers
        .iter()
        .filter(|layer| layer.values.len() >= FEWEST && layer.outputs > 1);
    let known: Vec<&Weight> = known.collect();
    let count: usize = known.iter().map(|layer| layer.values.len()).sum();
    count >= FEWEST_IN_ALL && known.into_iter().all(looks_drawn)
}

fn looks_drawn(layer: &Weight) -> bool {
    let count = layer.values.len() as f64;
    let mean_of = |power: i32| {
        let values = layer.values.iter().map(|value| f64::from(*value));
        values.map(|value| value.powi(power)).sum::<f64>() / count
    };
    let square = mean_of(2);
    if square <= 0.0 {
        return false;
    }
    let kurtosis = mean_of(4) / square.powi(2);
    // Standard error of the kurtosis of a normal distribution, the largest of the three.
    let error = (24.0 / count).sqrt();
    let drawn = KURTOSES
        .into_iter()
        .any(|initial| (kurtosis - initial).abs() <= ERRORS * error);
    // The variance of sums of squares is that of the squares, and its own error that of a variance.
    let inputs = layer.values.len() / layer.outputs;
    let sums = layer.values.chunks(inputs.max(1)).map(|output| {
        let squares = output.iter().map(|value| f64::from(*value).powi(2));
        squares.sum::<f64>() / (inputs as f64 * square)
    });
    let outputs = layer.outputs as f64;
    let spread = sums.map(|sum| (sum - 1.0).powi(2)).sum::<f64>() / (outputs - 1.0);
    let expected = (kurtosis - 1.0) / inputs as f64;
    drawn && spread <= (1.0 + ERRORS * (2.0 / (outputs - 1.0)).sqrt()) * expected
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of −1 to 1 that look random (Weyl's sequence, mixed as in SplitMix64).
    fn uniform(seed: u64, count: usize) -> Vec<f32> {
        let mixed = |at: usize| {
            let mut bits = (at as u64 + seed * 1_000_003).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits ^ (bits >> 27)
        };
        let unit = |at| (mixed(at) >> 40) as f32 / (1u64 << 24) as f32;
        (1..=count).map(|at| 2.0 * unit(at) - 1.0).collect()
    }

    fn layer(seed: u64, outputs: usize, inputs: usize) -> Weight {
        Weight {
            values: uniform(seed, outputs * inputs),
            outputs,
        }
    }

    #[test]
    fn weights_as_they_are_drawn_look_untrained() {
        let layers = [layer(1, 16, 9), layer(2, 32, 144), layer(3, 64, 288)];
        assert!(looks_untrained(&layers));
        // The sum of twelve uniform numbers is nearly normal.
        let normal = |seed: u64| {
            let drawn: Vec<Vec<f32>> = (0..12).map(|nth| uniform(12 * seed + nth, 9000)).collect();
            let sum = |at: usize| drawn.iter().map(|values| values[at]).sum();
            Weight {
                values: (0..9000).map(sum).collect(),
                outputs: 60,
            }
        };
        assert!(looks_untrained(&[normal(1), normal(2)]));
        // Too few to tell.
        assert!(!looks_untrained(&[layer(1, 16, 9)]));
        assert!(!looks_untrained(&[]));
    }

    #[test]
    fn a_few_large_weights_or_unequal_outputs_are_of_training() {
        let mut heavy = layer(2, 32, 144);
        for value in heavy.values.iter_mut().step_by(50) {
            *value *= 6.0;
        }
        assert!(!looks_untrained(&[layer(1, 64, 288), heavy]));
        let mut unequal = layer(2, 32, 144);
        for (nth, output) in unequal.values.chunks_mut(144).enumerate() {
            output
                .iter_mut()
                .for_each(|value| *value *= 1.0 + 0.02 * nth as f32);
        }
        assert!(!looks_untrained(&[layer(1, 64, 288), unequal]));
        let constant = Weight {
            values: vec![0.0; 5000],
            outputs: 50,
        };
        assert!(!looks_untrained(&[constant]));
    }
}
