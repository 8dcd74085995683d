//! Our own kernels for convolutions of images in burn, and their place in autodiff.
//!
//! burn-flex multiplies 1×1 kernels sample by sample, packing the weight for each, computes the gradient of
//! depthwise ones channel by channel, each a convolution of its own, and copies the operands of dense ones into
//! other orders of dimensions for every gradient.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Shape, Tensor};

use super::super::elements::{tensor, with_elements};
use super::depthwise::{Axis, Depthwise};
use super::{dense, pointwise};

/// A kind of convolution that is computed here, without bias.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ConvolutionKernel {
    /// The kernel is 1×1.
    Pointwise,
    /// Each channel has a kernel of its own.
    Depthwise([Axis; 2]),
    /// Each kernel reads all channels.
    Dense([Axis; 2]),
}

/// The convolution of `x` (samples, inputs, height, width) by `weight`.
pub(super) fn convolve(x: Tensor<4>, weight: Tensor<4>, kernel: ConvolutionKernel) -> Tensor<4> {
    let y = <Dispatch as Convolve>::convolve(x.into_dispatch(), weight.into_dispatch(), kernel);
    Tensor::from_dispatch(y)
}

#[backend_extension(Flex, Autodiff)]
trait Convolve: Backend {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        kernel: ConvolutionKernel,
    ) -> FloatTensor<Self>;
}

impl Convolve for Flex {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        kernel: ConvolutionKernel,
    ) -> FloatTensor<Self> {
        match kernel {
            ConvolutionKernel::Pointwise => pointwise::forward(x, weight),
            ConvolutionKernel::Dense(axes) => dense::forward(x, weight, axes),
            ConvolutionKernel::Depthwise(axes) => {
                let [samples, channels, ..] = x.layout().shape().dims::<4>();
                let [height, width] = axes.map(|axis| axis.extent.output);
                let shape = Shape::new([samples, channels, height, width]);
                let kernel = Depthwise::new(channels, axes);
                with_elements!(x, weight, |x, weight| tensor(
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
        kernel: ConvolutionKernel,
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

impl Backward<Flex, 2> for ConvolutionKernel {
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

impl ConvolutionKernel {
    /// The gradients of `x` and of the weight, as far as they are `asked` for.
    fn gradients(
        self,
        x: FloatTensor<Flex>,
        gradient: FloatTensor<Flex>,
        weight: FloatTensor<Flex>,
        asked: [bool; 2],
    ) -> [Option<FloatTensor<Flex>>; 2] {
        let axes = match self {
            ConvolutionKernel::Pointwise => return pointwise::backward(x, gradient, weight, asked),
            ConvolutionKernel::Dense(axes) => {
                return dense::backward([x, gradient, weight], axes, asked);
            }
            ConvolutionKernel::Depthwise(axes) => axes,
        };
        let shapes = [&x, &weight].map(|of| of.layout().shape().clone());
        let kernel = Depthwise::new(shapes[0][1], axes);
        with_elements!(x, gradient, weight, |x, gradient, weight| {
            let [of_x, of_weight] = shapes;
            [
                asked[0].then(|| tensor(kernel.input_gradient(gradient, weight), of_x)),
                asked[1].then(|| tensor(kernel.weight_gradient(x, gradient), of_weight)),
            ]
        })
    }
}
