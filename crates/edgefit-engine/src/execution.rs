//! [`Execution`]: whether an engine may fuse the nodes of a model.

/// Whether an engine may fuse the nodes of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Execution {
    /// As it does by itself.
    #[default]
    Fused,
    /// Every node as the file has it. A model in the QDQ format then computes in floats between rounding,
    /// which tells what any engine's integers give, whatever the processor's own can do.
    NodeByNode,
}
