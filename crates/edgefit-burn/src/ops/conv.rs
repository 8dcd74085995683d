use burn::tensor::Tensor;
use burn::tensor::module::{conv1d, conv2d};
use burn::tensor::ops::ConvOptions;
use edgefit_graph::ops::{Conv, Extent};

use super::Operands;
use crate::value::Value;

pub(super) fn forward(conv: &Conv, operands: &mut Operands) -> Result<Value, String> {
    let x = operands.take(0)?;
    let weight = operands.take(1)?;
    let extents = conv.extents(&x.dims(), &weight.dims())?;
    let bias = operands
        .optional(2)
        .map(Tensor::<1>::try_from)
        .transpose()?;
    match *extents.as_slice() {
        [along] => {
            let options = options([along], conv.groups);
            Ok(conv1d(x.try_into()?, weight.try_into()?, bias, options).into())
        }
        [down, along] => {
            let options = options([down, along], conv.groups);
            Ok(conv2d(x.try_into()?, weight.try_into()?, bias, options).into())
        }
        _ => Err("convolutions over three or more dimensions are not supported".into()),
    }
}

fn options<const N: usize>(extents: [Extent; N], groups: usize) -> ConvOptions<N> {
    ConvOptions::new_with_padding(
        extents.map(|extent| extent.stride),
        extents.map(|extent| (extent.before, extent.after)),
        extents.map(|extent| extent.dilation),
        groups,
    )
}
