//! Sums that ONNX Runtime's integer kernels cannot hold on this processor.

use edgefit_engine::EngineName;
use edgefit_engine::onnxruntime::adds_pairs_in_16_bits;
use edgefit_graph::Graph;
use edgefit_graph::quantized::layer_safety;

/// Names of layers that are listed.
const LISTED: usize = 4;

/// Which quantised layers of `graph` ONNX Runtime, if it is among `engines`, may compute wrong here, and why.
pub fn saturation(graph: &Graph, engines: &[EngineName]) -> Option<String> {
    if !engines.contains(&EngineName::OnnxRuntime) || !adds_pairs_in_16_bits() {
        return None;
    }
    saturating(graph)
}

/// What is said of the layers of `graph` whose sums may saturate without VNNI.
fn saturating(graph: &Graph) -> Option<String> {
    let layers = layer_safety(graph);
    let unsafe_ones = layers.iter().filter(|layer| !layer.bounds.fits_pairs());
    let names: Vec<&str> = unsafe_ones.map(|layer| layer.node.as_str()).collect();
    let more = match names.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let listed: Vec<&str> = names.iter().copied().take(LISTED).collect();
    (!names.is_empty()).then(|| {
        format!(
            "this processor has no VNNI, and there ONNX Runtime's 16-bit sums may saturate in {} of \
             {} quantised layers ({}{more}); quantise with weights of 7 bits (reduce_range), or run on a processor \
             with VNNI",
            names.len(),
            layers.len(),
            listed.join(", ")
        )
    })
}
