//! Convolution of images by 1×1 kernels, and its gradients: matrix products.

use std::mem::MaybeUninit;

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::tensor::Shape;
use rayon::prelude::*;

use super::super::elements::{tensor, with_elements};
use super::float::{Float, vec_written_by};
use super::matrix_product::{Matrix, Threads, multiply};

/// Images of the dimensions (samples, inputs, height, width), which become (samples, outputs, height,
/// width).
#[derive(Debug, Clone, Copy)]
struct Pointwise {
    samples: usize,
    inputs: usize,
    outputs: usize,
    /// Of an image.
    pixels: usize,
}

/// Whether the weight is larger than an image: then the images are laid side by side for a single
/// product. In one product a sample, the weight would be packed anew for each.
pub(crate) fn is_single_product(inputs: usize, outputs: usize, pixels: usize) -> bool {
    pixels * (inputs + outputs) < inputs * outputs
}

impl Pointwise {
    /// Of `x` or its gradient, and the weight (outputs, inputs, 1, 1).
    fn new(x: &Shape, weight: &Shape) -> Self {
        let [samples, inputs, height, width] = x.dims();
        Pointwise {
            samples,
            inputs,
            outputs: weight[0],
            pixels: height * width,
        }
    }

    fn is_single(&self) -> bool {
        is_single_product(self.inputs, self.outputs, self.pixels)
    }

    /// The weight times each pixel of `x`.
    fn forward<T: Float>(&self, x: &[T], weight: &[T]) -> Vec<T> {
        let weight = Matrix::new(weight, self.outputs, self.inputs);
        if self.is_single() {
            self.single(weight, &self.side_by_side(x))
        } else {
            self.each(weight, x)
        }
    }

    /// The gradients of `x` and of the weight from that of the result, as far as they are `asked` for.
    fn backward<T: Float>(
        &self,
        [x, gradient, weight]: [&[T]; 3],
        asked: [bool; 2],
    ) -> [Option<Vec<T>>; 2] {
        let weight = Matrix::new(weight, self.outputs, self.inputs).transposed();
        let columns = self.samples * self.pixels;
        let single = self.is_single();
        let of_x = (asked[0] && !single).then(|| self.each(weight, gradient));
        if !single && !asked[1] {
            return [of_x, None];
        }
        let gradient = self.side_by_side(gradient);
        let of_x = if asked[0] && single {
            Some(self.single(weight, &gradient))
        } else {
            of_x
        };
        let of_weight = asked[1].then(|| {
            let gradient = Matrix::new(&gradient, self.outputs, columns);
            let x = self.side_by_side(x);
            multiplied(gradient, Matrix::new(&x, self.inputs, columns).transposed())
        });
        [of_x, of_weight]
    }

    /// `weight` times images that lie side by side, as images one after the other.
    fn single<T: Float>(&self, weight: Matrix<T>, x: &[T]) -> Vec<T> {
        let columns = self.samples * self.pixels;
        let y = multiplied(weight, Matrix::new(x, weight.columns(), columns));
        match self.samples {
            1 => y,
            _ => swapped(&y, [weight.rows(), self.samples, self.pixels]),
        }
    }

    /// `weight` times image after image.
    fn each<T: Float>(&self, weight: Matrix<T>, x: &[T]) -> Vec<T> {
        let threads = if self.samples < rayon::current_num_threads() {
            Threads::All
        } else {
            Threads::One
        };
        let (from, to) = (weight.columns() * self.pixels, weight.rows() * self.pixels);
        assert_eq!(x.len(), self.samples * from);
        let write = |y: &mut [MaybeUninit<T>]| {
            let images = x.par_chunks_exact(from);
            let images = y.par_chunks_exact_mut(to).zip(images);
            images.for_each(|(y, x)| {
                multiply(
                    weight,
                    Matrix::new(x, weight.columns(), self.pixels),
                    y,
                    threads,
                );
            });
        };
        // SAFETY: there is an image for every image of the result, and a product writes all of it.
        unsafe { vec_written_by(self.samples * to, write) }
    }

    /// (channels, samples · pixels) of images one after the other.
    fn side_by_side<'x, T: Float>(&self, x: &'x [T]) -> std::borrow::Cow<'x, [T]> {
        let channels = x.len() / (self.samples * self.pixels);
        match self.samples {
            1 => x.into(),
            _ => swapped(x, [self.samples, channels, self.pixels]).into(),
        }
    }
}

fn multiplied<T: Float>(a: Matrix<T>, b: Matrix<T>) -> Vec<T> {
    // SAFETY: a product writes all of it.
    unsafe { vec_written_by(a.rows() * b.columns(), |y| multiply(a, b, y, Threads::All)) }
}

/// (inner, outer, length) of (outer, inner, length).
fn swapped<T: Float>(x: &[T], [outer, inner, length]: [usize; 3]) -> Vec<T> {
    assert_eq!(x.len(), outer * inner * length);
    let write = |swapped: &mut [MaybeUninit<T>]| {
        let blocks = swapped.par_chunks_exact_mut(outer * length).enumerate();
        blocks.for_each(|(index, to)| {
            let from = x[index * length..].chunks(inner * length);
            for (to, from) in to.chunks_exact_mut(length).zip(from) {
                to.write_copy_of_slice(&from[..length]);
            }
        });
    };
    // SAFETY: there are `inner` blocks of `outer` pieces each, and as many pieces in `x`.
    unsafe { vec_written_by(x.len(), write) }
}

pub(super) fn forward(x: FloatTensor<Flex>, weight: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let shape = x.layout().shape();
    let of = Pointwise::new(shape, weight.layout().shape());
    let shape = Shape::new([of.samples, of.outputs, shape[2], shape[3]]);
    with_elements!(x, weight, |x, weight| tensor(of.forward(x, weight), shape))
}

/// The gradients of `x` and of the weight, as far as they are `asked` for.
pub(super) fn backward(
    x: FloatTensor<Flex>,
    gradient: FloatTensor<Flex>,
    weight: FloatTensor<Flex>,
    asked: [bool; 2],
) -> [Option<FloatTensor<Flex>>; 2] {
    let shapes = [&x, &weight].map(|of| of.layout().shape().clone());
    let of = Pointwise::new(&shapes[0], &shapes[1]);
    with_elements!(x, gradient, weight, |x, gradient, weight| {
        let [of_x, of_weight] = of.backward([x, gradient, weight], asked);
        let [x, weight] = shapes;
        [
            of_x.map(|made| tensor(made, x)),
            of_weight.map(|made| tensor(made, weight)),
        ]
    })
}
