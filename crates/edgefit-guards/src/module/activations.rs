//! Figures of what a module computes on a probe batch.

use burn::tensor::Tensor;

use crate::ef04_logits;
use crate::ef05_activations::{Channels, Kind, Layer, Units};

/// Figures of the activations of a layer for [`ef05_activations`](crate::ef05_activations).
pub fn layer<const D: usize>(
    name: &str,
    kind: Kind,
    channels: Channels,
    activations: Tensor<D>,
) -> Layer {
    let mut units = Units::new(kind, channels);
    let dims = activations.dims();
    let values: Vec<f32> = activations.into_data().iter::<f32>().collect();
    units.count(&dims, &values);
    units.layer(name, None)
}

/// Figures of the outputs that a model gives its loss, (batch, classes), for [`ef04_logits`].
pub fn outputs(outputs: Tensor<2>) -> ef04_logits::Evidence {
    let [rows, _] = outputs.dims();
    let values: Vec<f64> = outputs.into_data().iter::<f64>().collect();
    ef04_logits::Evidence::of_outputs(&values, rows)
}
