//! Fields of the structures that kernels are given.

use super::literal::short_list;
use crate::fixed_point::Multiplier;
use crate::ops::{Broadcast, Image, Window};

/// A size.
pub(super) fn image(image: Image) -> String {
    short_list(&[image.height, image.width, image.channels])
}

/// Sizes of an input and an output.
pub(super) fn images(input: Image, output: Image) -> String {
    format!(
        "    .input = {},\n    .output = {},\n",
        image(input),
        image(output)
    )
}

/// The same with a window.
pub(super) fn windowed(input: Image, output: Image, window: &Window) -> String {
    let [kernel, stride, dilation, before] =
        [window.kernel, window.stride, window.dilation, window.before]
            .map(|pair| short_list(&pair));
    images(input, output)
        + &format!("    .window = {{{kernel}, {stride}, {dilation}, {before}}},\n")
}

/// Sizes and weights of a product.
pub(super) fn product([rows, inputs, outputs]: [usize; 3], weights: &str) -> String {
    format!(
        "    .rows = {rows},\n    .inputs = {inputs},\n    .outputs = {outputs},\n    .weights = {weights},\n"
    )
}

/// A factor.
pub(super) fn multiplier(multiplier: Multiplier) -> String {
    short_list(&[multiplier.mantissa, multiplier.shift])
}

/// Which elements meet.
pub(super) fn broadcast(broadcast: &Broadcast) -> String {
    let [first, second] = broadcast.strides.map(|strides| short_list(&strides));
    format!(
        "    .broadcast = {{{}, {{{first}, {second}}}}},\n",
        short_list(&broadcast.dims)
    )
}

/// How two operands become a result.
pub(super) fn combined(
    input_zero_points: [i8; 2],
    factor: Multiplier,
    (output_zero_point, limits): (i8, [i8; 2]),
) -> String {
    format!(
        "    .input_zero_points = {},\n    .multiplier = {},\n    .output_zero_point = {output_zero_point},\n    .least = \
         {},\n    .most = {},\n",
        short_list(&input_zero_points),
        multiplier(factor),
        limits[0],
        limits[1]
    )
}
