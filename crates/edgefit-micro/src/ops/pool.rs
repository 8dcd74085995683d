//! Pools: `reference_integer_ops::AveragePool` and `MaxPool`, and `reference_ops::QuantizedMeanOrSum`.

use super::layer::clamp;
use super::window::{Image, Window};
use crate::fixed_point::Multiplier;

/// The mean of each window; padding does not count. Scale and zero point stay.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct AveragePool {
    pub input: Image,
    pub output: Image,
    pub window: Window,
}

/// The largest element of each window; padding does not count. Scale and zero point stay.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct MaxPool {
    pub input: Image,
    pub output: Image,
    pub window: Window,
}

/// The mean of each channel over all positions.
#[derive(Debug, Clone, PartialEq)]
pub struct Mean {
    /// Number of positions.
    pub positions: usize,
    /// Number of channels.
    pub channels: usize,
    /// Zero point of the input.
    pub input_zero_point: i8,
    /// Zero point of the output.
    pub output_zero_point: i8,
    /// Input scale / (output scale · number of positions).
    pub multiplier: Multiplier,
}

/// `sum / count`, halves away from zero.
fn mean(sum: i32, count: i32) -> i32 {
    let half = if sum > 0 { count / 2 } else { -(count / 2) };
    (sum + half) / count
}

/// Each window as the elements in it, channel by channel.
fn windows(
    (image, output, window): (&Image, &Image, &Window),
    bytes: &[i8],
    results: &mut [i8],
    combine: impl Fn(&mut dyn Iterator<Item = i8>) -> i8,
) {
    let mut results = results.iter_mut();
    for y in 0..output.height {
        for x in 0..output.width {
            for channel in 0..output.channels {
                let rows = window.inside(0, y, image.height);
                let mut elements = rows.flat_map(|(_, iy)| {
                    let columns = window.inside(1, x, image.width);
                    columns.map(move |(_, ix)| {
                        bytes[(iy * image.width + ix) * image.channels + channel]
                    })
                });
                if let Some(result) = results.next() {
                    *result = combine(&mut elements);
                }
            }
        }
    }
}

impl AveragePool {
    pub(super) fn run(&self, input: &[i8], output: &mut [i8]) {
        let shape = (&self.input, &self.output, &self.window);
        windows(shape, input, output, |elements| {
            let (mut sum, mut count) = (0, 0);
            for element in elements {
                sum += i32::from(element);
                count += 1;
            }
            mean(sum, count.max(1)) as i8
        });
    }
}

impl MaxPool {
    pub(super) fn run(&self, input: &[i8], output: &mut [i8]) {
        let shape = (&self.input, &self.output, &self.window);
        windows(shape, input, output, |elements| {
            elements.max().unwrap_or(i8::MIN)
        });
    }
}

impl Mean {
    pub(super) fn run(&self, input: &[i8], output: &mut [i8]) {
        let zero = i32::from(self.input_zero_point);
        for (channel, result) in output.iter_mut().enumerate() {
            let own = input.iter().skip(channel).step_by(self.channels);
            let sum: i32 = own.map(|&byte| i32::from(byte) - zero).sum();
            let scaled = self.multiplier.apply(sum);
            *result = clamp(scaled, self.output_zero_point, [i8::MIN, i8::MAX]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        assert_eq!([5, -5, 4, -4].map(|sum| mean(sum, 2)), [3, -3, 2, -2]);
        assert_eq!([4, -4, 5, -5].map(|sum| mean(sum, 3)), [1, -1, 2, -2]);
    }

    #[test]
    fn padding_does_not_count() {
        let image = |height, width| Image {
            height,
            width,
            channels: 1,
        };
        let window = Window {
            kernel: [3, 3],
            stride: [2, 2],
            dilation: [1, 1],
            before: [1, 1],
        };
        let input = [-10, -20, -30, -40];
        let mut output = [0];
        let pool = AveragePool {
            input: image(2, 2),
            output: image(1, 1),
            window,
        };
        pool.run(&input, &mut output);
        assert_eq!(output, [-25]);
        let pool = MaxPool {
            input: image(2, 2),
            output: image(1, 1),
            window,
        };
        pool.run(&input, &mut output);
        assert_eq!(output, [-10]);
    }
}
