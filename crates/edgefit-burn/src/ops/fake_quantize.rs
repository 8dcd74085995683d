//! Rounding to integers and back with learned scales (LSQ, Esser et al. 2020, arXiv 1902.08153): one pass
//! forward and one backward, on all cores.
//!
//! As ops of burn it is eight passes forward, and keeps the quotient, the integers and two masks.

use std::mem::MaybeUninit;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Tensor};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::elements::{elements, owned, tensor};
use super::float::{Float, vec_written_by};
use crate::backend::runs_kernels;

/// Elements that a thread takes at once.
const CHUNK: usize = 1 << 14;

/// `scale · clamp(round(x / scale), least, most)`.
///
/// The gradients are those of LSQ: that of x goes straight through the rounding, and stops outside the limits; that
/// of the scale is eq. 3. Nodes that clamp what is rounded already let it through half a step farther.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct FakeQuantize {
    /// The least integer, less the zero point.
    pub least: f64,
    /// The largest integer, less the zero point.
    pub most: f64,
    /// Dimension of x of which each index has a scale of its own; `None` where there is one scale.
    pub axis: Option<usize>,
}

impl FakeQuantize {
    /// Of `x`; `scale` has one element, or one for each index of the axis.
    pub fn forward<const D: usize>(self, x: Tensor<D>, scale: Tensor<1>) -> Tensor<D> {
        if !runs_kernels(&x.device()) {
            return self.composed(x, scale);
        }
        let fake = WithRows {
            least: self.least,
            most: self.most,
            row: self.row(&x.dims()),
        };
        Tensor::from_dispatch(<Dispatch as Rounded>::rounded(
            x.into_dispatch(),
            scale.into_dispatch(),
            fake,
        ))
    }

    /// Neighbouring elements of one scale.
    fn row(self, dims: &[usize]) -> usize {
        match self.axis {
            Some(axis) => dims[axis + 1..].iter().product::<usize>().max(1),
            None => CHUNK,
        }
    }

    /// By ops of burn.
    fn composed<const D: usize>(self, x: Tensor<D>, scale: Tensor<1>) -> Tensor<D> {
        let mut dims = [1; D];
        if let Some(axis) = self.axis {
            dims[axis] = scale.dims()[0];
        }
        let scale = scale.reshape(dims);
        let clamped = (x / scale.clone()).clamp(self.least, self.most);
        let rounding = (clamped.clone().round() - clamped.clone()).detach();
        (clamped + rounding) * scale
    }
}

/// [`FakeQuantize`] of rows of so many elements, which have the scales in turn.
#[derive(Debug, Clone, Copy)]
struct WithRows {
    least: f64,
    most: f64,
    row: usize,
}

#[backend_extension(Flex, Autodiff)]
trait Rounded: Backend {
    fn rounded(x: FloatTensor<Self>, scale: FloatTensor<Self>, fake: WithRows)
    -> FloatTensor<Self>;
}

impl Rounded for Flex {
    fn rounded(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        fake: WithRows,
    ) -> FloatTensor<Self> {
        let (x, scale) = (x.to_contiguous(), scale.to_contiguous());
        match x.dtype() {
            DType::F64 => fake.run::<f64>(&x, &scale),
            _ => fake.run::<f32>(&x, &scale),
        }
    }
}

impl<C: CheckpointStrategy> Rounded for Autodiff<Flex, C> {
    fn rounded(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        fake: WithRows,
    ) -> FloatTensor<Self> {
        let prepared = fake.prepare::<C>([x.node(), scale.node()]).compute_bound();
        let [x, scale] = [x, scale].map(|operand| operand.into_primitive().to_contiguous());
        let y = Flex::rounded(x.clone(), scale.clone(), fake);
        match prepared.stateful() {
            OpsKind::Tracked(prepared) => prepared.finish([x, scale], y),
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }
}

impl Backward<Flex, 2> for WithRows {
    /// x and the scales.
    type State = [FloatTensor<Flex>; 2];

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let [of_x, of_scale] = match gradient.dtype() {
            DType::F64 => self.pull_back::<f64>(gradient, &ops.state),
            _ => self.pull_back::<f32>(gradient, &ops.state),
        };
        let [x, scale] = ops.parents;
        if let Some(node) = x {
            gradients.register::<Flex>(node.id, of_x);
        }
        if let Some(node) = scale {
            gradients.register::<Flex>(node.id, of_scale);
        }
    }
}

impl WithRows {
    /// Rows that a thread takes at once, at least.
    fn rows(self) -> usize {
        CHUNK.div_ceil(self.row)
    }

    fn of<T: Float>(self, scale: T) -> Row<T> {
        Row {
            scale,
            least: T::of(self.least),
            most: T::of(self.most),
        }
    }

    fn run<T: Float>(self, x: &FloatTensor<Flex>, scale: &FloatTensor<Flex>) -> FloatTensor<Flex> {
        let (from, scales) = (elements::<T>(x), elements::<T>(scale));
        // SAFETY: every row is written.
        let y = unsafe {
            vec_written_by(from.len(), |y| {
                let rows = y.par_chunks_mut(self.row).zip(from.par_chunks(self.row));
                let rows = rows.enumerate().with_min_len(self.rows());
                rows.for_each(|(index, (y, x))| {
                    let row = self.of(scales[index % scales.len()]);
                    Arch::new().dispatch(Apply { row, x, y });
                });
            })
        };
        tensor(y, x.layout().shape().clone())
    }

    /// The gradients of x and of the scales. The sum of a scale is over its rows in their order.
    fn pull_back<T: Float>(
        self,
        gradient: FloatTensor<Flex>,
        [x, scale]: &[FloatTensor<Flex>; 2],
    ) -> [FloatTensor<Flex>; 2] {
        let mut gradient = owned::<T>(gradient);
        let (from, scales) = (elements::<T>(x), elements::<T>(scale));
        let rows = gradient.storage_mut::<T>().par_chunks_mut(self.row);
        let rows = rows.zip(from.par_chunks(self.row)).enumerate();
        let sums = rows
            .with_min_len(self.rows())
            .map(|(index, (gradient, x))| {
                let row = self.of(scales[index % scales.len()]);
                Arch::new().dispatch(PullBack { row, gradient, x })
            });
        let sums: Vec<T> = sums.collect();
        let mut of_scales = vec![T::default(); scales.len()];
        for (index, sum) in sums.into_iter().enumerate() {
            of_scales[index % scales.len()] += sum;
        }
        [gradient, tensor(of_scales, scale.layout().shape().clone())]
    }
}

/// Elements of one scale.
#[derive(Clone, Copy)]
struct Row<T> {
    scale: T,
    least: T,
    most: T,
}

/// Sums that run side by side.
const LANES: usize = 16;

impl<T: Float> Row<T> {
    #[inline(always)]
    fn apply(self, x: T) -> T {
        self.clamp((x / self.scale).round()) * self.scale
    }

    /// NaN stays.
    #[inline(always)]
    fn clamp(self, steps: T) -> T {
        let steps = if steps < self.least {
            self.least
        } else {
            steps
        };
        if steps > self.most { self.most } else { steps }
    }

    /// Writes the gradient of `x` over that of its result; gives what it adds to that of the scale.
    #[inline(always)]
    fn pull_back(self, gradient: &mut T, x: T) -> T {
        let scaled = x / self.scale;
        let steps = self.clamp(scaled.round());
        let passes = self.least < scaled && scaled < self.most;
        let of_scale = *gradient * if passes { steps - scaled } else { steps };
        *gradient = if passes { *gradient } else { T::default() };
        of_scale
    }
}

/// Writes the results of a row.
struct Apply<'a, T> {
    row: Row<T>,
    x: &'a [T],
    y: &'a mut [MaybeUninit<T>],
}

impl<T: Float> WithSimd for Apply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (y, x) in self.y.iter_mut().zip(self.x) {
            y.write(self.row.apply(*x));
        }
    }
}

/// Writes the gradients of x over those of the results; gives what the row adds to that of the scale.
struct PullBack<'a, T> {
    row: Row<T>,
    gradient: &'a mut [T],
    x: &'a [T],
}

impl<T: Float> WithSimd for PullBack<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> T {
        let mut sums = [T::default(); LANES];
        let mut gradients = self.gradient.chunks_exact_mut(LANES);
        let mut xs = self.x.chunks_exact(LANES);
        for (gradient, x) in gradients.by_ref().zip(xs.by_ref()) {
            for ((sum, gradient), x) in sums.iter_mut().zip(gradient).zip(x) {
                *sum += self.row.pull_back(gradient, *x);
            }
        }
        let rest = gradients.into_remainder().iter_mut().zip(xs.remainder());
        for (gradient, x) in rest {
            sums[0] += self.row.pull_back(gradient, *x);
        }
        sums.into_iter().sum()
    }
}
