//! AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101): one pass over a parameter, on all cores.
//!
//! As ops of burn it is some fourteen passes, each by one thread.

use std::mem::MaybeUninit;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::optim::{AdamW as Composed, AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer};
use burn::tensor::{DType, Device, Tensor};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::elements::{elements, tensor};
use super::float::Float;
use crate::backend::runs_kernels;

/// Decay of the two moments.
const BETAS: [f32; 2] = [0.9, 0.999];

/// What is added to the root of the second moment.
const EPSILON: f32 = 1e-8;

/// Elements that a thread takes at once.
const CHUNK: usize = 1 << 14;

/// AdamW with β = (0.9, 0.999) and ε = 1e-8, as PyTorch has it. Its state is that of burn's AdamW.
///
/// ```
/// use edgefit_burn::AdamW;
/// use edgefit_burn::burn::optim::Optimizer;
/// use edgefit_burn::burn::tensor::{Device, Tensor};
///
/// let device = Device::flex();
/// let [parameter, gradient] = [[1.0, -2.0], [0.5, 0.25]].map(|of| Tensor::<1>::from_floats(of, &device));
/// let (parameter, _) = AdamW::new(0.0).step(0.1, parameter, gradient, None);
/// // The first step of Adam is as long as the learning rate.
/// let made = parameter.into_data().to_vec::<f32>()?;
/// assert!((made[0] - 0.9).abs() < 1e-6 && (made[1] + 2.1).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AdamW {
    weight_decay: f32,
    /// For backends without kernels.
    composed: Composed,
}

impl AdamW {
    /// With a decay of the parameters by `weight_decay` times the learning rate in each step.
    pub fn new(weight_decay: f32) -> Self {
        let config = AdamWConfig::new()
            .with_beta_1(BETAS[0])
            .with_beta_2(BETAS[1])
            .with_epsilon(EPSILON)
            .with_weight_decay(weight_decay);
        AdamW {
            weight_decay,
            composed: config.build(),
        }
    }
}

impl Optimizer for AdamW {
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: f64,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamWState<D>>,
    ) -> (Tensor<D>, Option<AdamWState<D>>) {
        if !runs_kernels(&parameter.device()) {
            return self
                .composed
                .step(learning_rate, parameter, gradient, state);
        }
        let (time, first, second) = match state {
            Some(AdamWState { momentum }) => {
                (momentum.time + 1, momentum.moment_1, momentum.moment_2)
            }
            None => (1, parameter.zeros_like(), parameter.zeros_like()),
        };
        let of = Step::new(learning_rate, self.weight_decay, time);
        let [parameter, gradient] = [parameter, gradient].map(Tensor::into_dispatch);
        let [first, second] = [first, second].map(Tensor::into_dispatch);
        let made = <Dispatch as Stepped>::stepped(parameter, gradient, first, second, of);
        let (parameter, first, second) = made;
        let [parameter, first, second] = [parameter, first, second].map(Tensor::from_dispatch);
        let momentum = AdaptiveMomentumState::new(time, first, second);
        (parameter, Some(AdamWState::new(momentum)))
    }

    fn to_device<const D: usize>(state: AdamWState<D>, device: &Device) -> AdamWState<D> {
        Composed::to_device(state, device)
    }
}

/// The factors of a step.
#[derive(Debug, Clone, Copy)]
struct Step {
    learning_rate: f64,
    /// What is left of a parameter.
    kept: f64,
    /// By which the moments are too small, since they began as 0.
    corrections: [f64; 2],
}

impl Step {
    /// The step number `time`, from 1.
    fn new(learning_rate: f64, weight_decay: f32, time: usize) -> Self {
        let time = time as i32;
        Step {
            learning_rate,
            kept: 1.0 - learning_rate * f64::from(weight_decay),
            corrections: BETAS.map(|beta| f64::from(1.0 - beta.powi(time))),
        }
    }

    fn run<T: Float>(self, read: [&FloatTensor<Flex>; 4]) -> [FloatTensor<Flex>; 3] {
        let shape = read[0].layout().shape().clone();
        let read = read.map(elements::<T>);
        let length = read[0].len();
        assert!(
            read.iter().all(|of| of.len() == length),
            "parameter, gradient and moments of {:?} elements: they have to be as many",
            read.map(<[T]>::len)
        );
        let mut made: [Vec<T>; 3] = std::array::from_fn(|_| Vec::with_capacity(length));
        let to = made
            .each_mut()
            .map(|of| &mut of.spare_capacity_mut()[..length]);
        self.write(read, to);
        made.map(|mut of| {
            // SAFETY: they are within the capacity, and `write` writes every element of all three.
            unsafe { of.set_len(length) };
            tensor(of, shape.clone())
        })
    }

    /// Writes all elements of parameter and moments.
    fn write<T: Float>(
        self,
        [parameter, gradient, first, second]: [&[T]; 4],
        [to_parameter, to_first, to_second]: [&mut [MaybeUninit<T>]; 3],
    ) {
        let arch = Arch::new();
        let read = parameter.par_chunks(CHUNK).zip(gradient.par_chunks(CHUNK));
        let read = read.zip(first.par_chunks(CHUNK).zip(second.par_chunks(CHUNK)));
        let to = to_first
            .par_chunks_mut(CHUNK)
            .zip(to_second.par_chunks_mut(CHUNK));
        let to = to_parameter.par_chunks_mut(CHUNK).zip(to);
        read.zip(to).for_each(|(read, to)| {
            let ((parameter, gradient), (first, second)) = read;
            let (to_parameter, (to_first, to_second)) = to;
            arch.dispatch(Chunk {
                of: self,
                read: [parameter, gradient, first, second],
                to: [to_parameter, to_first, to_second],
            });
        });
    }
}

#[backend_extension(Flex)]
trait Stepped: Backend {
    /// The parameter and its two moments after a step.
    fn stepped(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        of: Step,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl Stepped for Flex {
    fn stepped(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        of: Step,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let read = [parameter, gradient, first, second].map(|tensor| tensor.to_contiguous());
        let [parameter, first, second] = match read[0].dtype() {
            DType::F64 => of.run::<f64>(read.each_ref()),
            _ => of.run::<f32>(read.each_ref()),
        };
        (parameter, first, second)
    }
}

/// Neighbouring elements: parameter, gradient and moments, and parameter and moments after the step.
struct Chunk<'a, T> {
    of: Step,
    read: [&'a [T]; 4],
    to: [&'a mut [MaybeUninit<T>]; 3],
}

impl<T: Float> WithSimd for Chunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let [learning_rate, kept] = [self.of.learning_rate, self.of.kept].map(T::of);
        let corrections = self.of.corrections.map(T::of);
        let [keeps, takes] = [BETAS, BETAS.map(|beta| 1.0 - beta)].map(|of| of.map(T::from));
        let epsilon = T::from(EPSILON);
        let [parameter, gradient, first, second] = self.read;
        let [to_parameter, to_first, to_second] = self.to;
        let length = to_parameter.len();
        // One length, so that the loop has no bounds to check.
        let (parameter, gradient) = (&parameter[..length], &gradient[..length]);
        let (first, second) = (&first[..length], &second[..length]);
        let (to_first, to_second) = (&mut to_first[..length], &mut to_second[..length]);
        for at in 0..length {
            let gradient = gradient[at];
            let first = keeps[0] * first[at] + takes[0] * gradient;
            let second = keeps[1] * second[at] + takes[1] * (gradient * gradient);
            let divisor = (second / corrections[1]).root() + epsilon;
            let step = (first / corrections[0]) / divisor;
            to_parameter[at].write(kept * parameter[at] - learning_rate * step);
            to_first[at].write(first);
            to_second[at].write(second);
        }
    }
}
