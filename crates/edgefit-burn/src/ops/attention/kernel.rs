//! Attention as an op of burn with a backward pass of its own.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::activation::softmax;
use burn::tensor::{DType, Shape, Tensor};

use super::super::elements::tensor;
use super::super::float::Float;
use super::heads::{Heads, Strided};
use crate::backend::runs_kernels;

/// Softmax of `scale` · Q · Kᵀ, times V.
pub(in crate::ops) fn attend([q, k_transposed, v]: [Tensor<4>; 3], scale: f64) -> Tensor<4> {
    if !runs_kernels(&q.device()) {
        return softmax(q.matmul(k_transposed) * scale, 3).matmul(v);
    }
    Tensor::from_dispatch(<Dispatch as Attend>::attend(
        q.into_dispatch(),
        k_transposed.swap_dims(2, 3).into_dispatch(),
        v.into_dispatch(),
        scale,
    ))
}

/// The same of a tensor that holds Q, K and V.
pub(in crate::ops) fn attend_packed(packed: Tensor<5>, scale: f64) -> Tensor<4> {
    if !runs_kernels(&packed.device()) {
        let [q, k, v] = [0, 1, 2].map(|part| packed.clone().narrow(0, part, 1).squeeze_dim(0));
        return attend([q, Tensor::swap_dims(k, 2, 3), v], scale);
    }
    Tensor::from_dispatch(<Dispatch as Attend>::attend_packed(
        packed.into_dispatch(),
        scale,
    ))
}

#[backend_extension(Flex, Autodiff)]
trait Attend: Backend {
    fn attend(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        scale: f64,
    ) -> FloatTensor<Self>;

    fn attend_packed(packed: FloatTensor<Self>, scale: f64) -> FloatTensor<Self>;
}

impl Attend for Flex {
    fn attend(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        scale: f64,
    ) -> FloatTensor<Self> {
        forward(&[q, k, v], scale).0
    }

    fn attend_packed(packed: FloatTensor<Self>, scale: f64) -> FloatTensor<Self> {
        forward(&parts(&packed), scale).0
    }
}

impl<C: CheckpointStrategy> Attend for Autodiff<Flex, C> {
    fn attend(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        scale: f64,
    ) -> FloatTensor<Self> {
        let nodes = [q.node(), k.node(), v.node()];
        let prepared = Apart(scale).prepare::<C>(nodes).compute_bound().stateful();
        let operands = [q, k, v].map(|operand| operand.into_primitive());
        let (y, log_sums) = forward(&operands, scale);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((operands, log_sums), y),
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }

    fn attend_packed(packed: FloatTensor<Self>, scale: f64) -> FloatTensor<Self> {
        let prepared = Packed(scale).prepare::<C>([packed.node()]);
        let prepared = prepared.compute_bound().stateful();
        let operands = parts(&packed.into_primitive());
        let (y, log_sums) = forward(&operands, scale);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((operands, log_sums), y),
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }
}

/// Q, K and V, and the logarithm of the sum of each row of scores.
type Saved = ([FloatTensor<Flex>; 3], FloatTensor<Flex>);

/// With this scale.
#[derive(Debug)]
struct Apart(f64);

impl Backward<Flex, 3> for Apart {
    type State = Saved;

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        let made = match gradient.dtype() {
            DType::F64 => each::<f64>(&ops.state, &gradient, self.0),
            _ => each::<f32>(&ops.state, &gradient, self.0),
        };
        for (node, made) in ops.parents.into_iter().zip(made) {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, made);
            }
        }
    }
}

/// With this scale.
#[derive(Debug)]
struct Packed(f64);

impl Backward<Flex, 1> for Packed {
    type State = Saved;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node);
        if let [Some(node)] = ops.parents {
            let made = match gradient.dtype() {
                DType::F64 => together::<f64>(&ops.state, &gradient, self.0),
                _ => together::<f32>(&ops.state, &gradient, self.0),
            };
            gradients.register::<Flex>(node.id, made);
        }
    }
}

/// Q, K and V of a tensor that holds them.
fn parts(packed: &FloatTensor<Flex>) -> [FloatTensor<Flex>; 3] {
    let dims: [usize; 5] = packed.layout().shape().dims();
    let [_, samples, heads, positions, width] = dims;
    let packed = walkable(packed);
    [0, 1, 2].map(|part| {
        let layout = packed.layout();
        let start = layout.start_offset() + part * layout.strides()[0].unsigned_abs();
        let strides = layout.strides()[1..].to_vec();
        let shape = Shape::new([samples, heads, positions, width]);
        let layout = burn::backend::flex::Layout::new(shape, strides, start);
        packed.clone().with_layout(layout)
    })
}

/// The tensor, or a copy if its strides lead backwards.
fn walkable(tensor: &FloatTensor<Flex>) -> FloatTensor<Flex> {
    if tensor.layout().has_positive_strides() {
        tensor.clone()
    } else {
        tensor.to_contiguous()
    }
}

fn strided<T: Float>(tensor: &FloatTensor<Flex>) -> Strided<'_, T> {
    let strides = tensor.layout().strides();
    Strided {
        elements: &tensor.storage::<T>()[tensor.layout().start_offset()..],
        strides: std::array::from_fn(|axis| strides[axis].unsigned_abs()),
    }
}

fn heads([q, k, _]: &[FloatTensor<Flex>; 3], scale: f64) -> Heads {
    let [samples, heads, from, width] = q.layout().shape().dims();
    Heads {
        samples,
        heads,
        positions: [from, k.layout().shape()[2]],
        width,
        scale,
    }
}

/// The result, and the logarithm of the sum of each row.
fn forward(
    operands: &[FloatTensor<Flex>; 3],
    scale: f64,
) -> (FloatTensor<Flex>, FloatTensor<Flex>) {
    match operands[0].dtype() {
        DType::F64 => results::<f64>(operands, scale),
        _ => results::<f32>(operands, scale),
    }
}

fn results<T: Float>(
    operands: &[FloatTensor<Flex>; 3],
    scale: f64,
) -> (FloatTensor<Flex>, FloatTensor<Flex>) {
    let of = heads(operands, scale);
    let operands = operands.each_ref().map(walkable);
    let (made, log_sums) = of.forward(operands.each_ref().map(strided::<T>));
    let sums = Shape::new([log_sums.len()]);
    (
        arranged(&of, &[made], of.positions[0]),
        tensor(log_sums, sums),
    )
}

/// (samples, heads, positions, width) that lies in memory position by position.
fn arranged<T: Float>(of: &Heads, part: &[Vec<T>], positions: usize) -> FloatTensor<Flex> {
    let shape = Shape::new([of.samples, positions, of.heads, of.width]);
    tensor(of.by_position(part, positions), shape).permute(&[0, 2, 1, 3])
}

fn made<T: Float>(
    (operands, log_sums): &Saved,
    gradient: &FloatTensor<Flex>,
    scale: f64,
) -> (Heads, [Vec<T>; 3]) {
    let of = heads(operands, scale);
    let [q, k, v] = operands.each_ref().map(walkable);
    let read = [q, k, v, walkable(gradient)];
    let made = of.backward(read.each_ref().map(strided::<T>), log_sums.storage());
    (of, made)
}

/// The gradients of Q, K and V.
fn each<T: Float>(
    saved: &Saved,
    gradient: &FloatTensor<Flex>,
    scale: f64,
) -> [FloatTensor<Flex>; 3] {
    let (of, made) = made::<T>(saved, gradient, scale);
    let [from, to] = of.positions;
    let mut positions = [from, to, to].into_iter();
    made.map(|made| arranged(&of, &[made], positions.next().unwrap_or(to)))
}

/// The gradient of the tensor that holds Q, K and V.
fn together<T: Float>(
    saved: &Saved,
    gradient: &FloatTensor<Flex>,
    scale: f64,
) -> FloatTensor<Flex> {
    let (of, made) = made::<T>(saved, gradient, scale);
    let positions = of.positions[0];
    let shape = Shape::new([of.samples, positions, 3, of.heads, of.width]);
    tensor(of.by_position(&made, positions), shape).permute(&[2, 0, 3, 1, 4])
}
