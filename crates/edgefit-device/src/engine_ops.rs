//! Which ONNX operators engines have kernels for, where they publish a list.

use crate::engine_id::EngineId;

/// Operators for which TensorFlow Lite for Microcontrollers has kernels, by the operators that a
/// converter writes for them: its `python_ops_resolver.cc`, which registers every kernel.
const TFLITE_MICRO: &[&str] = &[
    "Abs",
    "Add",
    "And",
    "ArgMax",
    "ArgMin",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Ceil",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "ConvTranspose",
    "Cos",
    "CumSum",
    "DepthToSpace",
    "DequantizeLinear",
    "Div",
    "Dropout",
    "Elu",
    "Equal",
    "Exp",
    "Expand",
    "Flatten",
    "Floor",
    "Gather",
    "GatherND",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Greater",
    "GreaterOrEqual",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "LayerNormalization",
    "LeakyRelu",
    "Less",
    "LessOrEqual",
    "Log",
    "LogSoftmax",
    "MatMul",
    "Max",
    "MaxPool",
    "Mean",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "PRelu",
    "Pad",
    "QuantizeLinear",
    "ReduceMax",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Resize",
    "Round",
    "Shape",
    "Sigmoid",
    "Sin",
    "Slice",
    "Softmax",
    "SpaceToDepth",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Sum",
    "Tanh",
    "Transpose",
    "Unsqueeze",
    "Upsample",
    "Where",
];

impl EngineId {
    /// Whether it publishes which operators it has kernels for, and the ONNX operator `op` is not among
    /// what they are written for. A converter may still take it apart.
    pub fn has_no_kernel(&self, op: &str) -> bool {
        match self {
            EngineId::TfliteMicro => !TFLITE_MICRO.contains(&op),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_engine_with_a_list_lacks_kernels() {
        assert!(EngineId::TfliteMicro.has_no_kernel("Erf"));
        assert!(!EngineId::TfliteMicro.has_no_kernel("Conv"));
        assert!(!EngineId::TensorRt.has_no_kernel("Erf"));
    }
}
