//! The ways in which an op of burn uses memory.

/// Bytes of an element.
pub(super) const FLOAT_BYTES: u64 = 4;

/// Bytes of a tensor of floats.
pub(super) fn tensor_bytes(dims: &[usize]) -> u64 {
    dims.iter().fold(FLOAT_BYTES, |bytes, &size| {
        bytes.saturating_mul(size as u64)
    })
}

/// Where the result of an op lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResultMemory {
    /// In memory of its own.
    New,
    /// Over an operand of the same size that nothing else holds, else in memory of its own.
    OverOperand,
    /// In the memory of the first operand.
    View,
    /// In the memory of the first operand if its elements lie in order, else in memory of its own.
    Reshaped,
}

/// Where the gradients of the operands lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GradientMemory {
    /// Each in memory of its own.
    New,
    /// In the memory of the result's gradient, where they have its size.
    OfResult,
}

/// How an op uses memory.
#[derive(Debug)]
pub(super) struct OpMemory {
    pub result: ResultMemory,
    /// Whether the elements of the result lie out of order.
    pub strided: bool,
    /// Operands that the backward pass reads.
    pub operands: Vec<usize>,
    /// Whether the backward pass reads the result.
    pub keeps_result: bool,
    /// Bytes of masks, indices and intermediate results that the backward pass reads.
    pub intermediates: u64,
    /// Sizes of the scratch of the forward pass, beyond operands, result and what is kept.
    pub forward: Vec<u64>,
    /// Sizes of the scratch of the backward pass, beyond gradients and what was kept.
    pub backward: Vec<u64>,
    pub gradient: GradientMemory,
}

impl OpMemory {
    pub fn new(result: ResultMemory, gradient: GradientMemory) -> Self {
        OpMemory {
            result,
            strided: false,
            operands: Vec::new(),
            keeps_result: false,
            intermediates: 0,
            forward: Vec::new(),
            backward: Vec::new(),
            gradient,
        }
    }

    pub fn operands(mut self, operands: &[usize]) -> Self {
        self.operands = operands.to_vec();
        self
    }

    pub fn keeping_result(mut self) -> Self {
        self.keeps_result = true;
        self
    }

    pub fn intermediates(mut self, bytes: u64) -> Self {
        self.intermediates = bytes;
        self
    }

    pub fn forward(mut self, sizes: &[u64]) -> Self {
        self.forward = sizes.to_vec();
        self
    }

    pub fn backward(mut self, sizes: &[u64]) -> Self {
        self.backward = sizes.to_vec();
        self
    }
}
