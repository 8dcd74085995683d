//! The scheme in which a device's engine wants int8 models.

use edgefit_device::Profile;
use edgefit_quant::Scheme;

use crate::error::{Error, Result};

/// The scheme of the first engine of `device` that wants int8 models; where none says so, that of ONNX
/// Runtime on this machine.
///
/// # Errors
/// The profile names a scheme that is not known, or this machine does not say what it is.
pub fn device_scheme(device: &Profile) -> Result<Scheme> {
    let first = |profile: &Profile| {
        let mut engines = profile.engines.iter();
        engines.find_map(|engine| engine.scheme.clone())
    };
    let name = match first(device) {
        Some(name) => name,
        None => first(&edgefit_device::host()?).ok_or_else(|| {
            Error::Choice(format!(
                "no engine of {} says what it wants of int8 models; name a scheme with --scheme",
                device.name
            ))
        })?,
    };
    Ok(Scheme::named(&name)?)
}
