//! Flash of a linked program, predicted without a compiler.

use std::collections::{BTreeMap, HashSet};

use super::core::Core;
use crate::ops::{Layer, Op};
use crate::program::{Program, Source};

/// What every program has: vector table or first instructions, startup, `main`, and `init`.
const FRAME: Size = Size([256, 252, 256, 256, 256, 244]);

/// What `run` has, and in it the call of an op.
const RUN: Size = Size([4, 4, 4, 4, 4, 14]);
const CALL: Size = Size([15, 15, 15, 15, 15, 20]);

/// Of the C library, which ops that move bytes call.
const COPY: Function = ("memcpy", Size([308, 308, 236, 236, 152, 40]));

/// Of the compiler's library, where the core has no instruction for it.
const DIVIDE: Function = ("division", Size([0, 0, 0, 0, 468, 0]));
const MULTIPLY: Function = ("multiplication to 64 bits", Size([0, 0, 0, 0, 92, 0]));

/// What ops of two values share, and pools.
const ELEMENTWISE: Function = ("elementwise", Size([176, 176, 188, 188, 208, 250]));
const POOL: Function = ("pool", Size([248, 248, 248, 248, 316, 300]));

/// Bytes of code for a Cortex-M7, M4, M33, M55, M0+, and RV32IMC: of gcc 12.2 at -O2, by `size -A` of the object, for RISC-V
/// by `nm -S` of what is linked.
#[derive(Debug, Clone, Copy)]
struct Size([u64; 6]);

impl Size {
    fn on(self, core: Core) -> u64 {
        let Size([m7, m4, m33, m55, m0_plus, risc_v]) = self;
        match core {
            Core::CortexM7 => m7,
            Core::CortexM4 => m4,
            Core::CortexM33 => m33,
            Core::CortexM55 => m55,
            Core::CortexM0Plus => m0_plus,
            Core::Rv32Imc | Core::Rv32Imac => risc_v,
        }
    }
}

/// A function with the size of its code.
type Function = (&'static str, Size);

/// By how many bytes what is linked may exceed what is predicted: for each call one constant more that the compiler
/// loads. Of programs of 16 to 700 steps for six cores it was 3 B a call at most.
pub fn uncertain_bytes(program: &Program) -> u64 {
    64 + 4 * program.steps.len() as u64
}

/// Bytes of flash on `core`: constants, parameters of each op, a call for each, and the code of the kernels.
pub fn flash_bytes(program: &Program, core: Core) -> u64 {
    let kernels = program.steps.iter().flat_map(|step| functions(&step.op));
    let kernels: BTreeMap<_, _> = kernels.copied().collect();
    let calls = RUN.on(core) + CALL.on(core) * program.steps.len() as u64;
    let code = kernels.values().map(|size| size.on(core)).sum::<u64>();
    FRAME.on(core) + calls + code + data_bytes(program)
}

/// What of them is no code, and the same on every core: constants and the parameters of each op.
pub fn data_bytes(program: &Program) -> u64 {
    let mut data = 0;
    let mut seen = HashSet::new();
    for step in &program.steps {
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
    data
}

/// The functions that an op runs.
fn functions(op: &Op) -> &'static [Function] {
    match op {
        Op::Conv(conv) if !conv.is_pointwise() => &[
            ("convolution", Size([1308, 1288, 1264, 1384, 1340, 1302])),
            DIVIDE,
            MULTIPLY,
        ],
        Op::Conv(_) | Op::FullyConnected(_) => &[
            ("product", Size([1200, 1140, 1164, 1176, 1680, 1826])),
            MULTIPLY,
        ],
        Op::Depthwise(_) => &[
            ("depthwise", Size([1540, 1532, 1476, 1512, 756, 718])),
            DIVIDE,
            MULTIPLY,
        ],
        Op::Add(_) => &[
            ELEMENTWISE,
            ("add", Size([548, 500, 496, 496, 624, 700])),
            MULTIPLY,
        ],
        Op::Mul(_) => &[
            ELEMENTWISE,
            ("multiply", Size([220, 208, 208, 208, 244, 290])),
            MULTIPLY,
        ],
        Op::AveragePool(_) => &[
            POOL,
            ("average", Size([188, 188, 168, 172, 212, 170])),
            DIVIDE,
        ],
        Op::MaxPool(_) => &[
            POOL,
            ("maximum", Size([124, 124, 128, 136, 192, 146])),
            DIVIDE,
        ],
        Op::Mean(_) => &[
            ("mean", Size([276, 280, 276, 280, 448, 454])),
            DIVIDE,
            MULTIPLY,
        ],
        Op::Pad(_) => &[("pad", Size([128, 120, 120, 120, 120, 174])), COPY],
        Op::Concat(_) => &[("concatenation", Size([80, 80, 80, 80, 88, 114])), COPY],
        Op::Transpose(_) => &[("transposition", Size([116, 116, 116, 116, 120, 120]))],
        Op::ResizeNearest(_) => &[("resize", Size([88, 92, 88, 88, 104, 132])), COPY],
        Op::CopyRows(_) => &[("rows", Size([60, 60, 60, 60, 68, 94])), COPY],
        Op::Softmax(_) => &[
            ("softmax", Size([1076, 1060, 1060, 1076, 1416, 1416])),
            MULTIPLY,
        ],
        Op::Table(_) => &[("table", Size([32, 32, 32, 40, 28, 30]))],
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
