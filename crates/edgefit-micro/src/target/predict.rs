//! Flash of a linked program, predicted without a compiler.

use std::collections::{BTreeMap, HashSet};

use crate::ops::{Layer, Op};
use crate::program::{Program, Source};

/// Vector table, startup, `main`, and `init`: what every program has.
const FRAME_BYTES: u64 = 64 + 84 + 92 + 16;

/// What `run` has, and in it the call of an op.
const RUN_BYTES: u64 = 20;
const CALL_BYTES: u64 = 13;

/// Code of newlib's `memcpy`, which ops that move bytes call.
const COPY: (&str, u64) = ("memcpy", 308);

/// Bytes of flash: constants, parameters of each op, a call for each, and the code of the kernels.
///
/// Code sizes are those of arm-none-eabi-gcc 12.2 at -O2 for a Cortex-M7, by `arm-none-eabi-size -A`; a
/// Cortex-M0+, which has no `__SMLAD`, takes up to 1.7 KiB more.
pub fn flash_bytes(program: &Program) -> u64 {
    let mut code = BTreeMap::new();
    let mut data = 0;
    let mut seen = HashSet::new();
    for step in &program.steps {
        code.extend(functions(&step.op).iter().copied());
        data += parameter_bytes(&step.op, step.inputs.len());
        if step.op.weighted().is_none_or(|both| seen.insert(both)) {
            data += constant_bytes(&step.op);
        }
        for source in &step.inputs {
            if let Source::Constant(bytes) = source {
                data += aligned(bytes.len());
            }
        }
    }
    let calls = RUN_BYTES + CALL_BYTES * program.steps.len() as u64;
    FRAME_BYTES + calls + code.values().sum::<u64>() + data
}

/// The functions that an op runs, with the bytes of their code.
fn functions(op: &Op) -> &'static [(&'static str, u64)] {
    match op {
        Op::Conv(conv) if !conv.is_pointwise() => &[("convolution", 1144 + 164)],
        Op::Conv(_) | Op::FullyConnected(_) => &[("product", 820 + 216 + 164)],
        Op::Depthwise(_) => &[("depthwise", 1376 + 164)],
        Op::Add(_) => &[("elementwise", 176), ("add", 28 + 520)],
        Op::Mul(_) => &[("elementwise", 176), ("multiply", 28 + 192)],
        Op::AveragePool(_) => &[("pool", 248), ("average", 12 + 176)],
        Op::MaxPool(_) => &[("pool", 248), ("maximum", 12 + 112)],
        Op::Mean(_) => &[("mean", 276)],
        Op::Pad(_) => &[("pad", 128), COPY],
        Op::Concat(_) => &[("concatenation", 80), COPY],
        Op::Transpose(_) => &[("transposition", 116)],
        Op::ResizeNearest(_) => &[("resize", 88), COPY],
        Op::CopyRows(_) => &[("rows", 56), COPY],
        Op::Softmax(_) => &[("softmax", 824 + 224 + 28)],
        Op::Table(_) => &[("table", 32)],
    }
}

/// Bytes of the structure that a kernel is given, by `ef_kernels.h` on a core with pointers of 4 bytes.
fn parameter_bytes(op: &Op, inputs: usize) -> u64 {
    match op {
        Op::Conv(conv) if !conv.is_pointwise() => 92,
        Op::Conv(_) | Op::FullyConnected(_) => 44,
        Op::Depthwise(_) => 88,
        Op::Add(_) => 92,
        Op::Mul(_) => 76,
        Op::AveragePool(_) | Op::MaxPool(_) => 56,
        Op::Mean(_) => 24,
        Op::Pad(_) => 40,
        Op::Concat(_) => 12 + 4 * inputs as u64,
        Op::Transpose(_) => 32,
        Op::ResizeNearest(_) => 28,
        Op::CopyRows(_) => 24,
        Op::Softmax(_) => 20,
        Op::Table(_) => 0,
    }
}

/// Bytes of the constants of an op, each array up to the next word.
fn constant_bytes(op: &Op) -> u64 {
    let layer = |weights: &[i8], layer: &Layer| {
        let channels = layer.bias.len();
        aligned(weights.len()) + 8 * channels as u64 + aligned(channels)
    };
    match op {
        Op::Conv(op) => layer(&op.weights, &op.layer),
        Op::Depthwise(op) => layer(&op.weights, &op.layer),
        Op::FullyConnected(op) => layer(&op.weights, &op.layer),
        Op::ResizeNearest(op) => aligned(2 * op.rows.len()) + aligned(2 * op.columns.len()),
        _ => op.constant_bytes(),
    }
}

fn aligned(bytes: usize) -> u64 {
    bytes.next_multiple_of(4) as u64
}
