//! How ONNX Runtime of this machine stands in for the engine that a scheme is for.

use edgefit_engine::Execution;

/// Whether the scheme of this name is for ONNX Runtime's kernels on this processor.
pub fn is_of_this_processor(scheme: &str) -> bool {
    let host = edgefit_device::host().ok();
    let own = host.iter().flat_map(|host| &host.engines);
    let mut own = own.filter_map(|engine| engine.scheme.as_deref());
    own.any(|own| own == scheme)
}

/// As this processor runs any model, if the scheme of this name is for its kernels; else with sums that are exact, as
/// those of the engine are.
pub fn execution_of(scheme: &str) -> Execution {
    if is_of_this_processor(scheme) {
        Execution::Fused
    } else {
        Execution::Exact
    }
}
