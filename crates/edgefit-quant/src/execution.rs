//! How ONNX Runtime of this machine stands in for the engine that a scheme is for.

use edgefit_engine::Execution;

/// Fused, as it runs any model, where the scheme of this name is for its kernels on this processor; else node by node,
/// which gives what the integers of any engine give.
pub fn execution_of(scheme: &str) -> Execution {
    let host = edgefit_device::host().ok();
    let own = host.iter().flat_map(|host| &host.engines);
    let mut own = own.filter_map(|engine| engine.scheme.as_deref());
    if own.any(|own| own == scheme) {
        Execution::Fused
    } else {
        Execution::NodeByNode
    }
}
