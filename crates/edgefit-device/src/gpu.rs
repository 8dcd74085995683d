//! The GPUs of this machine, by NVML, or by sysfs where NVML says nothing.
//!
//! NVML is loaded when it is asked for, so that edgefit runs where there is none. On a Jetson it
//! starts and then refuses every figure; the kernel gives some of them in sysfs. Nothing here
//! fails: what cannot be read is a [`Reading`] with the reason.

mod gpus;
mod nvml;
mod reading;
mod sysfs;
#[cfg(test)]
mod tests;
mod watch;

use std::path::Path;

pub use gpus::{ComputeCapability, Gpu, Gpus, Source};
pub use reading::Reading;
pub use watch::{Sample, Watch};

/// Asks NVML, then sysfs, for every GPU of this machine.
///
/// `library` is the NVML to load, and no other is tried in its place; without it the system's
/// folders are searched for `libnvidia-ml.so.1`. Loading a library runs its code.
pub fn read(library: Option<&Path>) -> Gpus {
    read_under(library, Path::new("/"))
}

/// [`read`], with `/sys` and `/proc` under `root`.
fn read_under(library: Option<&Path>, root: &Path) -> Gpus {
    let (mut gpus, why) = match nvml::read(library) {
        Ok(gpus) if gpus.gpus.iter().any(Gpu::is_measured) => return gpus,
        Ok(gpus) if gpus.gpus.is_empty() => (gpus, "NVML counts no GPU".to_owned()),
        Ok(gpus) => {
            let why = "NVML gives neither memory nor clock nor power; each field says why";
            (gpus, why.to_owned())
        }
        Err(reason) => (Gpus::none(&reason), reason),
    };
    let integrated = sysfs::read(root);
    if integrated.is_empty() {
        let left_out = gpus
            .reason
            .map_or(String::new(), |reason| format!("; {reason}"));
        gpus.reason = Some(format!("{why}{left_out}; sysfs shows no GPU either"));
    } else {
        gpus.source = Some(Source::Sysfs);
        gpus.gpus = integrated;
        gpus.reason = Some(format!("the figures come from sysfs: {why}"));
    }
    gpus
}
