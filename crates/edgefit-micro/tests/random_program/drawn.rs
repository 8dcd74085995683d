//! The numbers that ops of a random program are made of.

use edgefit_micro::ops::{Image, Layer, Op, Window};
use edgefit_micro::{Multiplier, Signature, Source, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A program that is drawn op by op.
pub struct Drawn<'r> {
    /// What it is drawn by.
    pub random: &'r mut ChaCha8Rng,
    /// Its values, the input first.
    pub images: Vec<Image>,
    /// Its ops.
    pub steps: Vec<Step>,
}

impl Drawn<'_> {
    pub fn bytes(&mut self, count: usize) -> Vec<i8> {
        (0..count).map(|_| self.random.random()).collect()
    }

    /// Often at one end.
    pub fn zero_point(&mut self) -> i8 {
        match self.random.random_range(0..4) {
            0 => -128,
            1 => 127,
            _ => self.random.random(),
        }
    }

    pub fn limits(&mut self) -> [i8; 2] {
        if self.random.random() {
            return [-128, 127];
        }
        let (a, b): (i8, i8) = (self.random.random(), self.random.random());
        [a.min(b), a.max(b)]
    }

    /// A factor around one that brings sums of about `size` to bytes.
    pub fn factor(&mut self, size: f64) -> Multiplier {
        let exponent = self.random.random_range(-3.0..3.0);
        Multiplier::of(2f64.powf(exponent) * 60.0 / size)
    }

    pub fn layer(&mut self, outputs: usize, products: usize) -> Layer {
        // Now and then as large as the bias may be at most.
        let most = i32::MAX - 255 * 128 * products as i32;
        let (bias, size) = match self.random.random_range(0..6) {
            0 => (most, f64::from(most)),
            _ => (9999, 4000.0 * (products as f64).sqrt()),
        };
        Layer {
            input_zero_point: self.zero_point(),
            output_zero_point: self.zero_point(),
            bias: (0..outputs)
                .map(|_| self.random.random_range(-bias..bias))
                .collect(),
            multipliers: (0..outputs).map(|_| self.factor(size)).collect(),
            limits: self.limits(),
        }
    }

    /// A window that has at least one position along each axis, and how many.
    pub fn window(&mut self, image: Image) -> (Window, [usize; 2]) {
        let mut window = Window {
            kernel: [1; 2],
            stride: [1; 2],
            dilation: [1; 2],
            before: [0; 2],
        };
        let mut positions = [1; 2];
        for (axis, size) in [image.height, image.width].into_iter().enumerate() {
            let kernel = self.random.random_range(1..5);
            let dilation = self.random.random_range(1..3);
            let reach = (kernel - 1) * dilation + 1;
            let before = self.random.random_range(0..=kernel);
            let after = self.random.random_range(0..=kernel);
            if size + before + after < reach {
                continue;
            }
            let stride = self.random.random_range(1..4);
            window.kernel[axis] = kernel;
            window.stride[axis] = stride;
            window.dilation[axis] = dilation;
            window.before[axis] = before;
            positions[axis] = (size + before + after - reach) / stride + 1;
        }
        (window, positions)
    }

    pub fn push(&mut self, op: Op, inputs: Vec<Source>, image: Image) {
        self.images.push(image);
        self.steps.push(Step {
            node: String::new(),
            op,
            inputs,
            output: self.images.len() - 1,
            signature: Signature::default(),
        });
    }
}
