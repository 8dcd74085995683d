//! What each op of `ops` takes and keeps in burn 0.22 (`burn-autodiff`, `burn-flex`).

use edgefit_graph::ops::{Binary, Op, PoolKind, ReduceKind, Unary, Variadic};

use super::convolution;
use crate::program::Step;

/// Bytes of an element.
pub(super) const FLOAT: u64 = 4;

/// Bytes of a tensor of floats.
pub(super) fn bytes(dims: &[usize]) -> u64 {
    dims.iter()
        .fold(FLOAT, |bytes, &size| bytes.saturating_mul(size as u64))
}

/// Where the result of an op lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In memory of its own.
    New,
    /// Over an operand of the same size that nobody else holds, else in memory of its own.
    Over,
    /// In the memory of the first operand.
    View,
    /// In the memory of the first operand if its elements lie in order, else in memory of its own.
    Renamed,
}

/// Where the gradients of the operands lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gradient {
    /// Each in memory of its own.
    New,
    /// In the memory of the result's gradient, where they have its size.
    Passed,
}

/// What an op does with memory.
#[derive(Debug)]
pub(super) struct Keeps {
    pub place: Place,
    /// Whether the elements of the result lie out of order.
    pub strided: bool,
    /// Operands that the backward pass reads.
    pub operands: Vec<usize>,
    /// Bytes of masks, indices and intermediate results that it reads.
    pub own: u64,
    /// Sizes of what the forward pass holds for a moment, beyond operands, result and what it keeps.
    pub forward: Vec<u64>,
    /// Sizes of what the backward pass holds for a moment, beyond gradients and what was kept.
    pub backward: Vec<u64>,
    pub gradient: Gradient,
}

impl Keeps {
    pub fn new(place: Place, gradient: Gradient) -> Self {
        Keeps {
            place,
            strided: false,
            operands: Vec::new(),
            own: 0,
            forward: Vec::new(),
            backward: Vec::new(),
            gradient,
        }
    }

    fn operands(mut self, operands: &[usize]) -> Self {
        self.operands = operands.to_vec();
        self
    }

    fn own(mut self, bytes: u64) -> Self {
        self.own = bytes;
        self
    }

    fn forward(mut self, sizes: &[u64]) -> Self {
        self.forward = sizes.to_vec();
        self
    }

    fn backward(mut self, sizes: &[u64]) -> Self {
        self.backward = sizes.to_vec();
        self
    }

    /// What `step` keeps when gradients reach the operands that are `tracked`.
    pub fn of(step: &Step, tracked: &[bool]) -> Self {
        let tapes = tracked.contains(&true);
        let x = step.input_dims.first().map_or(0, |dims| bytes(dims));
        let y = step.types.first().map_or(0, |ty| bytes(&ty.dims));
        let tracks = |index: usize| tracked.get(index).is_some_and(|tracked| *tracked);
        let mut keeps = match &step.op {
            Op::Conv(conv) => convolution::keeps(conv, step, tracked),
            // The batch's own statistics where the scale is trained.
            Op::BatchNormalization(op) if tracks(1) || op.training_mode => {
                Keeps::new(Place::New, Gradient::New)
                    .operands(&[0])
                    .forward(&[x])
                    .backward(&[x; 2])
            }
            Op::BatchNormalization(_) => Keeps::new(Place::Over, Gradient::Passed),
            // The centred input, and the normalised one for the gradient of the scale.
            Op::LayerNormalization(_) | Op::GroupNormalization(_) => {
                let centred = if tracks(0) { x } else { 0 };
                let normalized = if tracks(1) { x } else { 0 };
                Keeps::new(Place::New, Gradient::New)
                    .own(centred + normalized)
                    .forward(&[x])
                    .backward(&[x; 3])
            }
            Op::Gemm(_) | Op::MatMul(_) | Op::Einsum(_) => product(step, tracked),
            Op::Unary(unary) => self::unary(*unary, x),
            Op::Binary(binary) => self::binary(*binary, step, tracked),
            Op::Variadic(Variadic::Sum | Variadic::Mean) => {
                Keeps::new(Place::Over, Gradient::Passed)
            }
            // The exponential, and what it is of, which lies over the operand.
            Op::Softmax(_) => Keeps::new(Place::Over, Gradient::New)
                .operands(&[0])
                .own(if tapes { x } else { 0 })
                .backward(&[x; 2]),
            // Where the maximum was, in 64-bit integers.
            Op::Pool(pool) => {
                let places = if tapes && pool.kind == PoolKind::Max {
                    2 * y
                } else {
                    0
                };
                Keeps::new(Place::New, Gradient::New)
                    .operands(&[0])
                    .own(places)
            }
            Op::Reduce(reduce) => match reduce.kind {
                ReduceKind::Mean | ReduceKind::Sum => {
                    Keeps::new(Place::New, Gradient::New).backward(&[x])
                }
                _ => Keeps::new(Place::New, Gradient::New)
                    .operands(&[0])
                    .own(2 * y)
                    .backward(&[x]),
            },
            Op::Transpose(_) => {
                let mut view = Keeps::new(Place::View, Gradient::Passed);
                view.strided = true;
                view
            }
            Op::Flatten(_) | Op::Reshape(_) | Op::Squeeze(_) | Op::Unsqueeze(_) | Op::Cast(_) => {
                Keeps::new(Place::Renamed, Gradient::Passed)
            }
            // The gradient of a part is put among zeros.
            Op::Split(_) | Op::Slice(_) | Op::Gather(_) => {
                let mut view = Keeps::new(Place::View, Gradient::New).backward(&[x]);
                view.strided = true;
                view
            }
            Op::Expand(_) => Keeps::new(Place::View, Gradient::New),
            Op::Concat(_) | Op::Pad(_) | Op::Tile(_) | Op::BlockMove(_) => {
                Keeps::new(Place::New, Gradient::New)
            }
            Op::Dropout { .. } => Keeps::new(Place::Over, Gradient::Passed).own(x),
            _ => Keeps::new(Place::New, Gradient::New)
                .operands(&[0, 1, 2])
                .forward(&[y])
                .backward(&[y.max(x)]),
        };
        if !tapes {
            keeps.forward.push(keeps.own);
            keeps.own = 0;
        }
        keeps
    }
}

/// A byte for each element says whether it was within the limits.
fn mask(x: u64) -> u64 {
    x / FLOAT
}

fn unary(unary: Unary, x: u64) -> Keeps {
    let read = Keeps::new(Place::Over, Gradient::New).operands(&[0]);
    match unary {
        Unary::Identity | Unary::Neg => Keeps::new(Place::Over, Gradient::Passed),
        // The gradient is written over the operand.
        Unary::Relu => Keeps::new(Place::Over, Gradient::Passed).operands(&[0]),
        Unary::Clip { .. } | Unary::HardSigmoid { .. } => {
            Keeps::new(Place::Over, Gradient::Passed).own(mask(x))
        }
        // x and the clamped factor, each for the gradient of the other.
        Unary::HardSwish => read.own(x + mask(x)).backward(&[x]),
        Unary::Round | Unary::Ceil | Unary::Floor | Unary::Sign => {
            Keeps::new(Place::Over, Gradient::New)
        }
        _ => read.backward(&[x]),
    }
}

fn binary(binary: Binary, step: &Step, tracked: &[bool]) -> Keeps {
    let y = step.types.first().map_or(0, |ty| bytes(&ty.dims));
    let both = tracked.iter().filter(|tracked| **tracked).count() > 1;
    // The gradient of an operand that was broadcast is summed from one of the size of the result.
    let spread = step.input_dims.iter().zip(tracked);
    let spread = spread
        .into_iter()
        .any(|(dims, tracked)| *tracked && bytes(dims) < y);
    let scratch = if spread { y } else { 0 };
    let gradient = if both {
        Gradient::New
    } else {
        Gradient::Passed
    };
    let of_the_other: Vec<usize> = (0..2)
        .filter(|index| tracked.get(1 - index) == Some(&true))
        .collect();
    match binary {
        Binary::Add | Binary::Sub => Keeps::new(Place::Over, Gradient::Passed),
        Binary::Mul => Keeps::new(Place::Over, gradient)
            .operands(&of_the_other)
            .backward(&[scratch]),
        Binary::Div if tracked.get(1) == Some(&true) => Keeps::new(Place::Over, Gradient::New)
            .operands(&[0, 1])
            .backward(&[y, scratch]),
        Binary::Div => Keeps::new(Place::Over, Gradient::Passed).operands(&[1]),
        _ => Keeps::new(Place::New, Gradient::New)
            .operands(&[0, 1])
            .backward(&[y, scratch]),
    }
}

/// Each factor is kept for the gradient of the other.
fn product(step: &Step, tracked: &[bool]) -> Keeps {
    let factors = 0..step.input_dims.len().min(2);
    let other = |index: &usize| tracked.get(1 - index) == Some(&true);
    let kept: Vec<usize> = factors.filter(other).collect();
    // The gradient of a matrix that all samples share is made for each of them, then summed.
    let of_each = match (step.types.first(), step.input_dims.get(1)) {
        (Some(ty), Some(dims))
            if tracked.get(1) == Some(&true) && ty.dims.len() > dims.len().max(2) =>
        {
            let samples: usize = ty.dims[..ty.dims.len() - 2].iter().product();
            bytes(dims).saturating_mul(samples as u64)
        }
        _ => 0,
    };
    Keeps::new(Place::New, Gradient::New)
        .operands(&kept)
        .backward(&[of_each])
}
