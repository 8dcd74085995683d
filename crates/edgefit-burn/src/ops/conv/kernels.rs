//! Our own kernels for two kinds of convolution, and how gradients get through them.
//!
//! burn-flex multiplies pixel kernels sample by sample, packing the weight for each, and takes the
//! gradient of depthwise ones channel by channel, each a convolution of its own.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Element, Shape, Tensor, TensorData};
use bytemuck::Pod;

use super::depthwise::{Axis, Depthwise};
use super::pointwise;

/// A kind of convolution that is computed here, without bias.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kernel {
    /// The kernel is a single pixel.
    Pointwise,
    /// Each channel has a kernel of its own.
    Depthwise([Axis; 2]),
}

/// The convolution of `x` (samples, inputs, height, width) by `weight`.
pub(super) fn convolve(x: Tensor<4>, weight: Tensor<4>, kernel: Kernel) -> Tensor<4> {
    let y = <Dispatch as Convolve>::convolve(x.into_dispatch(), weight.into_dispatch(), kernel);
    Tensor::from_dispatch(y)
}

#[backend_extension(Flex, Autodiff)]
trait Convolve: Backend {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        kernel: Kernel,
    ) -> FloatTensor<Self>;
}

impl Convolve for Flex {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        kernel: Kernel,
    ) -> FloatTensor<Self> {
        match kernel {
            Kernel::Pointwise => pointwise::forward(x, weight),
            Kernel::Depthwise(axes) => {
                let [samples, channels, ..] = x.layout().shape().dims::<4>();
                let [height, width] = axes.map(|axis| axis.extent.output);
                let shape = Shape::new([samples, channels, height, width]);
                let kernel = Depthwise { channels, axes };
                by_precision!(x, weight, |x, weight| tensor(
                    kernel.forward(x, weight),
                    shape
                ))
            }
        }
    }
}

impl<C: CheckpointStrategy> Convolve for Autodiff<Flex, C> {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        kernel: Kernel,
    ) -> FloatTensor<Self> {
        let prepared = kernel.prepare::<C>([x.node(), weight.node()]);
        match prepared.compute_bound().stateful() {
            OpsKind::Tracked(mut prepared) => {
                let state = (prepared.checkpoint(&x), prepared.checkpoint(&weight));
                let y = Flex::convolve(x.into_primitive(), weight.into_primitive(), kernel);
                prepared.finish(state, y)
            }
            OpsKind::UnTracked(prepared) => {
                let y = Flex::convolve(x.into_primitive(), weight.into_primitive(), kernel);
                prepared.finish(y)
            }
        }
    }
}

impl Backward<Flex, 2> for Kernel {
    type State = (NodeId, NodeId);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let [of_x, of_weight] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node);
        let x: FloatTensor<Flex> = checkpointer.retrieve_node_output(ops.state.0);
        let weight: FloatTensor<Flex> = checkpointer.retrieve_node_output(ops.state.1);
        let parents = [of_x, of_weight];
        let asked = parents.each_ref().map(Option::is_some);
        let made = self.gradients(x, gradient, weight, asked);
        for (node, made) in parents.into_iter().zip(made) {
            if let (Some(node), Some(made)) = (node, made) {
                gradients.register::<Flex>(node.id, made);
            }
        }
    }
}

impl Kernel {
    /// The gradients of `x` and of the weight, those of them that are asked for.
    fn gradients(
        self,
        x: FloatTensor<Flex>,
        gradient: FloatTensor<Flex>,
        weight: FloatTensor<Flex>,
        asked: [bool; 2],
    ) -> [Option<FloatTensor<Flex>>; 2] {
        let Kernel::Depthwise(axes) = self else {
            return pointwise::backward(x, gradient, weight, asked);
        };
        let shapes = [&x, &weight].map(|of| of.layout().shape().clone());
        let kernel = Depthwise {
            channels: shapes[0][1],
            axes,
        };
        by_precision!(x, gradient, weight, |x, gradient, weight| {
            let [of_x, of_weight] = shapes;
            [
                asked[0].then(|| tensor(kernel.input_gradient(gradient, weight), of_x)),
                asked[1].then(|| tensor(kernel.weight_gradient(x, gradient), of_weight)),
            ]
        })
    }
}

/// Evaluates an expression with slices of the elements of tensors, which lie in order then, of 64 or
/// 32 bits each.
macro_rules! by_precision {
    ($($tensor:ident),+, |$($name:ident),+| $made:expr) => {{
        let contiguous = ($($tensor.to_contiguous()),+,);
        let ($($tensor),+,) = &contiguous;
        match [$($tensor.dtype()),+].contains(&burn::tensor::DType::F64) {
            true => {
                $(let $name = $crate::ops::conv::kernels::elements::<f64>($tensor);)+
                $made
            }
            false => {
                $(let $name = $crate::ops::conv::kernels::elements::<f32>($tensor);)+
                $made
            }
        }
    }};
}
pub(super) use by_precision;

/// The elements of a tensor that lie in order.
pub(in crate::ops) fn elements<T: Element + Pod>(tensor: &FloatTensor<Flex>) -> &[T] {
    let start = tensor.layout().start_offset();
    &tensor.storage()[start..][..tensor.layout().num_elements()]
}

pub(super) fn tensor<T: Element>(elements: Vec<T>, shape: Shape) -> FloatTensor<Flex> {
    FloatTensor::<Flex>::from_data(TensorData::new(elements, shape))
}
