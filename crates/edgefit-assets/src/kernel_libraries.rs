//! Kernels for microcontrollers.

use std::path::PathBuf;

use crate::cache::Cache;
use crate::error::Result;
use crate::pip::Wheel;

/// Where they lie in the wheel, and in the folder: CMSIS-NN beside CMSIS-Core as in a CMSIS pack.
const PLACES: [(&str, &str); 3] = [
    ("bakenn/backend/cmsis_nn/vendor/cmsis_nn/", "NN/"),
    ("bakenn/backend/cmsis_nn/vendor/cmsis_core/", "Core/"),
    ("bakenn/backend/esp_nn/vendor/esp_nn/", "esp-nn/"),
];

/// The sources of CMSIS-NN 4.0.0 (`NN`, with what it needs of CMSIS-Core in `Core`) and of ESP-NN (`esp-nn`), both
/// Apache-2.0, as bakenn 1.0.0 ships them.
///
/// # Errors
/// pip is missing or fails, or what came is not the pinned package.
pub fn kernel_libraries(cache: &Cache) -> Result<PathBuf> {
    let wheel = Wheel {
        what: "kernels for microcontrollers",
        requirement: "bakenn==1.0.0",
        platforms: &[],
        sha256: "b8251e71a8fc39252df0d308fe9a5837bd86f7a31f1596a7dd4a319196f30e56",
    };
    cache.entry("kernel-libraries-bakenn-1.0.0", |folder| {
        wheel.unpack(cache, folder, |path| {
            let is_source = path.ends_with(".c") || path.ends_with(".h");
            PLACES.iter().filter(|_| is_source).find_map(|(from, to)| {
                let below = path.strip_prefix(from)?;
                Some(format!("{to}{below}"))
            })
        })
    })
}
