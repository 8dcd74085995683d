//! The transform of kernels of F(2×2, 3×3), and what it is backwards: G · g · Gᵀ with the rows (1, 0, 0),
//! (½, ½, ½), (½, −½, ½) and (0, 0, 1) of G.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::super::float::Float;
use super::PLACES;

/// Elements of a kernel.
const ELEMENTS: usize = 9;

/// Kernels that are transformed side by side.
const LANES: usize = 8;

/// Kernels that a thread takes at once.
const CHUNK: usize = 1 << 10;

/// One number of each kernel.
type Lane<T> = [T; LANES];

/// Kernels of 3×3 elements as (places, kernels).
pub(super) fn from_kernels<T: Float>(weight: &[T]) -> Vec<T> {
    let count = weight.len() / ELEMENTS;
    let mut made = vec![T::default(); PLACES * count];
    let arch = Arch::new();
    let mut chunks: Vec<Vec<&mut [T]>> = Vec::new();
    chunks.resize_with(count.div_ceil(CHUNK), || Vec::with_capacity(PLACES));
    for place in made.chunks_exact_mut(count) {
        let pieces = place.chunks_mut(CHUNK);
        chunks
            .iter_mut()
            .zip(pieces)
            .for_each(|(chunk, piece)| chunk.push(piece));
    }
    let kernels = weight.par_chunks(CHUNK * ELEMENTS);
    chunks
        .into_par_iter()
        .zip(kernels)
        .for_each(|(mut places, kernels)| {
            let places = &mut places;
            arch.dispatch(FromKernels { kernels, places });
        });
    made
}

/// The gradient of kernels from that of (places, kernels).
pub(super) fn kernel_gradient<T: Float>(gradient: &[T]) -> Vec<T> {
    let count = gradient.len() / PLACES;
    let mut made = vec![T::default(); ELEMENTS * count];
    let arch = Arch::new();
    let kernels = made.par_chunks_mut(CHUNK * ELEMENTS).enumerate();
    kernels.for_each(|(chunk, kernels)| {
        let first = chunk * CHUNK;
        let length = kernels.len() / ELEMENTS;
        let places = std::array::from_fn(|place| &gradient[place * count + first..][..length]);
        arch.dispatch(KernelGradient { places, kernels });
    });
    made
}

struct FromKernels<'a, 'b, T> {
    kernels: &'a [T],
    places: &'a mut [&'b mut [T]],
}

impl<T: Float> WithSimd for FromKernels<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (index, kernels) in self.kernels.chunks(LANES * ELEMENTS).enumerate() {
            let mut read = [[T::default(); LANES]; ELEMENTS];
            for (lane, kernel) in kernels.chunks_exact(ELEMENTS).enumerate() {
                for (read, value) in read.iter_mut().zip(kernel) {
                    read[lane] = *value;
                }
            }
            let [a, b, c, d, e, f, g, h, i] = read;
            let columns = [wider([a, d, g]), wider([b, e, h]), wider([c, f, i])];
            let [a, b, c] = columns;
            for (down, ((a, b), c)) in a.into_iter().zip(b).zip(c).enumerate() {
                let row = wider([a, b, c]);
                for (right, value) in row.iter().enumerate() {
                    let to = &mut self.places[4 * down + right][index * LANES..];
                    let length = to.len().min(LANES);
                    to[..length].copy_from_slice(&value[..length]);
                }
            }
        }
    }
}

/// G times three numbers of each kernel.
#[inline(always)]
fn wider<T: Float>([a, b, c]: [Lane<T>; 3]) -> [Lane<T>; 4] {
    let mut made = [a, a, a, c];
    for lane in 0..LANES {
        let (half, middle) = (T::of(0.5) * (a[lane] + c[lane]), T::of(0.5) * b[lane]);
        made[1][lane] = half + middle;
        made[2][lane] = half - middle;
    }
    made
}

struct KernelGradient<'a, T> {
    places: [&'a [T]; PLACES],
    kernels: &'a mut [T],
}

impl<T: Float> WithSimd for KernelGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (index, kernels) in self.kernels.chunks_mut(LANES * ELEMENTS).enumerate() {
            let mut read = [[T::default(); LANES]; PLACES];
            for (read, place) in read.iter_mut().zip(self.places) {
                let from = &place[index * LANES..];
                let length = from.len().min(LANES);
                read[..length].copy_from_slice(&from[..length]);
            }
            let column = |right: usize| {
                narrower([
                    read[right],
                    read[4 + right],
                    read[8 + right],
                    read[12 + right],
                ])
            };
            let columns = [column(0), column(1), column(2), column(3)];
            for down in 0..3 {
                let row = narrower(columns.map(|column| column[down]));
                for (right, value) in row.iter().enumerate() {
                    for (kernel, value) in kernels.chunks_exact_mut(ELEMENTS).zip(value) {
                        kernel[3 * down + right] = *value;
                    }
                }
            }
        }
    }
}

/// Gᵀ times four numbers of each kernel.
#[inline(always)]
fn narrower<T: Float>([a, b, c, d]: [Lane<T>; 4]) -> [Lane<T>; 3] {
    let mut made = [a, b, d];
    for lane in 0..LANES {
        let half = T::of(0.5) * (b[lane] + c[lane]);
        made[0][lane] += half;
        made[1][lane] = T::of(0.5) * (b[lane] - c[lane]);
        made[2][lane] += half;
    }
    made
}
