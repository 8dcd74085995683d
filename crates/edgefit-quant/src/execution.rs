//! How ONNX Runtime of this machine stands in for the engine that a scheme is for.

use edgefit_engine::onnxruntime::saturation;
use edgefit_engine::{EngineName, Execution};
use edgefit_graph::Graph;

use crate::provenance::Provenance;

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

/// How `engine` best runs a model here, and what is to be said where its sums may saturate as they do not on the engine
/// that the model was made for.
pub fn execution_here(graph: &Graph, engine: EngineName) -> (Execution, Option<String>) {
    let saturation = match engine {
        EngineName::OnnxRuntime => saturation(graph),
        _ => None,
    };
    let Some(saturation) = saturation else {
        return (Execution::Fused, None);
    };
    let scheme = Provenance::of(graph).map(|provenance| provenance.scheme);
    match scheme.filter(|scheme| execution_of(scheme) == Execution::Exact) {
        Some(scheme) => {
            let said = format!(
                "made for scheme {scheme}, whose integer kernels do not saturate as ONNX Runtime's fastest do on this \
                 processor: it runs on slower ones here, whose sums are exact"
            );
            (Execution::Exact, Some(said))
        }
        None => (Execution::Fused, Some(saturation)),
    }
}
