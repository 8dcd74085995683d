//! One number for each plane of a batch of images: its mean, and a gate that it is multiplied by, as in
//! squeeze-and-excitation (Hu et al. 2018, arXiv 1709.01507). One pass forward and one backward, on all cores.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{DType, Shape, Tensor};
use rayon::prelude::*;

use super::activation::curve::scaled;
use super::elements::{elements, tensor};
use super::float::{Float, vec_written_by};
use super::sums::{dot, sum};
use crate::backend::runs_kernels;

/// Planes that a thread takes at once, at least.
const PLANES: usize = 8;

/// The mean of each plane of `x` (samples, channels, height, width), with height and width 1.
pub(super) fn plane_means(x: Tensor<4>) -> Tensor<4> {
    if !runs_kernels(&x.device()) {
        return x.mean_dims(&[2, 3]);
    }
    Tensor::from_dispatch(<Dispatch as OfPlanes>::plane_means(x.into_dispatch()))
}

/// `x` (samples, channels, height, width) times `gate` (samples, channels, 1, 1).
pub(super) fn gated(x: Tensor<4>, gate: Tensor<4>) -> Tensor<4> {
    if !runs_kernels(&x.device()) {
        return x * gate;
    }
    Tensor::from_dispatch(<Dispatch as OfPlanes>::gated(
        x.into_dispatch(),
        gate.into_dispatch(),
    ))
}

#[backend_extension(Flex, Autodiff)]
trait OfPlanes: Backend {
    fn plane_means(x: FloatTensor<Self>) -> FloatTensor<Self>;

    fn gated(x: FloatTensor<Self>, gate: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl OfPlanes for Flex {
    fn plane_means(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let x = x.to_contiguous();
        match x.dtype() {
            DType::F64 => means::<f64>(&x),
            _ => means::<f32>(&x),
        }
    }

    fn gated(x: FloatTensor<Self>, gate: FloatTensor<Self>) -> FloatTensor<Self> {
        product(&x.to_contiguous(), &gate.to_contiguous())
    }
}

impl<C: CheckpointStrategy> OfPlanes for Autodiff<Flex, C> {
    fn plane_means(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let prepared = PlaneMeans.prepare::<C>([x.node()]).compute_bound();
        let x = x.into_primitive();
        let shape = x.layout().shape().clone();
        match prepared.stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(shape, Flex::plane_means(x)),
            OpsKind::UnTracked(prepared) => prepared.finish(Flex::plane_means(x)),
        }
    }

    fn gated(x: FloatTensor<Self>, gate: FloatTensor<Self>) -> FloatTensor<Self> {
        let prepared = Gated.prepare::<C>([x.node(), gate.node()]).compute_bound();
        let operands = [x, gate].map(|operand| operand.into_primitive().to_contiguous());
        let y = product(&operands[0], &operands[1]);
        match prepared.stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(operands, y),
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }
}

#[derive(Debug)]
struct PlaneMeans;

impl Backward<Flex, 1> for PlaneMeans {
    /// Of what the means were taken.
    type State = Shape;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        fn spread<T: Float>(gradient: &FloatTensor<Flex>, shape: Shape) -> FloatTensor<Flex> {
            let gradient = gradient.to_contiguous();
            let plane = shape[2] * shape[3];
            let share = T::of(1.0 / plane as f64);
            let means = elements::<T>(&gradient);
            // SAFETY: there is a number for each plane, all of which is written.
            let made = unsafe {
                vec_written_by(shape.num_elements(), |made| {
                    let planes = made.par_chunks_exact_mut(plane).with_min_len(PLANES);
                    planes.zip(means).for_each(|(plane, mean)| {
                        for to in plane {
                            to.write(*mean * share);
                        }
                    });
                })
            };
            tensor(made, shape)
        }
        let gradient = gradients.consume::<Flex>(&ops.node);
        if let [Some(node)] = ops.parents {
            let made = match gradient.dtype() {
                DType::F64 => spread::<f64>(&gradient, ops.state),
                _ => spread::<f32>(&gradient, ops.state),
            };
            gradients.register::<Flex>(node.id, made);
        }
    }
}

#[derive(Debug)]
struct Gated;

impl Backward<Flex, 2> for Gated {
    /// Planes and gates.
    type State = [FloatTensor<Flex>; 2];

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        fn of_gate<T: Float>(
            gradient: &FloatTensor<Flex>,
            [x, gate]: &[FloatTensor<Flex>; 2],
        ) -> FloatTensor<Flex> {
            let shape = x.layout().shape();
            let plane = shape[2] * shape[3];
            let planes = elements::<T>(gradient).par_chunks_exact(plane);
            let planes = planes.zip(elements::<T>(x).par_chunks_exact(plane));
            let sums: Vec<T> = planes.map(|(gradient, x)| dot(gradient, x)).collect();
            tensor(sums, gate.layout().shape().clone())
        }
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let [of_x, gate] = ops.parents;
        if let Some(node) = gate {
            let made = match gradient.dtype() {
                DType::F64 => of_gate::<f64>(&gradient, &ops.state),
                _ => of_gate::<f32>(&gradient, &ops.state),
            };
            gradients.register::<Flex>(node.id, made);
        }
        if let Some(node) = of_x {
            gradients.register::<Flex>(node.id, product(&gradient, &ops.state[1]));
        }
    }
}

fn means<T: Float>(x: &FloatTensor<Flex>) -> FloatTensor<Flex> {
    let [samples, channels, height, width] = x.layout().shape().dims();
    let count = T::of((height * width) as f64);
    let planes = elements::<T>(x).par_chunks_exact(height * width);
    let means: Vec<T> = planes.map(|plane| sum(plane) / count).collect();
    tensor(means, Shape::new([samples, channels, 1, 1]))
}

/// Each plane of a contiguous tensor times its gate.
fn product(x: &FloatTensor<Flex>, gate: &FloatTensor<Flex>) -> FloatTensor<Flex> {
    fn made<T: Float>(x: &FloatTensor<Flex>, gate: &FloatTensor<Flex>) -> FloatTensor<Flex> {
        let shape = x.layout().shape().clone();
        let plane = shape[2] * shape[3];
        let (x, gate) = (elements::<T>(x), elements::<T>(gate));
        // SAFETY: there is a plane of `x` and a gate for each of the result, all of which is written.
        let made = unsafe {
            vec_written_by(x.len(), |made| {
                let planes = made.par_chunks_exact_mut(plane).with_min_len(PLANES);
                let planes = planes.zip(x.par_chunks_exact(plane)).zip(gate);
                planes.for_each(|((to, x), gate)| scaled(x, *gate, to));
            })
        };
        tensor(made, shape)
    }
    match x.dtype() {
        DType::F64 => made::<f64>(x, gate),
        _ => made::<f32>(x, gate),
    }
}
