//! What each input of a node is for: data, weight, running statistic, configuration.

use crate::graph::Node;

/// What an input of a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Flows through the network.
    Data,
    /// Weight that training may change, when an initializer stands behind it.
    Parameter,
    /// Mean or variance gathered in training, never reached by a gradient.
    RunningStatistic,
    /// Read once when the op is made: a shape, axes, limits.
    Configuration,
}

impl Role {
    /// The role of input `index` of `node`, from the operator alone.
    pub fn of(node: &Node, index: usize) -> Self {
        if !node.is_onnx() {
            return Role::Data;
        }
        match (node.op.as_str(), index) {
            ("BatchNormalization", 3 | 4) => Role::RunningStatistic,
            (
                "Conv" | "ConvTranspose" | "Gemm" | "BatchNormalization" | "LayerNormalization"
                | "InstanceNormalization" | "GroupNormalization" | "PRelu",
                1..,
            )
            // An embedding.
            | ("Gather", 0)
            // Class tokens and the like are concatenated with the data.
            | ("MatMul" | "Add" | "Mul" | "Einsum" | "Concat", _) => Role::Parameter,
            ("ConstantOfShape" | "Range", _)
            | (
                "Reshape" | "Squeeze" | "Unsqueeze" | "Pad" | "Clip" | "Dropout" | "Slice"
                | "Split" | "Expand" | "Tile" | "Resize" | "Upsample" | "CumSum" | "TopK",
                1..,
            ) => Role::Configuration,
            (op, 1..) if op.starts_with("Reduce") => Role::Configuration,
            _ => Role::Data,
        }
    }
}
