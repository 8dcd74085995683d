use burn::tensor::Tensor;

use crate::ef04_logits;
use crate::ef05_activations::{INACTIVE, Kind, LIMIT, Layer};

/// Share of a unit's activations that decides about it: the 99th percentile.
const PERCENTILE: f64 = 0.99;

/// Figures of the activations of a layer, (batch, channels, …), for
/// [`ef05_activations`](crate::ef05_activations). A unit is a channel, over all positions and
/// samples; a tensor of rank 1 is one unit.
pub fn layer<const D: usize>(name: &str, kind: Kind, activations: Tensor<D>) -> Layer {
    let dims = activations.dims();
    let units = dims.get(1).copied().unwrap_or(1);
    let positions: usize = dims.iter().skip(2).product();
    let mut inactive = vec![0usize; units];
    let mut saturated = vec![0usize; units];
    let data = activations.into_data();
    for (index, value) in data.iter::<f64>().enumerate() {
        let unit = index / positions.max(1) % units.max(1);
        inactive[unit] += usize::from(value.abs() < INACTIVE);
        saturated[unit] += usize::from(is_saturated(kind, value));
    }
    let elements = dims.iter().product::<usize>() / units.max(1);
    let share = |counts: &[usize]| {
        let most = |&&count: &&usize| count as f64 >= PERCENTILE * elements as f64;
        counts.iter().filter(most).count() as f64 / units.max(1) as f64
    };
    Layer {
        name: name.into(),
        kind,
        units,
        inactive: share(&inactive),
        saturated: share(&saturated),
    }
}

fn is_saturated(kind: Kind, value: f64) -> bool {
    match kind {
        Kind::Sigmoid => !(LIMIT..=1.0 - LIMIT).contains(&value),
        Kind::Tanh => value.abs() > 1.0 - 2.0 * LIMIT,
        Kind::Rectifier | Kind::Other => false,
    }
}

/// Figures of what a model gives its loss, (batch, classes), for [`ef04_logits`].
pub fn outputs(outputs: Tensor<2>) -> ef04_logits::Evidence {
    let [rows, classes] = outputs.dims();
    let values: Vec<f64> = outputs.into_data().iter::<f64>().collect();
    let apart = |row: &[f64]| (row.iter().sum::<f64>() - 1.0).abs();
    ef04_logits::Evidence {
        rows,
        classes,
        smallest: values.iter().copied().fold(f64::INFINITY, f64::min),
        farthest_sum: values.chunks(classes.max(1)).map(apart).fold(0.0, f64::max),
        cut: None,
    }
}
