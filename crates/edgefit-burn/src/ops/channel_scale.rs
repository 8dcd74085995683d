//! Scale and offset by channel, in one pass over the elements on all cores.
//!
//! burn-flex passes over the whole tensor on one core for each addition and product.

use std::ops::{Add, Mul};

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Element, Tensor};
use bytemuck::Pod;
use rayon::prelude::*;

use super::elements::{elements, owned};
use crate::backend::runs_kernels;

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
    Tensor::from_dispatch(<Dispatch as ChannelScale>::scale(
        x.into_dispatch(),
        factor.into_dispatch(),
        offset.into_dispatch(),
    ))
}

#[backend_extension(Flex, Autodiff)]
trait ChannelScale: Backend {
    fn scale(
        x: FloatTensor<Self>,
        factor: FloatTensor<Self>,
        offset: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl ChannelScale for Flex {
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
}

impl<C: CheckpointStrategy> ChannelScale for Autodiff<Flex, C> {
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
