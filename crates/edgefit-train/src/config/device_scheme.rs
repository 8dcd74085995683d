//! The scheme in which a device's engine wants int8 models.

use edgefit_device::Profile;
use edgefit_quant::Scheme;

use crate::error::Result;

/// The scheme of the first engine of `device` that wants int8 models; where none says so, that of ONNX
/// Runtime on this machine.
///
/// # Errors
/// The profile names a scheme that is not known, or this machine does not say what it is.
pub fn device_scheme(device: &Profile) -> Result<Scheme> {
    let says = |profile: &Profile| profile.engines.iter().any(|engine| engine.scheme.is_some());
    if says(device) {
        return Ok(Scheme::of_device(device, None)?);
    }
    Ok(Scheme::of_device(&edgefit_device::host()?, None)?)
}
