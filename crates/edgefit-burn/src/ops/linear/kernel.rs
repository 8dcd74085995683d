//! A linear layer as an op of burn with a backward pass of its own.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::ops::{Backward, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Shape, Tensor};

use super::super::activation::{Kept, activate};
use super::super::elements::{elements, owned, tensor};
use super::super::float::Float;
use super::super::weighted::{Layer, Saved, Weighted};
use super::products::Products;
use super::{Linear, Orientation};
use crate::backend::runs_kernels;

/// The layer of the rows of `x`.
pub(super) fn linear(
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    layer: Linear,
) -> Result<Tensor<2>, String> {
    let [first, second] = weight.dims();
    let (inputs, outputs) = match layer.orientation {
        Orientation::InputsFirst => (first, second),
        Orientation::OutputsFirst => (second, first),
    };
    let fits = bias.as_ref().is_none_or(|bias| bias.dims() == [outputs]);
    if x.dims()[1] != inputs || !fits {
        return Err(format!("{:?} by {:?}", x.dims(), weight.dims()));
    }
    if !runs_kernels(&x.device()) {
        let weight = match layer.orientation {
            Orientation::InputsFirst => weight,
            Orientation::OutputsFirst => weight.transpose(),
        };
        let sums = x.matmul(weight);
        let sums = match bias {
            Some(bias) => sums + bias.reshape([1, outputs]),
            None => sums,
        };
        return Ok(activate(sums, layer.activation));
    }
    let bias = bias.unwrap_or_else(|| Tensor::zeros([outputs], &weight.device()));
    Ok(Tensor::from_dispatch(<Dispatch as RunLinear>::linear(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        layer,
    )))
}

#[backend_extension(Flex, Autodiff)]
trait RunLinear: Backend {
    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        layer: Linear,
    ) -> FloatTensor<Self>;
}

impl RunLinear for Flex {
    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        layer: Linear,
    ) -> FloatTensor<Self> {
        let operands = [x, weight, bias].map(|operand| operand.to_contiguous());
        layer.run(&operands, Kept::Nothing).0
    }
}

impl<C: CheckpointStrategy> RunLinear for Autodiff<Flex, C> {
    fn linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        layer: Linear,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let prepared = Weighted(layer).prepare::<C>(nodes).compute_bound();
        let operands = [x, weight, bias].map(|operand| operand.into_primitive().to_contiguous());
        match prepared.stateful() {
            OpsKind::Tracked(prepared) => {
                let keeps = layer.activation.kept();
                let (y, sums) = layer.run(&operands, keeps);
                let kept = if keeps == Kept::Result {
                    Some(y.clone())
                } else {
                    sums
                };
                let [x, weight, _] = operands;
                prepared.finish(Saved { x, weight, kept }, y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(layer.run(&operands, Kept::Nothing).0),
        }
    }
}

impl Linear {
    fn products(self, x: &Shape, weight: &Shape) -> Products {
        let [rows, inputs] = x.dims();
        Products {
            layer: self,
            rows,
            inputs,
            outputs: weight.num_elements() / inputs,
        }
    }

    /// The result, and the sums before the activation if it keeps them.
    fn run(
        self,
        operands: &[FloatTensor<Flex>; 3],
        keeps: Kept,
    ) -> (FloatTensor<Flex>, Option<FloatTensor<Flex>>) {
        match operands[0].dtype() {
            DType::F64 => self.result::<f64>(operands, keeps),
            _ => self.result::<f32>(operands, keeps),
        }
    }

    fn result<T: Float>(
        self,
        operands: &[FloatTensor<Flex>; 3],
        keeps: Kept,
    ) -> (FloatTensor<Flex>, Option<FloatTensor<Flex>>) {
        let [x, weight, _] = operands.each_ref().map(|operand| operand.layout().shape());
        let of = self.products(x, weight);
        let (y, sums) = of.forward(operands.each_ref().map(elements::<T>), keeps);
        let made = |made| tensor(made, Shape::new([of.rows, of.outputs]));
        (made(y), sums.map(made))
    }
}

impl Layer for Linear {
    fn gradients<T: Float>(
        self,
        saved: &Saved,
        gradient: FloatTensor<Flex>,
        asked: [bool; 3],
    ) -> [Option<FloatTensor<Flex>>; 3] {
        let shapes = [&saved.x, &saved.weight].map(|of| of.layout().shape().clone());
        let of = self.products(&shapes[0], &shapes[1]);
        let mut gradient = gradient.to_contiguous();
        if let Some(kept) = &saved.kept {
            gradient = owned::<T>(gradient);
            of.pull_back(gradient.storage_mut::<T>(), elements(kept));
        }
        let read = [&saved.x, &saved.weight, &gradient].map(elements::<T>);
        let [of_x, of_weight, of_bias] = of.backward(read, asked);
        let [x, weight] = shapes;
        [
            of_x.map(|made| tensor(made, x)),
            of_weight.map(|made| tensor(made, weight)),
            of_bias.map(|made| tensor(made, Shape::new([of.outputs]))),
        ]
    }
}
