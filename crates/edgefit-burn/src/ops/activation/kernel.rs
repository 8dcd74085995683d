//! An activation as an op of burn with a backward pass of its own.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Tensor};
use rayon::prelude::*;

use super::super::elements::{elements, owned, tensor};
use super::super::float::{Float, vec_written_by};
use super::{Activation, Kept};
use crate::backend::runs_kernels;

/// Elements that a thread takes at once.
const CHUNK: usize = 1 << 14;

/// The activation of each element of `x`.
pub(in crate::ops) fn activate<const D: usize>(x: Tensor<D>, activation: Activation) -> Tensor<D> {
    if activation == Activation::Identity {
        return x;
    }
    if !runs_kernels(&x.device()) {
        return activation.composed(x);
    }
    Tensor::from_dispatch(<Dispatch as Activate>::activate(
        x.into_dispatch(),
        activation,
    ))
}

#[backend_extension(Flex, Autodiff)]
trait Activate: Backend {
    fn activate(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;
}

impl Activate for Flex {
    fn activate(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        match x.dtype() {
            DType::F64 => in_place::<f64>(x, activation),
            _ => in_place::<f32>(x, activation),
        }
    }
}

impl<C: CheckpointStrategy> Activate for Autodiff<Flex, C> {
    fn activate(x: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        let prepared = activation.prepare::<C>([x.node()]).compute_bound();
        let x = x.into_primitive();
        match (prepared.stateful(), activation.kept()) {
            (OpsKind::UnTracked(prepared), _) => prepared.finish(Flex::activate(x, activation)),
            (OpsKind::Tracked(prepared), Kept::Operand) => {
                let x = x.to_contiguous();
                let y = activated(&x, activation);
                prepared.finish(x, y)
            }
            (OpsKind::Tracked(prepared), Kept::Result | Kept::Nothing) => {
                let y = Flex::activate(x, activation);
                prepared.finish(y.clone(), y)
            }
        }
    }
}

impl Backward<Flex, 1> for Activation {
    /// What the slopes are made from.
    type State = FloatTensor<Flex>;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        if let [Some(node)] = ops.parents {
            let made = match gradient.dtype() {
                DType::F64 => pulled_back::<f64>(gradient, &ops.state, self),
                _ => pulled_back::<f32>(gradient, &ops.state, self),
            };
            gradients.register::<Flex>(node.id, made);
        }
    }
}

fn in_place<T: Float>(x: FloatTensor<Flex>, activation: Activation) -> FloatTensor<Flex> {
    if !x.is_unique() {
        return activated(&x.to_contiguous(), activation);
    }
    let mut x = owned::<T>(x);
    let chunks = x.storage_mut::<T>().par_chunks_mut(CHUNK);
    chunks.for_each(|chunk| activation.apply(chunk, T::default()));
    x
}

/// The activation of the elements of a contiguous tensor.
pub(in crate::ops) fn activated(
    x: &FloatTensor<Flex>,
    activation: Activation,
) -> FloatTensor<Flex> {
    fn made<T: Float>(x: &FloatTensor<Flex>, activation: Activation) -> FloatTensor<Flex> {
        let from = elements::<T>(x);
        // SAFETY: every chunk is written.
        let y = unsafe {
            vec_written_by(from.len(), |y| {
                let chunks = y.par_chunks_mut(CHUNK).zip(from.par_chunks(CHUNK));
                chunks.for_each(|(y, x)| activation.write(x, y));
            })
        };
        tensor(y, x.layout().shape().clone())
    }
    match x.dtype() {
        DType::F64 => made::<f64>(x, activation),
        _ => made::<f32>(x, activation),
    }
}

fn pulled_back<T: Float>(
    gradient: FloatTensor<Flex>,
    kept: &FloatTensor<Flex>,
    activation: Activation,
) -> FloatTensor<Flex> {
    let mut gradient = owned::<T>(gradient);
    let kept = elements::<T>(kept).par_chunks(CHUNK);
    let chunks = gradient.storage_mut::<T>().par_chunks_mut(CHUNK).zip(kept);
    chunks.for_each(|(gradient, kept)| activation.pull_back_in_place(gradient, kept));
    gradient
}
