//! LiteRT's library.

use std::path::PathBuf;

use crate::cache::Cache;
use crate::error::{Error, Result};
use crate::pip::Wheel;

const WHAT: &str = "LiteRT";

/// The folder of the cache that holds LiteRT's library.
const FOLDER: &str = "litert-2.1.6";

/// The library in the wheel.
const FILE: &str = "ai_edge_litert/libLiteRt.so";

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
const WHEEL: Option<Wheel> = Some(Wheel {
    what: WHAT,
    requirement: "ai-edge-litert==2.1.6",
    platforms: &["manylinux_2_27_x86_64"],
    sha256: "0156d9051c9a2500cd4c4ecedb77676eff0b45bd8efb1001e8e730a8cd0db4ee",
});

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
const WHEEL: Option<Wheel> = Some(Wheel {
    what: WHAT,
    requirement: "ai-edge-litert==2.1.6",
    platforms: &["manylinux_2_27_aarch64"],
    sha256: "e8aa6393e1293fac837f764b5a9ba3ef81bb16068c94a2068d9dfb109a24e3b9",
});

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
const WHEEL: Option<Wheel> = None;

impl Cache {
    /// Where [`litert`] puts the library, whether it is there or not.
    pub fn litert_folder(&self) -> PathBuf {
        self.root().join(FOLDER)
    }
}

/// LiteRT's library for this machine (Apache-2.0). Returns the folder it lies in.
///
/// # Errors
/// There is none for this machine, pip is missing or fails, or what came is not the pinned file.
pub fn litert(cache: &Cache) -> Result<PathBuf> {
    let wheel = WHEEL.ok_or(Error::Fetch {
        what: WHAT,
        problem: "its package has no library for this machine; point LITERT_DYLIB_PATH at one"
            .into(),
    })?;
    cache.entry(FOLDER, |folder| {
        wheel.unpack(cache, folder, |name| {
            (name == FILE).then(|| "libLiteRt.so".to_owned())
        })
    })
}
