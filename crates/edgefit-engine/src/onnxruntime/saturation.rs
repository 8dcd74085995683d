//! Whether ONNX Runtime's integer kernels saturate on this processor, and where.

use edgefit_graph::Graph;
use edgefit_graph::quantized::layer_safety;

/// Names of layers that are listed.
const LISTED: usize = 4;

/// Whether ONNX Runtime adds up pairs of 8-bit products in 16 bits on this processor, where they may
/// saturate: on x86-64 with AVX2 and without VNNI (`platform.cpp` of MLAS). Older ones and ARM widen first.
pub fn adds_pairs_in_16_bits() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        has!("avx2") && !has!("avxvnni") && !has!("avx512vnni")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// Which quantised layers of `graph` ONNX Runtime may compute wrong on this processor, and why.
pub fn saturation(graph: &Graph) -> Option<String> {
    if !adds_pairs_in_16_bits() {
        return None;
    }
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
