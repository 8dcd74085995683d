//! ONNX Runtime's library.

use std::path::PathBuf;

use crate::cache::Cache;
use crate::error::{Error, Result};
use crate::pip::Wheel;

const WHAT: &str = "ONNX Runtime";

/// The folder of the cache that holds ONNX Runtime's library.
pub(crate) const FOLDER: &str = "onnxruntime-1.24.4";

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
const WHEEL: Option<Wheel> = Some(Wheel {
    what: WHAT,
    requirement: "onnxruntime==1.24.4",
    platforms: &["manylinux_2_28_x86_64", "manylinux_2_27_x86_64"],
    sha256: "0d640eb9f3782689b55cfa715094474cd5662f2f137be6a6f847a594b6e9705c",
});

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
const WHEEL: Option<Wheel> = Some(Wheel {
    what: WHAT,
    requirement: "onnxruntime==1.24.4",
    platforms: &["manylinux_2_28_aarch64", "manylinux_2_27_aarch64"],
    sha256: "1a5c5a544b22f90859c88617ecb30e161ee3349fcc73878854f43d77f00558b5",
});

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
const WHEEL: Option<Wheel> = None;

impl Cache {
    /// Where [`onnxruntime`] puts the library, whether it is there or not.
    pub fn onnxruntime_folder(&self) -> PathBuf {
        self.root().join(FOLDER)
    }
}

/// ONNX Runtime's library for this machine (MIT). Returns the folder it lies in.
///
/// # Errors
/// There is none for this machine, pip is missing or fails, or what came is not the pinned file.
pub fn onnxruntime(cache: &Cache) -> Result<PathBuf> {
    let wheel = WHEEL.ok_or(Error::Fetch {
        what: WHAT,
        problem: "its package has no library for this machine; point ORT_DYLIB_PATH at one".into(),
    })?;
    cache.entry(FOLDER, |folder| {
        wheel.unpack(cache, folder, |name| {
            let file = name.strip_prefix("onnxruntime/capi/")?;
            (file.starts_with("libonnxruntime.so") && !file.contains('/')).then(|| file.to_owned())
        })
    })
}
