//! [`Execution`]: how an engine computes the nodes of a model.

use serde::Serialize;

/// How an engine computes the nodes of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Execution {
    /// As it does by itself.
    #[default]
    Fused,
    /// Fused, and sums of 8-bit products never saturate: where this processor's fastest kernels add pairs in
    /// 16 bits ([`adds_pairs_in_16_bits`](crate::onnxruntime::adds_pairs_in_16_bits)), ONNX Runtime takes those
    /// that widen first (`session.x64quantprecision`).
    Exact,
    /// Every node as the file has it. A model in the QDQ format then computes in floats between rounding,
    /// which tells what any engine's integers give, whatever the processor's own can do.
    NodeByNode,
}
