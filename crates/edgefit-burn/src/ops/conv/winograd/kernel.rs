//! The transform of kernels, and what it is backwards: G · g · Gᵀ.

use std::marker::PhantomData;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::super::float::Float;
use super::form::{Form, LANES, Lane, along_both};
use super::plan::{GAP, pitch};

/// Elements of a kernel.
const ELEMENTS: usize = 9;

/// Kernels that a thread takes at once.
const CHUNK: usize = 1 << 10;

/// Kernels of 3×3 elements as (places, kernels).
pub(super) fn from_kernels<T: Float, F: Form<N, M>, const N: usize, const M: usize>(
    weight: &[T],
) -> Vec<T> {
    let count = weight.len() / ELEMENTS;
    let mut made = vec![T::default(); N * N * pitch(count)];
    let arch = Arch::new();
    let mut chunks: Vec<Vec<&mut [T]>> = Vec::new();
    chunks.resize_with(count.div_ceil(CHUNK), || Vec::with_capacity(N * N));
    for place in made.chunks_exact_mut(pitch(count)) {
        let pieces = place[..count].chunks_mut(CHUNK);
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
            arch.dispatch(FromKernels::<T, F, N, M> {
                kernels,
                places: &mut places,
                form: PhantomData,
            });
        });
    made
}

/// The gradient of kernels from that of (places, kernels).
pub(super) fn kernel_gradient<T: Float, F: Form<N, M>, const N: usize, const M: usize>(
    gradient: &[T],
) -> Vec<T> {
    let count = gradient.len() / (N * N) - GAP;
    let mut made = vec![T::default(); ELEMENTS * count];
    let arch = Arch::new();
    let kernels = made.par_chunks_mut(CHUNK * ELEMENTS).enumerate();
    kernels.for_each(|(chunk, kernels)| {
        arch.dispatch(KernelGradient::<T, F, N, M> {
            gradient,
            count,
            first: chunk * CHUNK,
            kernels,
            form: PhantomData,
        });
    });
    made
}

struct FromKernels<'a, 'b, T, F, const N: usize, const M: usize> {
    kernels: &'a [T],
    places: &'a mut [&'b mut [T]],
    form: PhantomData<F>,
}

impl<T: Float, F: Form<N, M>, const N: usize, const M: usize> WithSimd
    for FromKernels<'_, '_, T, F, N, M>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (index, kernels) in self.kernels.chunks(LANES * ELEMENTS).enumerate() {
            let mut read = [[Lane::zero(); 3]; 3];
            for (lane, kernel) in kernels.chunks_exact(ELEMENTS).enumerate() {
                for (row, values) in read.iter_mut().zip(kernel.chunks_exact(3)) {
                    for (read, value) in row.iter_mut().zip(values) {
                        read.0[lane] = *value;
                    }
                }
            }
            let made = along_both(F::kernel, &read);
            for (value, place) in made.as_flattened().iter().zip(self.places.iter_mut()) {
                value.write(place, index * LANES);
            }
        }
    }
}

struct KernelGradient<'a, T, F, const N: usize, const M: usize> {
    gradient: &'a [T],
    /// Kernels that there are.
    count: usize,
    /// The first that is made.
    first: usize,
    kernels: &'a mut [T],
    form: PhantomData<F>,
}

impl<T: Float, F: Form<N, M>, const N: usize, const M: usize> WithSimd
    for KernelGradient<'_, T, F, N, M>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (index, kernels) in self.kernels.chunks_mut(LANES * ELEMENTS).enumerate() {
            let mut read = [[Lane::zero(); N]; N];
            let places = self.gradient.chunks_exact(pitch(self.count));
            for (read, place) in read.as_flattened_mut().iter_mut().zip(places) {
                *read = Lane::read(&place[..self.count], self.first + index * LANES);
            }
            let made = along_both(F::kernel_backward, &read);
            for (at, value) in made.as_flattened().iter().enumerate() {
                for (kernel, value) in kernels.chunks_exact_mut(ELEMENTS).zip(value.0) {
                    kernel[at] = value;
                }
            }
        }
    }
}
