//! What a probe found on a machine: how fast each engine runs each class of op.

use serde::{Deserialize, Serialize};

use crate::element_type::ElementType;
use crate::engine_id::EngineId;
pub use crate::op_class::{OpClass, OpLayout};

/// Measured times of one class of op in one engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Engine that ran it.
    pub engine: EngineId,
    /// Type of weights and activations.
    pub element_type: ElementType,
    /// Threads that it ran with.
    pub threads: u32,
    /// Class of op.
    pub class: OpClass,
    /// The engine lays channels out in blocks of this many, and computes the padding too.
    pub channel_block: u32,
    /// What was measured.
    pub points: Vec<Point>,
}

impl Rate {
    /// What it was measured with.
    pub fn setup(&self) -> RunSetup<'_> {
        RunSetup {
            engine: &self.engine,
            element_type: self.element_type,
            threads: self.threads,
        }
    }
}

/// How a model is run: rates, and the calibration that belongs to them, are of one setup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunSetup<'e> {
    /// Engine that runs it.
    pub engine: &'e EngineId,
    /// Type of weights and activations.
    pub element_type: ElementType,
    /// Threads of the engine.
    pub threads: u32,
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
    /// Output positions (pixels) of all samples; rows of a matrix product.
    pub output_positions: u64,
    /// Elements of the kernel; the number of matrix products in a batch of them.
    pub kernel_elements: u64,
    /// Stride of the kernel.
    pub stride: u64,
}

impl OpSize {
    /// One element.
    pub const ONE: OpSize = OpSize {
        inputs: 1,
        outputs: 1,
        output_positions: 1,
        kernel_elements: 1,
        stride: 1,
    };
}

impl From<[u64; 6]> for Point {
    fn from(
        [
            inputs,
            outputs,
            output_positions,
            kernel_elements,
            stride,
            ns,
        ]: [u64; 6],
    ) -> Self {
        let size = OpSize {
            inputs,
            outputs,
            output_positions,
            kernel_elements,
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
            output_positions,
            kernel_elements,
            stride,
        } = point.size;
        [
            inputs,
            outputs,
            output_positions,
            kernel_elements,
            stride,
            point.ns,
        ]
    }
}
