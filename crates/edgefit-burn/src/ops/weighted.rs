//! Backward passes of what computes with input, weight, bias and an activation.

use std::fmt::Debug;

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::tensor::FloatTensor;
use burn::tensor::DType;

use super::float::Float;

/// What the backward pass reads.
#[derive(Debug, Clone)]
pub(crate) struct Saved {
    pub x: FloatTensor<Flex>,
    pub weight: FloatTensor<Flex>,
    /// What the activation keeps.
    pub kept: Option<FloatTensor<Flex>>,
}

/// A layer of input, weight and bias.
pub(crate) trait Layer: Debug + Copy + Send + Sync + 'static {
    /// The gradients of input, weight and bias from that of the result, as far as they are `asked` for.
    fn gradients<T: Float>(
        self,
        saved: &Saved,
        gradient: FloatTensor<Flex>,
        asked: [bool; 3],
    ) -> [Option<FloatTensor<Flex>>; 3];
}

/// A layer as an op of burn.
#[derive(Debug)]
pub(crate) struct Weighted<L>(pub L);

impl<L: Layer> Backward<Flex, 3> for Weighted<L> {
    type State = Saved;

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let asked = ops.parents.each_ref().map(Option::is_some);
        let made = match gradient.dtype() {
            DType::F64 => self.0.gradients::<f64>(&ops.state, gradient, asked),
            _ => self.0.gradients::<f32>(&ops.state, gradient, asked),
        };
        for (node, made) in ops.parents.into_iter().zip(made) {
            if let (Some(node), Some(made)) = (node, made) {
                gradients.register::<Flex>(node.id, made);
            }
        }
    }
}
