//! Normalisation of rows (Ba, Kiros & Hinton 2016, arXiv 1607.06450): one pass forward and one backward, on all cores.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Shape, Tensor};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::elements::{elements, owned, tensor};
use super::float::{Float, vec_written_by};
use super::sums::{dot, sum};

/// Groups of rows whose gradients of scale and bias are summed apart, so that the sums do not depend on the number
/// of threads.
const GROUPS: usize = 16;

/// Each row of `x`, less its mean and over its deviation, times `scale` and plus `bias`.
pub(super) fn layer_norm(
    x: Tensor<2>,
    scale: Tensor<1>,
    bias: Option<Tensor<1>>,
    epsilon: f32,
) -> Tensor<2> {
    let bias = bias.unwrap_or_else(|| Tensor::zeros(scale.dims(), &scale.device()));
    Tensor::from_dispatch(<Dispatch as NormalizeRows>::normalize_rows(
        x.into_dispatch(),
        scale.into_dispatch(),
        bias.into_dispatch(),
        epsilon,
    ))
}

#[backend_extension(Flex, Autodiff)]
trait NormalizeRows: Backend {
    fn normalize_rows(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self>;
}

impl NormalizeRows for Flex {
    fn normalize_rows(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self> {
        let operands = [x, scale, bias].map(|operand| operand.to_contiguous());
        normalize(&operands, epsilon).0
    }
}

impl<C: CheckpointStrategy> NormalizeRows for Autodiff<Flex, C> {
    fn normalize_rows(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), scale.node(), bias.node()];
        let prepared = LayerNorm.prepare::<C>(nodes).compute_bound().stateful();
        let operands = [x, scale, bias].map(|operand| operand.into_primitive().to_contiguous());
        let (y, moments) = normalize(&operands, epsilon);
        match prepared {
            OpsKind::Tracked(prepared) => {
                let [x, scale, _] = operands;
                prepared.finish([x, scale, moments], y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }
}

#[derive(Debug)]
struct LayerNorm;

impl Backward<Flex, 3> for LayerNorm {
    /// x, the scale, and mean and 1 / deviation of each row.
    type State = [FloatTensor<Flex>; 3];

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let made = match gradient.dtype() {
            DType::F64 => pulled_back::<f64>(&ops.state, gradient),
            _ => pulled_back::<f32>(&ops.state, gradient),
        };
        for (node, made) in ops.parents.into_iter().zip(made) {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, made);
            }
        }
    }
}

/// The result, and mean and 1 / deviation of each row.
fn normalize(
    operands: &[FloatTensor<Flex>; 3],
    epsilon: f32,
) -> (FloatTensor<Flex>, FloatTensor<Flex>) {
    match operands[0].dtype() {
        DType::F64 => normalized::<f64>(operands, epsilon),
        _ => normalized::<f32>(operands, epsilon),
    }
}

fn normalized<T: Float>(
    operands: &[FloatTensor<Flex>; 3],
    epsilon: f32,
) -> (FloatTensor<Flex>, FloatTensor<Flex>) {
    let shape = operands[0].layout().shape().clone();
    let [rows, width] = shape.dims();
    let [x, scale, bias] = operands.each_ref().map(elements::<T>);
    let mut moments = vec![T::default(); 2 * rows];
    let group = rows.div_ceil(GROUPS);
    let arch = Arch::new();
    // SAFETY: there is a row of `x` for each of the result, and all of it is written.
    let y = unsafe {
        vec_written_by(rows * width, |y| {
            let groups = y.par_chunks_mut(group * width);
            let groups = groups.zip(x.par_chunks(group * width));
            let groups = groups.zip(moments.par_chunks_mut(2 * group));
            groups.for_each(|((y, x), moments)| {
                let rows = y.chunks_exact_mut(width).zip(x.chunks_exact(width));
                for ((y, x), moments) in rows.zip(moments.chunks_exact_mut(2)) {
                    let count = T::of(width as f64);
                    let mean = sum(x) / count;
                    y.write_copy_of_slice(x);
                    // SAFETY: they were written.
                    let y = y.assume_init_mut();
                    let center = Affine {
                        row: y,
                        factor: T::of(1.0),
                        offset: -mean,
                    };
                    arch.dispatch(center);
                    let variance = dot(y, y) / count;
                    let factor = T::of(1.0) / (variance + T::of(f64::from(epsilon))).root();
                    arch.dispatch(Scale {
                        row: y,
                        factor,
                        scale,
                        bias,
                    });
                    moments.copy_from_slice(&[mean, factor]);
                }
            });
        })
    };
    (tensor(y, shape), tensor(moments, Shape::new([rows, 2])))
}

/// The gradients of x, scale and bias.
fn pulled_back<T: Float>(
    saved: &[FloatTensor<Flex>; 3],
    gradient: FloatTensor<Flex>,
) -> [FloatTensor<Flex>; 3] {
    let [rows, width] = saved[0].layout().shape().dims();
    let [x, scale, moments] = saved.each_ref().map(elements::<T>);
    let mut gradient = owned::<T>(gradient);
    let group = rows.div_ceil(GROUPS);
    let groups = rows.div_ceil(group);
    let mut sums = vec![T::default(); groups * 2 * width];
    let arch = Arch::new();
    let by_group = gradient.storage_mut::<T>().par_chunks_mut(group * width);
    let by_group = by_group.zip(x.par_chunks(group * width));
    let by_group = by_group.zip(moments.par_chunks(2 * group));
    let by_group = by_group.zip(sums.par_chunks_exact_mut(2 * width));
    by_group.for_each(|(((gradient, x), moments), sums)| {
        let (of_scale, of_bias) = sums.split_at_mut(width);
        let mut standard = vec![T::default(); width];
        let all = gradient.chunks_exact_mut(width).zip(x.chunks_exact(width));
        for ((gradient, x), moments) in all.zip(moments.chunks_exact(2)) {
            let (mean, factor) = (moments[0], moments[1]);
            standard.copy_from_slice(x);
            let offset = -mean * factor;
            arch.dispatch(Affine {
                row: &mut standard,
                factor,
                offset,
            });
            arch.dispatch(Gather {
                gradient,
                standard: &standard,
                scale,
                of_scale,
                of_bias,
            });
            let count = T::of(width as f64);
            let mean = sum(gradient) / count;
            let slope = dot(gradient, &standard) / count;
            arch.dispatch(Center {
                gradient,
                standard: &standard,
                mean,
                slope,
                factor,
            });
        }
    });
    let (first, others) = sums.split_at(2 * width);
    let mut all = first.to_vec();
    for other in others.chunks_exact(2 * width) {
        all.iter_mut()
            .zip(other)
            .for_each(|(all, sum)| *all += *sum);
    }
    let of_bias = all.split_off(width);
    let width = Shape::new([width]);
    [gradient, tensor(all, width.clone()), tensor(of_bias, width)]
}

/// row · factor + offset.
struct Affine<'a, T> {
    row: &'a mut [T],
    factor: T,
    offset: T,
}

impl<T: Float> WithSimd for Affine<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for value in self.row {
            *value = *value * self.factor + self.offset;
        }
    }
}

/// row · factor · scale + bias.
struct Scale<'a, T> {
    row: &'a mut [T],
    factor: T,
    scale: &'a [T],
    bias: &'a [T],
}

impl<T: Float> WithSimd for Scale<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let by = self.scale.iter().zip(self.bias);
        for (value, (scale, bias)) in self.row.iter_mut().zip(by) {
            *value = *value * self.factor * *scale + *bias;
        }
    }
}

/// Adds to the gradients of scale and bias, and multiplies by the scale.
struct Gather<'a, T> {
    gradient: &'a mut [T],
    standard: &'a [T],
    scale: &'a [T],
    of_scale: &'a mut [T],
    of_bias: &'a mut [T],
}

impl<T: Float> WithSimd for Gather<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let sums = self.of_scale.iter_mut().zip(self.of_bias);
        let read = self.standard.iter().zip(self.scale);
        let all = self.gradient.iter_mut().zip(read).zip(sums);
        for ((gradient, (standard, scale)), (of_scale, of_bias)) in all {
            *of_scale += *gradient * *standard;
            *of_bias += *gradient;
            *gradient = *gradient * *scale;
        }
    }
}

/// (gradient − mean − slope · standard) · factor.
struct Center<'a, T> {
    gradient: &'a mut [T],
    standard: &'a [T],
    mean: T,
    slope: T,
    factor: T,
}

impl<T: Float> WithSimd for Center<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (gradient, standard) in self.gradient.iter_mut().zip(self.standard) {
            *gradient = (*gradient - self.mean - self.slope * *standard) * self.factor;
        }
    }
}
