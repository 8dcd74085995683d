//! [`Backend`]: what burn computes with.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
use edgefit_base::panics::catch_panic;
use serde::{Deserialize, Serialize};

/// What burn computes with. Each is a cargo feature; `flex` is always there.
///
/// ```
/// use edgefit_burn::Backend;
///
/// let device = "flex".parse::<Backend>()?.device()?;
/// assert_eq!(device, edgefit_burn::burn::tensor::Device::flex());
/// # Ok::<(), edgefit_burn::BackendError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// burn-flex on the cores of this machine, with the kernels of this crate.
    #[default]
    Flex,
    /// burn-ndarray on the cores of this machine.
    Ndarray,
    /// Any GPU, by wgpu.
    Wgpu,
    /// An NVIDIA GPU.
    Cuda,
}

/// Whether tensors on `device` are those that the kernels of this crate compute on; elsewhere burn's ops do.
pub(crate) fn runs_kernels(device: &Device) -> bool {
    device.clone().inner() == Device::flex()
}

/// Why a backend is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// There is none of this name.
    #[error("there is no backend '{0}'; backends are flex, ndarray, wgpu and cuda")]
    Unknown(String),
    /// It was left out of this build.
    #[error("backend {0} is not in this build; build edgefit with `--features {0}`")]
    NotBuilt(Backend),
    /// It is in this build, and this machine has nothing for it.
    #[error(
        "backend {backend} finds no device: {problem}; install its driver, or leave --backend out"
    )]
    NoDevice {
        /// Which.
        backend: Backend,
        /// In its own words.
        problem: String,
    },
}

impl Backend {
    /// All there are.
    pub const ALL: [Backend; 4] = [
        Backend::Flex,
        Backend::Ndarray,
        Backend::Wgpu,
        Backend::Cuda,
    ];

    /// Its name, which is that of its cargo feature too.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Flex => "flex",
            Backend::Ndarray => "ndarray",
            Backend::Wgpu => "wgpu",
            Backend::Cuda => "cuda",
        }
    }

    /// Its first device, which was asked for something and answered.
    ///
    /// # Errors
    /// The backend is not in this build, or finds no device.
    pub fn device(self) -> Result<Device, BackendError> {
        match self {
            Backend::Flex => Ok(Device::flex()),
            #[cfg(feature = "ndarray")]
            #[expect(deprecated, reason = "burn names flex as its successor, and keeps it")]
            Backend::Ndarray => Ok(Device::ndarray()),
            #[cfg(feature = "wgpu")]
            Backend::Wgpu => self.opened(|| Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
            #[cfg(feature = "cuda")]
            Backend::Cuda => self.opened(|| Device::cuda(burn::tensor::DeviceIndex::Default)),
            #[allow(unreachable_patterns, reason = "where all of them are in the build")]
            _ => Err(BackendError::NotBuilt(self)),
        }
    }

    /// The device that `open` makes, once it has done a sum. A backend without its driver panics.
    #[cfg_attr(
        not(any(feature = "wgpu", feature = "cuda")),
        expect(dead_code, reason = "only GPUs may be missing")
    )]
    fn opened(self, open: impl Fn() -> Device) -> Result<Device, BackendError> {
        let sum = || {
            let device = open();
            let ones = burn::tensor::Tensor::<1>::ones([2], &device);
            let sum = ones.sum().into_scalar::<f32>();
            (device, sum)
        };
        let none = |problem: &str| BackendError::NoDevice {
            backend: self,
            problem: problem.lines().next().unwrap_or_default().to_owned(),
        };
        match catch_panic(sum) {
            Ok((device, 2.0)) => Ok(device),
            Ok((_, wrong)) => Err(none(&format!("1 + 1 is {wrong} there"))),
            Err(panicked) => Err(none(&panicked)),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Backend {
    type Err = BackendError;

    fn from_str(name: &str) -> Result<Self, BackendError> {
        let mut all = Backend::ALL.into_iter();
        all.find(|backend| backend.name() == name)
            .ok_or_else(|| BackendError::Unknown(name.to_owned()))
    }
}
