use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result, nearest};
use crate::host::host;
use crate::profile::{MAX_FILE, Profile};

/// The profiles that come with edgefit, by name.
const BUILT_IN: [(&str, &str); 2] = [
    (
        "raspberry-pi-4b",
        include_str!("../../../profiles/raspberry-pi-4b.toml"),
    ),
    (
        "stm32h743",
        include_str!("../../../profiles/stm32h743.toml"),
    ),
];

const HOST: &str = "host";

/// All profiles that [`find`] knows by name, this machine first.
///
/// # Errors
/// This machine cannot be described.
pub fn list() -> Result<Vec<Profile>> {
    let built_in = BUILT_IN
        .iter()
        .map(|(name, text)| Profile::parse(text, name));
    std::iter::once(host()).chain(built_in).collect()
}

/// The profile `device`: a built-in name, `host`, or the path of a TOML file.
///
/// # Errors
/// There is no such profile (the nearest name is suggested), or the file is not a profile.
pub fn find(device: &str) -> Result<Profile> {
    if device == HOST {
        return host();
    }
    if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == device) {
        return Profile::parse(text, name);
    }
    let path = Path::new(device);
    if path.exists()
        || path
            .extension()
            .is_some_and(|extension| extension == "toml")
    {
        return read(path);
    }
    let names = BUILT_IN.iter().map(|(name, _)| *name).chain([HOST]);
    Err(Error::Unknown {
        name: device.to_owned(),
        nearest: nearest(device, names).map(str::to_owned),
    })
}

fn read(path: &Path) -> Result<Profile> {
    let fail = |source| Error::Read {
        path: path.to_path_buf(),
        source,
    };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(fail)?;
    let read = file
        .take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(fail)?;
    if read as u64 > MAX_FILE {
        return Err(fail(std::io::Error::other(
            "is too large for a device profile",
        )));
    }
    Profile::parse(&text, &path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_profiles_are_sound_and_named_after_their_files() {
        let profiles = list().unwrap();
        for ((name, _), profile) in BUILT_IN.iter().zip(&profiles[1..]) {
            assert_eq!(profile.name, *name);
        }
    }

    #[test]
    fn a_misspelt_device_is_recognised() {
        let error = find("raspberrypi-4b").unwrap_err().to_string();
        assert!(error.contains("did you mean 'raspberry-pi-4b'"), "{error}");
        assert!(
            find("no/such/file.toml")
                .unwrap_err()
                .to_string()
                .contains("cannot read")
        );
    }
}
