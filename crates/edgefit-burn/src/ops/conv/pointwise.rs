//! Convolution of images by kernels of a single pixel, and its gradients: matrix products.

use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;
use rayon::prelude::*;

use super::depthwise::Number;
use super::kernels::{by_precision, tensor};

/// Images (samples, channels, height, width), their rows one behind the other.
struct Images {
    all: FloatTensor<Flex>,
    samples: usize,
    channels: usize,
    pixels: usize,
    shape: Shape,
}

impl Images {
    fn new(all: FloatTensor<Flex>) -> Self {
        let shape = all.layout().shape().clone();
        let [samples, channels, height, width] = shape.dims();
        Images {
            all: all.to_contiguous(),
            samples,
            channels,
            pixels: height * width,
            shape,
        }
    }

    /// The images side by side: (channels, samples · pixels).
    fn side_by_side(self) -> FloatTensor<Flex> {
        let flat = Shape::new([self.channels, self.samples * self.pixels]);
        if self.samples == 1 {
            return self.all.reshape(flat);
        }
        swap(&self.all, [self.samples, self.channels, self.pixels], flat)
    }

    /// (samples, channels, pixels).
    fn rows(self) -> FloatTensor<Flex> {
        let shape = Shape::new([self.samples, self.channels, self.pixels]);
        self.all.reshape(shape)
    }
}

/// The tensor `x` of the dimensions `dims` with the first two swapped, as `shape`.
fn swap(x: &FloatTensor<Flex>, dims: [usize; 3], shape: Shape) -> FloatTensor<Flex> {
    by_precision!(x, |x| tensor(swapped(x, dims), shape))
}

fn swapped<T: Number>(x: &[T], [outer, inner, length]: [usize; 3]) -> Vec<T> {
    let mut swapped = vec![T::default(); x.len()];
    swapped
        .par_chunks_exact_mut(outer * length)
        .enumerate()
        .for_each(|(index, to)| {
            let from = x[index * length..].chunks(inner * length);
            for (to, from) in to.chunks_exact_mut(length).zip(from) {
                to.copy_from_slice(&from[..length]);
            }
        });
    swapped
}

/// Whether the weight is larger than the images: then these are laid side by side for a single
/// product, where for one a sample the weight would be packed anew for each.
pub(crate) fn is_single_product(inputs: usize, outputs: usize, pixels: usize) -> bool {
    pixels * (inputs + outputs) < inputs * outputs
}

/// `weight` (outputs, inputs) times each pixel of `x`, as images of `shape`.
fn product(weight: FloatTensor<Flex>, x: Images, shape: Shape) -> FloatTensor<Flex> {
    let [outputs, inputs] = weight.layout().shape().dims();
    let (samples, pixels) = (x.samples, x.pixels);
    if is_single_product(inputs, outputs, pixels) {
        let y = Flex::float_matmul(weight, x.side_by_side());
        return match samples {
            1 => y.reshape(shape),
            _ => swap(&y, [outputs, samples, pixels], shape),
        };
    }
    let weight = match weight.is_contiguous() {
        true => weight.reshape(Shape::new([1, outputs, inputs])),
        false => weight
            .transpose(0, 1)
            .reshape(Shape::new([1, inputs, outputs]))
            .transpose(1, 2),
    };
    Flex::float_matmul(weight, x.rows()).reshape(shape)
}

fn matrix(weight: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let [outputs, inputs, _, _] = weight.layout().shape().dims();
    weight.reshape(Shape::new([outputs, inputs]))
}

pub(super) fn forward(x: FloatTensor<Flex>, weight: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let x = Images::new(x);
    let weight = matrix(weight);
    let [samples, _, height, width] = x.shape.dims();
    let shape = Shape::new([samples, weight.layout().shape()[0], height, width]);
    product(weight, x, shape)
}

pub(super) fn input_gradient(
    gradient: FloatTensor<Flex>,
    weight: FloatTensor<Flex>,
) -> FloatTensor<Flex> {
    let gradient = Images::new(gradient);
    let weight = matrix(weight);
    let [samples, _, height, width] = gradient.shape.dims();
    let shape = Shape::new([samples, weight.layout().shape()[1], height, width]);
    product(weight.transpose(0, 1), gradient, shape)
}

pub(super) fn weight_gradient(
    x: FloatTensor<Flex>,
    gradient: FloatTensor<Flex>,
) -> FloatTensor<Flex> {
    let (x, gradient) = (Images::new(x), Images::new(gradient));
    let shape = Shape::new([gradient.channels, x.channels, 1, 1]);
    let x = x.side_by_side().transpose(0, 1);
    Flex::float_matmul(gradient.side_by_side(), x).reshape(shape)
}
