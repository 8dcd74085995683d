//! Padding and limits in the words of LiteRT.

use super::schema::Activation;
use crate::ops::{Image, Window};
use crate::program::Quantization;

/// Where a window reads outside of its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// As many positions as stride goes into the size, the padding shared, the odd one behind.
    Same,
    /// Nowhere.
    Valid,
    /// Before and after, along the height, then along the width.
    Explicit([[usize; 2]; 2]),
}

impl Padding {
    /// That of a window that goes over `input` and has the positions of `output`.
    pub fn of(input: Image, output: Image, window: &Window) -> Self {
        let axes = [
            (input.height, output.height, 0),
            (input.width, output.width, 1),
        ];
        let amounts = axes.map(|(size, positions, axis)| {
            let reach = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
            let end = (positions - 1) * window.stride[axis] + reach;
            let before = window.before[axis];
            [before, end.saturating_sub(size + before)]
        });
        let is_same = axes
            .iter()
            .zip(amounts)
            .all(|((size, positions, axis), [before, _])| {
                let reach = (window.kernel[*axis] - 1) * window.dilation[*axis] + 1;
                let end = (positions - 1) * window.stride[*axis] + reach;
                *positions == size.div_ceil(window.stride[*axis])
                    && before == end.saturating_sub(*size) / 2
            });
        match amounts {
            [[0, 0], [0, 0]] => Padding::Valid,
            _ if is_same => Padding::Same,
            amounts => Padding::Explicit(amounts),
        }
    }
}

/// How limits of a result are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limits {
    /// By the op itself.
    Fused(Activation),
    /// By ops behind it: smallest and largest integer.
    Behind([i8; 2]),
}

impl Limits {
    /// Those of `limits`, on integers of `quantization`: `CalculateActivationRangeQuantized` the other way.
    pub fn of(limits: [i8; 2], quantization: Quantization) -> Self {
        let byte = |value: f32| {
            let steps = (value / quantization.scale).round();
            (f64::from(steps) + f64::from(quantization.zero_point)) as i8
        };
        let known = [
            (Activation::None, [i8::MIN, i8::MAX]),
            (Activation::Relu, [byte(0.0), i8::MAX]),
            (Activation::Relu6, [byte(0.0), byte(6.0)]),
            (Activation::ReluN1To1, [byte(-1.0), byte(1.0)]),
        ];
        let found = known.iter().find(|(_, made)| *made == limits);
        found.map_or(Limits::Behind(limits), |(activation, _)| {
            Limits::Fused(*activation)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_same_only_where_it_is_shared_as_there() {
        let image = |height, width| Image {
            height,
            width,
            channels: 1,
        };
        let window = |stride: usize, before: usize| Window {
            kernel: [3, 3],
            stride: [stride, stride],
            dilation: [1, 1],
            before: [before, before],
        };
        let of = |size, positions, stride, before| {
            Padding::of(
                image(size, size),
                image(positions, positions),
                &window(stride, before),
            )
        };
        assert_eq!(of(8, 8, 1, 1), Padding::Same);
        assert_eq!(of(8, 6, 1, 0), Padding::Valid);
        // TensorFlow pads one behind; PyTorch one before.
        assert_eq!(of(8, 4, 2, 0), Padding::Same);
        assert_eq!(of(8, 4, 2, 1), Padding::Explicit([[1, 0], [1, 0]]));
        assert_eq!(of(9, 5, 2, 1), Padding::Same);
        // The last row is not read.
        assert_eq!(of(8, 3, 2, 0), Padding::Valid);
    }

    #[test]
    fn limits_are_those_of_an_activation_or_stand_behind() {
        let quantization = Quantization {
            scale: 0.05,
            zero_point: -100,
        };
        let of = |limits| Limits::of(limits, quantization);
        assert_eq!(of([-128, 127]), Limits::Fused(Activation::None));
        assert_eq!(of([-100, 127]), Limits::Fused(Activation::Relu));
        assert_eq!(of([-100, 20]), Limits::Fused(Activation::Relu6));
        assert_eq!(of([-100, 19]), Limits::Behind([-100, 19]));
    }
}
