//! What frozen normalisation and limits do to each element, in one pass on all cores.
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

use super::conv::elements;

/// Elements that a thread takes at once.
const PART: usize = 1 << 14;

/// x · factor + offset, of which each channel (dimension 1) has its own. No gradient reaches `factor`
/// and `offset`.
pub(super) fn scale<const D: usize>(
    x: Tensor<D>,
    factor: Tensor<1>,
    offset: Tensor<1>,
) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as Passes>::scale(
        x.into_dispatch(),
        factor.into_dispatch(),
        offset.into_dispatch(),
    ))
}

/// x, but no less than `low` and no more than `high`; NaN stays.
pub(super) fn clamp<const D: usize>(x: Tensor<D>, low: f64, high: f64) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as Passes>::limit(x.into_dispatch(), low, high))
}

#[backend_extension(Flex, Autodiff)]
trait Passes: Backend {
    fn scale(
        x: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        offset: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    fn limit(x: FloatTensor<Self>, low: f64, high: f64) -> FloatTensor<Self>;
}

impl Passes for Flex {
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

    fn limit(x: FloatTensor<Self>, low: f64, high: f64) -> FloatTensor<Self> {
        limited(x, low, high, None)
    }
}

impl<C: CheckpointStrategy> Passes for Autodiff<Flex, C> {
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

    fn limit(x: FloatTensor<Self>, low: f64, high: f64) -> FloatTensor<Self> {
        match Limit.prepare::<C>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let x = x.into_primitive();
                let mut inside = vec![0; x.layout().num_elements()];
                let y = limited(x, low, high, Some(&mut inside));
                prepared.finish(Arc::new(inside), y)
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(Flex::limit(x.into_primitive(), low, high))
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
struct Limit;

impl Backward<Flex, 1> for Limit {
    /// 1 for each element that was within the limits, 0 for the others.
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

/// A tensor and its elements, over which a result may be written: copied if somebody else holds them,
/// or if they lie out of order.
fn own<T: Element + Pod>(tensor: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let whole = tensor.storage::<T>().len() == tensor.layout().num_elements();
    match tensor.is_contiguous() && whole {
        true => tensor,
        false => FloatTensor::<Flex>::from_data(tensor.into_data()),
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
    let mut x = own::<T>(x);
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

fn limited(
    x: FloatTensor<Flex>,
    low: f64,
    high: f64,
    inside: Option<&mut [u8]>,
) -> FloatTensor<Flex> {
    match x.dtype() {
        DType::F64 => limit::<f64>(x, low, high, inside),
        _ => limit::<f32>(x, low as f32, high as f32, inside),
    }
}

fn limit<T: Element + Pod + PartialOrd>(
    x: FloatTensor<Flex>,
    low: T,
    high: T,
    inside: Option<&mut [u8]>,
) -> FloatTensor<Flex> {
    let mut x = own::<T>(x);
    let parts = x.storage_mut::<T>().par_chunks_mut(PART);
    let within = |value: T| match (value < low, value > high) {
        (true, _) => low,
        (_, true) => high,
        _ => value,
    };
    match inside {
        None => parts.for_each(|part| part.iter_mut().for_each(|value| *value = within(*value))),
        Some(inside) => {
            let parts = parts.zip(inside.par_chunks_mut(PART));
            parts.for_each(|(part, inside)| {
                for (value, inside) in part.iter_mut().zip(inside) {
                    *inside = u8::from(!(*value < low || *value > high));
                    *value = within(*value);
                }
            });
        }
    }
    x
}

fn masked<T: Element + Pod>(gradient: FloatTensor<Flex>, inside: &[u8]) -> FloatTensor<Flex> {
    let mut gradient = own::<T>(gradient);
    let parts = gradient.storage_mut::<T>().par_chunks_mut(PART);
    let parts = parts.zip(inside.par_chunks(PART));
    let zero = T::from_elem(0);
    parts.for_each(|(part, inside)| {
        for (value, &inside) in part.iter_mut().zip(inside) {
            *value = if inside == 1 { *value } else { zero };
        }
    });
    gradient
}
