//! Products of matrices that lie in slices, and Cholesky factors, on the kernels of the crate `gemm`.

pub mod cholesky;
pub mod product;
