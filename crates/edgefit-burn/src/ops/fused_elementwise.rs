//! Scale and offset by channel, and clamp, each fused into one pass over the elements on all cores.
//!
//! burn-flex passes over the whole tensor on one core for each addition, product, comparison and mask.

use std::ops::{Add, Mul};
use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Element, Tensor};
use bytemuck::Pod;
use rayon::prelude::*;

use super::elements::elements;
use crate::backend::runs_kernels;

/// Elements that a thread takes at once.
const CHUNK: usize = 1 << 14;

/// x · factor + offset, of which each channel (dimension 1) has its own. No gradient reaches `factor`
/// and `offset`.
pub(super) fn scale<const D: usize>(
    x: Tensor<D>,
    factor: Tensor<1>,
    offset: Tensor<1>,
) -> Tensor<D> {
    if !runs_kernels(&x.device()) {
        let mut dims = [1; D];
        dims[1] = factor.dims()[0];
        let [factor, offset] = [factor, offset].map(|each| each.detach().reshape(dims));
        return x * factor + offset;
    }
    Tensor::from_dispatch(<Dispatch as FusedElementwise>::scale(
        x.into_dispatch(),
        factor.into_dispatch(),
        offset.into_dispatch(),
    ))
}

/// x, but no less than `low` and no more than `high`; NaN stays.
pub(super) fn clamp<const D: usize>(x: Tensor<D>, low: f64, high: f64) -> Tensor<D> {
    if !runs_kernels(&x.device()) {
        return x.clamp(low, high);
    }
    Tensor::from_dispatch(<Dispatch as FusedElementwise>::clamp(
        x.into_dispatch(),
        low,
        high,
    ))
}

#[backend_extension(Flex, Autodiff)]
trait FusedElementwise: Backend {
    fn scale(
        x: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        offset: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    fn clamp(x: FloatTensor<Self>, low: f64, high: f64) -> FloatTensor<Self>;
}

impl FusedElementwise for Flex {
    fn scale(
        x: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        offset: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        match x.dtype() {
            DType::F64 => scaled::<f64>(x, &factor, Some(&offset)),
            _ => scaled::<f32>(x, &factor, Some(&offset)),
        }
    }

    fn clamp(x: FloatTensor<Self>, low: f64, high: f64) -> FloatTensor<Self> {
        clamp_and_mask(x, low, high, None)
    }
}

impl<C: CheckpointStrategy> FusedElementwise for Autodiff<Flex, C> {
    fn scale(
        x: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        offset: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let prepared = Scale.prepare::<C>([x.node()]).compute_bound().stateful();
        let (factor, offset) = (factor.into_primitive(), offset.into_primitive());
        let y = Flex::scale(x.into_primitive(), factor.clone(), offset);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish(factor, y),
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }

    fn clamp(x: FloatTensor<Self>, low: f64, high: f64) -> FloatTensor<Self> {
        match Clamp.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let x = x.into_primitive();
                let mut inside = vec![0; x.layout().num_elements()];
                let y = clamp_and_mask(x, low, high, Some(&mut inside));
                prepared.finish(Arc::new(inside), y)
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(Flex::clamp(x.into_primitive(), low, high))
            }
        }
    }
}

#[derive(Debug)]
struct Scale;

impl Backward<Flex, 1> for Scale {
    /// The factors.
    type State = FloatTensor<Flex>;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        if let [Some(node)] = ops.parents {
            let made = match gradient.dtype() {
                DType::F64 => scaled::<f64>(gradient, &ops.state, None),
                _ => scaled::<f32>(gradient, &ops.state, None),
            };
            gradients.register::<Flex>(node.id, made);
        }
    }
}

#[derive(Debug)]
struct Clamp;

impl Backward<Flex, 1> for Clamp {
    /// 1 for each element that was inside the limits, 0 for the others.
    type State = Arc<Vec<u8>>;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        if let [Some(node)] = ops.parents {
            let made = match gradient.dtype() {
                DType::F64 => masked::<f64>(gradient, &ops.state),
                _ => masked::<f32>(gradient, &ops.state),
            };
            gradients.register::<Flex>(node.id, made);
        }
    }
}

/// The tensor itself if a result may be written over its elements, else a contiguous copy.
fn owned<T: Element + Pod>(tensor: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let whole = tensor.storage::<T>().len() == tensor.layout().num_elements();
    if tensor.is_contiguous() && whole {
        tensor
    } else {
        FloatTensor::<Flex>::from_data(tensor.into_data())
    }
}

fn scaled<T>(
    x: FloatTensor<Flex>,
    factor: &FloatTensor<Flex>,
    offset: Option<&FloatTensor<Flex>>,
) -> FloatTensor<Flex>
where
    T: Element + Pod + Add<Output = T> + Mul<Output = T>,
{
    let mut x = owned::<T>(x);
    let dims = x.layout().shape().to_vec();
    let plane = dims[2..].iter().product();
    let (factor, offset) = (
        factor.to_contiguous(),
        offset.map(FloatTensor::<Flex>::to_contiguous),
    );
    let factor = elements::<T>(&factor);
    let offset = match &offset {
        Some(offset) => elements::<T>(offset),
        None => &vec![T::from_elem(0); factor.len()],
    };
    if x.layout().num_elements() > 0 {
        let samples = x.storage_mut::<T>().par_chunks_exact_mut(dims[1] * plane);
        samples.for_each(|sample| {
            let channels = sample.chunks_exact_mut(plane);
            for ((channel, &factor), &offset) in channels.zip(factor).zip(offset) {
                for value in channel {
                    *value = *value * factor + offset;
                }
            }
        });
    }
    x
}

fn clamp_and_mask(
    x: FloatTensor<Flex>,
    low: f64,
    high: f64,
    inside: Option<&mut [u8]>,
) -> FloatTensor<Flex> {
    match x.dtype() {
        DType::F64 => clamp_elements::<f64>(x, low, high, inside),
        _ => clamp_elements::<f32>(x, low as f32, high as f32, inside),
    }
}

fn clamp_elements<T: Element + Pod + PartialOrd>(
    x: FloatTensor<Flex>,
    low: T,
    high: T,
    inside: Option<&mut [u8]>,
) -> FloatTensor<Flex> {
    let mut x = owned::<T>(x);
    let chunks = x.storage_mut::<T>().par_chunks_mut(CHUNK);
    let clamped = |value: T| {
        if value < low {
            low
        } else if value > high {
            high
        } else {
            value
        }
    };
    match inside {
        None => {
            chunks.for_each(|chunk| chunk.iter_mut().for_each(|value| *value = clamped(*value)))
        }
        Some(inside) => {
            let chunks = chunks.zip(inside.par_chunks_mut(CHUNK));
            chunks.for_each(|(chunk, inside)| {
                for (value, inside) in chunk.iter_mut().zip(inside) {
                    *inside = u8::from(!(*value < low || *value > high));
                    *value = clamped(*value);
                }
            });
        }
    }
    x
}

fn masked<T: Element + Pod>(gradient: FloatTensor<Flex>, inside: &[u8]) -> FloatTensor<Flex> {
    let mut gradient = owned::<T>(gradient);
    let chunks = gradient.storage_mut::<T>().par_chunks_mut(CHUNK);
    let chunks = chunks.zip(inside.par_chunks(CHUNK));
    let zero = T::from_elem(0);
    chunks.for_each(|(chunk, inside)| {
        for (value, &inside) in chunk.iter_mut().zip(inside) {
            *value = if inside == 1 { *value } else { zero };
        }
    });
    gradient
}
