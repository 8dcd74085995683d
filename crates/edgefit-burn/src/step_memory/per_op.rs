//! What each op of `ops` takes and keeps in burn 0.22 (`burn-autodiff`, `burn-flex`).

use edgefit_base::threads;
use edgefit_graph::ops::{Binary, LayerNormalization, Op, PoolKind, ReduceKind, Unary, Variadic};

use super::convolution;
use super::op_memory::{FLOAT_BYTES, GradientMemory, OpMemory, ResultMemory, tensor_bytes};
use crate::fused_step::{Fused, FusedConvolution};
use crate::ops::{Activation, Kept, is_gate, rows_in_one_pass};
use crate::program::{Step, Work};

/// How `step` uses memory when gradients reach the operands that are `tracked`.
pub(super) fn op_memory(step: &Step, tracked: &[bool]) -> OpMemory {
    let tapes = tracked.contains(&true);
    let x = step.input_dims.first().map_or(0, |dims| tensor_bytes(dims));
    let y = step.types.first().map_or(0, |ty| tensor_bytes(&ty.dims));
    let tracks = |index: usize| tracked.get(index).is_some_and(|tracked| *tracked);
    let op = match &step.work {
        Work::Op(op) => op,
        Work::Fused(fused) => return fused_memory(fused, step, tracked),
    };
    let mut memory = match op {
        Op::Conv(conv) => convolution::conv_memory(conv, Activation::Identity, step, tracked),
        // The batch's own statistics where the scale is trained.
        Op::BatchNormalization(op) if tracks(1) || op.training_mode => {
            OpMemory::new(ResultMemory::New, GradientMemory::New)
                .operands(&[0])
                .forward(&[x])
                .backward(&[x; 2])
        }
        Op::BatchNormalization(_) => {
            OpMemory::new(ResultMemory::OverOperand, GradientMemory::OfResult)
        }
        Op::LayerNormalization(op) => {
            let in_rows = row_normalization(op, step);
            in_rows.unwrap_or_else(|| composed_normalization(x, tracks(0), tracks(1)))
        }
        Op::GroupNormalization(_) => composed_normalization(x, tracks(0), tracks(1)),
        Op::Gemm(_) | Op::MatMul(_) | Op::Einsum(_) => product(step, tracked),
        Op::Unary(unary) => self::unary(*unary, x),
        Op::Binary(binary) => self::binary(*binary, step, tracked),
        Op::Variadic(Variadic::Sum | Variadic::Mean) => {
            OpMemory::new(ResultMemory::OverOperand, GradientMemory::OfResult)
        }
        // The exponential, and x less its maximum, which overwrites x.
        Op::Softmax(_) => OpMemory::new(ResultMemory::OverOperand, GradientMemory::New)
            .operands(&[0])
            .intermediates(if tapes { x } else { 0 })
            .backward(&[x; 2]),
        // The indices of the maxima, in 64-bit integers, are made even where nobody keeps them.
        Op::Pool(pool) => {
            let indices = match pool.kind {
                PoolKind::Max => 2 * y,
                PoolKind::Average { .. } => 0,
            };
            let memory = OpMemory::new(ResultMemory::New, GradientMemory::New);
            if !tapes {
                return memory.forward(&[indices]);
            }
            let mut single = step.types.iter().flat_map(|ty| ty.dims.get(2..)).flatten();
            // Means of whole planes are spread again.
            if pool.kind != PoolKind::Max && single.all(|&size| size == 1) {
                memory
            } else {
                memory.operands(&[0]).intermediates(indices)
            }
        }
        Op::Reduce(reduce) => match reduce.kind {
            ReduceKind::Mean | ReduceKind::Sum => {
                OpMemory::new(ResultMemory::New, GradientMemory::New).backward(&[x])
            }
            _ => OpMemory::new(ResultMemory::New, GradientMemory::New)
                .operands(&[0])
                .intermediates(2 * y)
                .backward(&[x]),
        },
        Op::Transpose(_) => {
            let mut view = OpMemory::new(ResultMemory::View, GradientMemory::OfResult);
            view.strided = true;
            view
        }
        Op::Flatten(_) | Op::Reshape(_) | Op::Squeeze(_) | Op::Unsqueeze(_) | Op::Cast(_) => {
            OpMemory::new(ResultMemory::Reshaped, GradientMemory::OfResult)
        }
        // The gradient of a slice is written among zeros.
        Op::Split(_) | Op::Slice(_) | Op::Gather(_) => {
            let mut view = OpMemory::new(ResultMemory::View, GradientMemory::New).backward(&[x]);
            view.strided = true;
            view
        }
        Op::Expand(_) => OpMemory::new(ResultMemory::View, GradientMemory::New),
        Op::Concat(_) | Op::Pad(_) | Op::Tile(_) | Op::BlockMove(_) => {
            OpMemory::new(ResultMemory::New, GradientMemory::New)
        }
        Op::Dropout { .. } => {
            OpMemory::new(ResultMemory::OverOperand, GradientMemory::OfResult).intermediates(x)
        }
        // The input, for the gradient of the scale, and a mask of a byte an element for each end of the clamp.
        Op::Quantize(_) => OpMemory::new(ResultMemory::New, GradientMemory::New)
            .operands(&[0])
            .intermediates(if tapes { 2 * y / FLOAT_BYTES } else { 0 })
            .forward(&[y])
            .backward(&[y.max(x)]),
        _ => OpMemory::new(ResultMemory::New, GradientMemory::New)
            .operands(&[0, 1, 2])
            .forward(&[y])
            .backward(&[y.max(x)]),
    };
    if !tapes {
        memory.forward.push(memory.intermediates);
        memory.intermediates = 0;
    }
    memory
}

fn fused_memory(fused: &Fused, step: &Step, tracked: &[bool]) -> OpMemory {
    let tapes = tracked.contains(&true);
    let FusedConvolution {
        conv,
        normalization,
        activation,
    } = match fused {
        Fused::Activation(activation) => return activation_memory(*activation),
        Fused::Attention(_) => return attention_memory(step),
        // The gradient is written over that of the result.
        Fused::FakeQuantize(_) => {
            return OpMemory::new(ResultMemory::New, GradientMemory::OfResult).operands(&[0]);
        }
        Fused::Linear(layer) => return linear_memory(layer.activation, step, tapes),
        Fused::Convolution(fused) => fused,
    };
    let of_batch = normalization.is_some() && tracked.get(3) == Some(&true);
    let within = if tapes && !of_batch {
        *activation
    } else {
        Activation::Identity
    };
    let mut memory = convolution::conv_memory(conv, within, step, tracked);
    let size = |dims: Option<&Vec<usize>>| dims.map_or(0, |dims| tensor_bytes(dims));
    let y = size(step.types.first().map(|ty| &ty.dims));
    if of_batch {
        // The sums, which the normalisation reads, and what the activation does.
        memory.intermediates += y;
        match activation.kept() {
            Kept::Nothing => {}
            Kept::Operand => memory.intermediates += y,
            Kept::Result => memory.keeps_result = true,
        }
        // The gradient before the normalisation with its scratch, when what the activation keeps is gone, or the
        // scratch of the convolution, when the sums are, too.
        let of_x = size(step.input_dims.first().filter(|_| tracked[0]));
        let gone = if activation.kept() == Kept::Nothing {
            0
        } else {
            y
        };
        let normalizing = (3 * y).saturating_sub(of_x + gone);
        let convolving = memory.backward.iter().sum::<u64>().saturating_sub(y + gone);
        memory.backward = vec![normalizing.max(convolving)];
    } else if normalization.is_some() {
        // The weight times the scale.
        let weight = size(step.input_dims.get(1));
        if tapes {
            memory.intermediates += weight;
        } else {
            memory.forward.push(weight);
        }
    }
    memory
}

/// Normalisation of rows in one pass keeps its input, and mean and deviation of each row. Its gradient is written over
/// that of the result.
fn row_normalization(op: &LayerNormalization, step: &Step) -> Option<OpMemory> {
    let weights = step.inputs.iter().zip(&step.input_dims).skip(1);
    let weights = weights.filter(|(slot, _)| slot.is_some());
    let weights: Vec<Vec<usize>> = weights.map(|(_, dims)| dims.clone()).collect();
    let x = step.input_dims.first()?;
    let [rows, _] = rows_in_one_pass(op, x, &weights, step.types.len())?;
    Some(
        OpMemory::new(ResultMemory::New, GradientMemory::OfResult)
            .operands(&[0])
            .intermediates(tensor_bytes(&[rows, 2])),
    )
}

/// Normalisation by ops of burn keeps the centred input, of `x` bytes, and the normalised one for the gradient of the
/// scale.
fn composed_normalization(x: u64, of_x: bool, of_scale: bool) -> OpMemory {
    let kept = u64::from(of_x) + u64::from(of_scale);
    OpMemory::new(ResultMemory::New, GradientMemory::New)
        .intermediates(kept * x)
        .forward(&[x])
        .backward(&[x; 3])
}

/// Attention keeps its operands and a number for each row of scores. The scores of a head are scratch of each thread,
/// and results and gradients are brought into another order.
fn attention_memory(step: &Step) -> OpMemory {
    let y = step.types.first().map_or(&[][..], |ty| ty.dims.as_slice());
    let &[samples, heads, positions, _] = y else {
        return OpMemory::new(ResultMemory::New, GradientMemory::New).operands(&[0, 1, 2]);
    };
    let others = match step.input_dims.get(1) {
        Some(keys) => keys.last().copied().unwrap_or(0),
        None => positions,
    };
    let threads = threads();
    let scores = tensor_bytes(&[threads.min(samples * heads), positions, others]);
    OpMemory::new(ResultMemory::New, GradientMemory::New)
        .operands(&[0, 1, 2])
        .intermediates(tensor_bytes(&y[..3]))
        .forward(&[scores, tensor_bytes(y)])
        .backward(&[scores, scores, 3 * tensor_bytes(y)])
}

/// A linear layer keeps its input, and what its activation does. The gradient before the activation is written over
/// that behind it.
fn linear_memory(activation: Activation, step: &Step, tapes: bool) -> OpMemory {
    let mut memory = OpMemory::new(ResultMemory::New, GradientMemory::New).operands(&[0, 1]);
    match activation.kept() {
        Kept::Operand if tapes => {
            memory.intermediates = step.types.first().map_or(0, |ty| tensor_bytes(&ty.dims));
        }
        Kept::Result => memory.keeps_result = true,
        _ => {}
    }
    memory
}

/// How an activation by our own kernel uses memory.
fn activation_memory(activation: Activation) -> OpMemory {
    match activation.kept() {
        Kept::Nothing => OpMemory::new(ResultMemory::OverOperand, GradientMemory::OfResult),
        Kept::Operand => {
            OpMemory::new(ResultMemory::OverOperand, GradientMemory::OfResult).operands(&[0])
        }
        Kept::Result => {
            OpMemory::new(ResultMemory::OverOperand, GradientMemory::OfResult).keeping_result()
        }
    }
}

fn unary(unary: Unary, x: u64) -> OpMemory {
    if let Some(activation) = Activation::of(unary) {
        return activation_memory(activation);
    }
    match unary {
        Unary::Neg => OpMemory::new(ResultMemory::OverOperand, GradientMemory::OfResult),
        Unary::Round | Unary::Ceil | Unary::Floor | Unary::Sign => {
            OpMemory::new(ResultMemory::OverOperand, GradientMemory::New)
        }
        _ => OpMemory::new(ResultMemory::OverOperand, GradientMemory::New)
            .operands(&[0])
            .backward(&[x]),
    }
}

fn binary(binary: Binary, step: &Step, tracked: &[bool]) -> OpMemory {
    let y = step.types.first().map_or(0, |ty| tensor_bytes(&ty.dims));
    let both = tracked.iter().filter(|tracked| **tracked).count() > 1;
    // The gradient of an operand that was broadcast is summed from one of the size of the result.
    let spread = step.input_dims.iter().zip(tracked);
    let spread = spread
        .into_iter()
        .any(|(dims, tracked)| *tracked && tensor_bytes(dims) < y);
    let scratch = if spread { y } else { 0 };
    let gradient = if both {
        GradientMemory::New
    } else {
        GradientMemory::OfResult
    };
    let of_the_other: Vec<usize> = (0..2)
        .filter(|index| tracked.get(1 - index) == Some(&true))
        .collect();
    match binary {
        Binary::Add | Binary::Sub => {
            OpMemory::new(ResultMemory::OverOperand, GradientMemory::OfResult)
        }
        Binary::Mul if gates(step) => {
            OpMemory::new(ResultMemory::New, GradientMemory::New).operands(&[0, 1])
        }
        Binary::Mul => OpMemory::new(ResultMemory::OverOperand, gradient)
            .operands(&of_the_other)
            .backward(&[scratch]),
        Binary::Div if tracked.get(1) == Some(&true) => {
            OpMemory::new(ResultMemory::OverOperand, GradientMemory::New)
                .operands(&[0, 1])
                .backward(&[y, scratch])
        }
        Binary::Div => {
            OpMemory::new(ResultMemory::OverOperand, GradientMemory::OfResult).operands(&[1])
        }
        _ => OpMemory::new(ResultMemory::New, GradientMemory::New)
            .operands(&[0, 1])
            .backward(&[y, scratch]),
    }
}

/// Whether one factor is a number for each plane of the other.
fn gates(step: &Step) -> bool {
    match step.input_dims.as_slice() {
        [a, b] => is_gate(a, b) || is_gate(b, a),
        _ => false,
    }
}

/// Each factor is kept for the gradient of the other.
fn product(step: &Step, tracked: &[bool]) -> OpMemory {
    let factors = 0..step.input_dims.len().min(2);
    let other = |index: &usize| tracked.get(1 - index) == Some(&true);
    let kept: Vec<usize> = factors.filter(other).collect();
    // The gradient of a matrix that all samples share is made for each of them, then summed.
    let of_each = match (step.types.first(), step.input_dims.get(1)) {
        (Some(ty), Some(dims))
            if tracked.get(1) == Some(&true) && ty.dims.len() > dims.len().max(2) =>
        {
            let samples: usize = ty.dims[..ty.dims.len() - 2].iter().product();
            tensor_bytes(dims).saturating_mul(samples as u64)
        }
        _ => 0,
    };
    OpMemory::new(ResultMemory::New, GradientMemory::New)
        .operands(&kept)
        .backward(&[of_each])
}
