//! Resize.

use burn::tensor::{Device, Tensor, TensorData};
use edgefit_graph::ops::{AxisWeights, Resize};

use super::operands::indices;
use crate::value::{Floats, on_rank};

pub(super) fn forward(resize: &Resize, x: Floats, device: &Device) -> Result<Floats, String> {
    let axes = resize.axis_weights(&x.dims())?;
    Ok(on_rank!(x, x => {
        let axes = axes.iter();
        axes.fold(x, |x, axis| along(x, axis, resize.extrapolation, device)).into()
    }))
}

fn along<const D: usize>(
    x: Tensor<D>,
    along: &AxisWeights,
    outside: f32,
    device: &Device,
) -> Tensor<D> {
    let line = |values: Vec<f32>| -> Tensor<D> {
        let mut shape = [1; D];
        shape[along.axis] = values.len();
        Tensor::from_data(TensorData::new(values, shape), device)
    };
    let weighted = along.kernel.iter().map(|(sources, weights)| {
        let picked = x
            .clone()
            .select(along.axis, indices(sources.clone(), device));
        if weights.iter().all(|&weight| weight == 1.0) {
            picked
        } else {
            picked * line(weights.clone())
        }
    });
    let Some(sum) = weighted.reduce(Tensor::add) else {
        return x;
    };
    if along.outside.iter().any(|&is| is) {
        let number = |is: bool| f32::from(u8::from(is));
        let inside = line(along.outside.iter().map(|&is| number(!is)).collect());
        let filled = line(
            along
                .outside
                .iter()
                .map(|&is| number(is) * outside)
                .collect(),
        );
        sum * inside + filled
    } else {
        sum
    }
}
