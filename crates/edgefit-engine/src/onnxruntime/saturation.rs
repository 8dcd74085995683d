//! Whether ONNX Runtime's integer kernels saturate on this processor.

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
