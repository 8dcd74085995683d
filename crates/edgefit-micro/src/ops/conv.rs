//! Convolutions: `reference_integer_ops::ConvPerChannel` and `DepthwiseConvPerChannel`.

use super::layer::Layer;
use super::window::{Image, Window};

/// A convolution, in groups or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// What is read.
    pub input: Image,
    /// What is written.
    pub output: Image,
    /// The window.
    pub window: Window,
    /// Number of channel groups.
    pub groups: usize,
    /// Weights: (output channels, height, width, input channels of a group).
    pub weights: Vec<i8>,
    /// How sums become bytes.
    pub layer: Layer,
}

/// A convolution of each channel for itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Depthwise {
    /// What is read.
    pub input: Image,
    /// What is written; its channels are a multiple of those that are read.
    pub output: Image,
    /// The window.
    pub window: Window,
    /// Weights: (height, width, output channels).
    pub weights: Vec<i8>,
    /// How sums become bytes.
    pub layer: Layer,
}

impl Conv {
    /// Whether it multiplies each position by a matrix and looks at no other.
    pub fn is_pointwise(&self) -> bool {
        let Window {
            kernel,
            stride,
            before,
            ..
        } = self.window;
        let each = [self.input, self.output].map(|image| (image.height, image.width));
        let one_to_one = each[0] == each[1] && stride == [1, 1] && before == [0, 0];
        kernel == [1, 1] && one_to_one && self.groups == 1
    }

    pub(super) fn run(&self, input: &[i8], output: &mut [i8]) {
        let Conv { window, groups, .. } = self;
        let zero = i32::from(self.layer.input_zero_point);
        let group_inputs = self.input.channels / groups;
        let group_outputs = self.output.channels / groups;
        let [kernel_height, kernel_width] = window.kernel;
        let mut results = output.iter_mut();
        for y in 0..self.output.height {
            let rows = window.inside(0, y, self.input.height);
            for x in 0..self.output.width {
                let columns = window.inside(1, x, self.input.width);
                for channel in 0..self.output.channels {
                    let first = channel / group_outputs * group_inputs;
                    let mut sum = 0;
                    for (ky, iy) in rows.clone() {
                        for (kx, ix) in columns.clone() {
                            let from = (iy * self.input.width + ix) * self.input.channels + first;
                            let row = (channel * kernel_height + ky) * kernel_width + kx;
                            let weights = &self.weights[row * group_inputs..][..group_inputs];
                            sum += product(&input[from..][..group_inputs], weights, zero);
                        }
                    }
                    if let Some(result) = results.next() {
                        *result = self.layer.finish(channel, sum);
                    }
                }
            }
        }
    }
}

/// Sum of the products of weights and inputs above their zero point.
pub(super) fn product(inputs: &[i8], weights: &[i8], zero: i32) -> i32 {
    let products = inputs
        .iter()
        .zip(weights)
        .map(|(&input, &weight)| (i32::from(input) - zero) * i32::from(weight));
    products.sum()
}

impl Depthwise {
    pub(super) fn run(&self, input: &[i8], output: &mut [i8]) {
        let window = &self.window;
        let zero = i32::from(self.layer.input_zero_point);
        let [channels, outputs] = [self.input.channels, self.output.channels];
        let copies = outputs / channels;
        let mut sums = vec![0; outputs];
        let mut results = output.chunks_exact_mut(outputs);
        for y in 0..self.output.height {
            let rows = window.inside(0, y, self.input.height);
            for x in 0..self.output.width {
                sums.fill(0);
                for (ky, iy) in rows.clone() {
                    for (kx, ix) in window.inside(1, x, self.input.width) {
                        let pixel = &input[(iy * self.input.width + ix) * channels..][..channels];
                        let tap = ky * window.kernel[1] + kx;
                        let weights = &self.weights[tap * outputs..][..outputs];
                        for (channel, sum) in sums.iter_mut().enumerate() {
                            let above = i32::from(pixel[channel / copies]) - zero;
                            *sum += above * i32::from(weights[channel]);
                        }
                    }
                }
                if let Some(result) = results.next() {
                    for (channel, byte) in result.iter_mut().enumerate() {
                        *byte = self.layer.finish(channel, sums[channel]);
                    }
                }
            }
        }
    }
}
