//! The integer ops, each with a plain reference; what the C of them calls is made in `c/model.rs`, its kernels lie in the
//! folder `c` of this crate.
//!
//! Arithmetic: TFLite's int8 specification and the reference kernels in TensorFlow's
//! `kernels/internal/reference/integer_ops`.

mod conv;
mod copy_rows;
mod elementwise;
mod fully_connected;
mod layer;
mod lead;
mod pool;
mod rearrange;
mod softmax;
mod window;

pub use conv::{Conv, Depthwise};
pub use copy_rows::CopyRows;
pub use elementwise::{Add, Broadcast, Mul};
pub use fully_connected::FullyConnected;
pub use layer::Layer;
pub(crate) use lead::Sliding;
pub use pool::{AveragePool, MaxPool, Mean};
pub use rearrange::{Concat, Pad, ResizeNearest, Transpose};
pub use softmax::Softmax;
pub(crate) use softmax::WIDEST_ROW;
pub use window::{Image, Window};

/// An integer op.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Op {
    Conv(Conv),
    Depthwise(Depthwise),
    FullyConnected(FullyConnected),
    Add(Add),
    Mul(Mul),
    AveragePool(AveragePool),
    MaxPool(MaxPool),
    Mean(Mean),
    Pad(Pad),
    Concat(Concat),
    Transpose(Transpose),
    ResizeNearest(ResizeNearest),
    Softmax(Softmax),
    /// A part of an image out of it or into it.
    CopyRows(CopyRows),
    /// Each byte replaced by what the table says; the first entry is for −128.
    Table(Vec<i8>),
}

impl Op {
    /// Computes `output` from `inputs`; what [`Op::CopyRows`] does not write of it stays.
    pub fn run(&self, inputs: &[&[i8]], output: &mut [i8]) {
        let first = inputs.first().copied().unwrap_or_default();
        let second = inputs.get(1).copied().unwrap_or_default();
        match self {
            Op::Conv(op) => op.run(first, output),
            Op::Depthwise(op) => op.run(first, output),
            Op::FullyConnected(op) => op.run(first, output),
            Op::Add(op) => op.run(first, second, output),
            Op::Mul(op) => op.run(first, second, output),
            Op::AveragePool(op) => op.run(first, output),
            Op::MaxPool(op) => op.run(first, output),
            Op::Mean(op) => op.run(first, output),
            Op::Pad(op) => op.run(first, output),
            Op::Concat(op) => op.run(inputs, output),
            Op::Transpose(op) => op.run(first, output),
            Op::ResizeNearest(op) => op.run(first, output),
            Op::Softmax(op) => op.run(first, output),
            Op::CopyRows(op) => op.run(first, output),
            Op::Table(table) => {
                for (to, from) in output.iter_mut().zip(first) {
                    *to = table[(i32::from(*from) + 128) as usize];
                }
            }
        }
    }

    /// The weights and the layer of an op that has them.
    pub fn weighted(&self) -> Option<(&[i8], &Layer)> {
        match self {
            Op::Conv(op) => Some((&op.weights, &op.layer)),
            Op::Depthwise(op) => Some((&op.weights, &op.layer)),
            Op::FullyConnected(op) => Some((&op.weights, &op.layer)),
            _ => None,
        }
    }

    /// Bytes of its weights, biases, multipliers and tables.
    pub fn constant_bytes(&self) -> u64 {
        if let Some((weights, layer)) = self.weighted() {
            return weights.len() as u64 + layer.constant_bytes();
        }
        match self {
            Op::ResizeNearest(op) => 2 * (op.rows.len() + op.columns.len()) as u64,
            Op::Concat(op) => 4 * op.runs.len() as u64,
            Op::Table(table) => table.len() as u64,
            _ => 0,
        }
    }
}
