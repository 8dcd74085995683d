//! Our own kernels for convolutions of images in burn, and their place in autodiff.
//!
//! burn-flex multiplies 1×1 kernels sample by sample, packing the weight for each, computes the gradient of
//! depthwise ones channel by channel, each a convolution of its own, and copies the operands of dense ones into
//! other orders of dimensions for every gradient. The bias and an activation are a part of the same pass, forward
//! and backward.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::ops::{Backward, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Shape, Tensor};

use super::super::activation::{Activation, Kept, activated};
use super::super::elements::{elements, tensor};
use super::super::float::Float;
use super::super::weighted::{Layer, Saved, Weighted};
use super::axis::Axis;
use super::backward::Read;
use super::dense::Dense;
use super::depthwise::Depthwise;
use super::pointwise::Pointwise;
use super::winograd::{Purpose, Winograd};

/// A kind of convolution that is computed here.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ConvolutionKernel {
    /// The kernel is 1×1.
    Pointwise,
    /// Each channel has a kernel of its own.
    Depthwise([Axis; 2]),
    /// Each kernel reads all channels.
    Dense([Axis; 2]),
}

/// A convolution, and the activation of it and its bias.
#[derive(Debug, Clone, Copy)]
pub(super) struct Convolution {
    pub kernel: ConvolutionKernel,
    pub activation: Activation,
}

/// The convolution of `x` (samples, inputs, height, width) by `weight`.
pub(super) fn convolve(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    convolution: Convolution,
) -> Tensor<4> {
    let bias = bias.unwrap_or_else(|| Tensor::zeros([weight.dims()[0]], &weight.device()));
    Tensor::from_dispatch(<Dispatch as Convolve>::convolve(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        convolution,
    ))
}

#[backend_extension(Flex, Autodiff)]
trait Convolve: Backend {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self>;
}

impl Convolve for Flex {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self> {
        let operands = [&x, &weight, &bias].map(FloatTensor::<Flex>::to_contiguous);
        convolution.run(&operands, Purpose::Inference)
    }
}

impl<C: CheckpointStrategy> Convolve for Autodiff<Flex, C> {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let prepared = Weighted(convolution).prepare::<C>(nodes).compute_bound();
        let operands = [x, weight, bias].map(|operand| operand.into_primitive().to_contiguous());
        match prepared.stateful() {
            OpsKind::Tracked(prepared) => {
                let (y, kept) = match convolution.activation.kept() {
                    Kept::Nothing => (convolution.run(&operands, Purpose::Training), None),
                    Kept::Result => {
                        let y = convolution.run(&operands, Purpose::Training);
                        (y.clone(), Some(y))
                    }
                    Kept::Operand => {
                        let bare = Convolution {
                            activation: Activation::Identity,
                            ..convolution
                        };
                        let sums = bare.run(&operands, Purpose::Training);
                        (activated(&sums, convolution.activation), Some(sums))
                    }
                };
                let [x, weight, _] = operands;
                prepared.finish(Saved { x, weight, kept }, y)
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(convolution.run(&operands, Purpose::Training))
            }
        }
    }
}

impl Convolution {
    /// The result of contiguous input, weight and bias.
    fn run(self, operands: &[FloatTensor<Flex>; 3], purpose: Purpose) -> FloatTensor<Flex> {
        match operands[0].dtype() {
            DType::F64 => self.result::<f64>(operands, purpose),
            _ => self.result::<f32>(operands, purpose),
        }
    }

    fn result<T: Float>(
        self,
        operands: &[FloatTensor<Flex>; 3],
        purpose: Purpose,
    ) -> FloatTensor<Flex> {
        let [x, weight, _] = operands.each_ref().map(|operand| operand.layout().shape());
        let [samples, channels, height, width] = x.dims();
        let outputs = weight[0];
        let [of_x, of_weight, of_bias] = operands.each_ref().map(elements::<T>);
        let (y, [height, width]) = match self.kernel {
            ConvolutionKernel::Pointwise => {
                let of = Pointwise::new(x, weight);
                let y = of.forward(of_x, of_weight, of_bias, self.activation);
                (y, [height, width])
            }
            ConvolutionKernel::Dense(axes) => {
                let (x, weight): ([usize; 4], [usize; 4]) = (x.dims(), weight.dims());
                let y = match Winograd::of(&x, &weight, axes, purpose) {
                    Some(of) => of.forward([of_x, of_weight, of_bias], self.activation),
                    None => {
                        let of = Dense::new(&x, &weight, axes);
                        of.forward(of_x, of_weight, of_bias, self.activation)
                    }
                };
                (y, axes.map(|axis| axis.extent.output))
            }
            ConvolutionKernel::Depthwise(axes) => {
                let of = Depthwise::new(channels, axes);
                let y = of.forward(of_x, of_weight, of_bias, self.activation);
                (y, axes.map(|axis| axis.extent.output))
            }
        };
        tensor(y, Shape::new([samples, outputs, height, width]))
    }
}

impl Layer for Convolution {
    fn gradients<T: Float>(
        self,
        saved: &Saved,
        gradient: FloatTensor<Flex>,
        asked: [bool; 3],
    ) -> [Option<FloatTensor<Flex>>; 3] {
        let shapes = [&saved.x, &saved.weight].map(|of| of.layout().shape().clone());
        let read = Read {
            x: elements::<T>(&saved.x),
            weight: elements(&saved.weight),
            kept: saved.kept.as_ref().map_or(&[], elements),
        };
        let gradient = gradient.to_contiguous();
        let gradient = elements::<T>(&gradient);
        let made = match self.kernel {
            ConvolutionKernel::Pointwise => {
                let of = Pointwise::new(&shapes[0], &shapes[1]);
                of.backward(read, gradient, self.activation, asked)
            }
            ConvolutionKernel::Dense(axes) => {
                let [x, weight] = shapes.each_ref().map(Shape::dims::<4>);
                match Winograd::of(&x, &weight, axes, Purpose::Training) {
                    Some(of) => of.backward(read, gradient, self.activation, asked),
                    None => {
                        let of = Dense::new(&x, &weight, axes);
                        of.backward(read, gradient, self.activation, asked)
                    }
                }
            }
            ConvolutionKernel::Depthwise(axes) => {
                let of = Depthwise::new(shapes[0][1], axes);
                of.backward(read, gradient, self.activation, asked)
            }
        };
        let [x, weight] = shapes;
        let bias = Shape::new([weight[0]]);
        let mut shapes = [x, weight, bias].into_iter();
        made.map(|made| {
            let shape = shapes.next()?;
            made.map(|made| tensor(made, shape))
        })
    }
}
