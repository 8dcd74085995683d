//! What a probe found on a machine: how fast each engine runs each class of op.

use serde::{Deserialize, Serialize};

use crate::profile::ElementType;

/// Measured times of one class of op in one engine.
///
/// The class is one of [`class`]'s names, or `image:OP` and `token:OP` for an ONNX op between
/// convolutions or between matrix products.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Engine that ran it.
    pub engine: String,
    /// Type of weights and activations.
    pub element_type: ElementType,
    /// Threads that it ran with.
    pub threads: u32,
    /// Class of op.
    pub class: String,
    /// The engine lays channels out in blocks of this many, and computes the padding too.
    pub channel_block: u32,
    /// What was measured.
    pub points: Vec<Point>,
}

/// Names of the classes that multiply and accumulate.
pub mod class {
    /// 1×1 convolution.
    pub const POINTWISE: &str = "pointwise";
    /// Convolution over all input channels, larger than 1×1.
    pub const DENSE: &str = "dense";
    /// Convolution with as many groups as input channels.
    pub const DEPTHWISE: &str = "depthwise";
    /// Convolution with groups of several channels.
    pub const GROUPED: &str = "grouped";
    /// Product of a matrix with a constant one.
    pub const GEMM: &str = "gemm";
    /// Products of two activations, a batch of them.
    pub const MATMUL: &str = "matmul";
    /// A node that computes next to nothing: another shape for the same elements.
    pub const VIEW: &str = "view";
    /// A node of the arithmetic of shapes.
    pub const SHAPE: &str = "shape";
}

/// Time of one op of known size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "[u64; 6]", into = "[u64; 6]")]
pub struct Point {
    /// Size.
    pub size: OpSize,
    /// Nanoseconds.
    pub ns: u64,
}

/// Size of an op, as far as its speed depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpSize {
    /// Input channels of a group; the inner dimension of a matrix product.
    pub inputs: u64,
    /// Output channels; columns of a matrix product.
    pub outputs: u64,
    /// Output pixels of all samples; rows of a matrix product.
    pub positions: u64,
    /// Elements of a filter's window; the number of matrix products in a batch of them.
    pub taps: u64,
    /// Stride of a window.
    pub stride: u64,
}

impl OpSize {
    /// One element.
    pub const ONE: OpSize = OpSize {
        inputs: 1,
        outputs: 1,
        positions: 1,
        taps: 1,
        stride: 1,
    };
}

impl From<[u64; 6]> for Point {
    fn from([inputs, outputs, positions, taps, stride, ns]: [u64; 6]) -> Self {
        let size = OpSize {
            inputs,
            outputs,
            positions,
            taps,
            stride,
        };
        Point { size, ns }
    }
}

impl From<Point> for [u64; 6] {
    fn from(point: Point) -> Self {
        let OpSize {
            inputs,
            outputs,
            positions,
            taps,
            stride,
        } = point.size;
        [inputs, outputs, positions, taps, stride, point.ns]
    }
}
