//! What a probe found, as a document that crosses to another machine.

use std::path::Path;

use edgefit_device::profile::is_of_name;
use edgefit_device::{Gpus, Profile};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

/// What a probe found.
#[derive(Debug, Serialize)]
pub struct Probed {
    /// The machine as a profile.
    #[serde(flatten)]
    pub profile: Profile,
    /// Its GPUs.
    pub gpus: Gpus,
}

/// A profile knows all of its fields, so that what is beside it has to be taken away first.
impl<'de> Deserialize<'de> for Probed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut document = Map::<String, Value>::deserialize(deserializer)?;
        let gpus = document.remove("gpus").unwrap_or_default();
        Ok(Probed {
            profile: serde_json::from_value(Value::Object(document)).map_err(de::Error::custom)?,
            gpus: serde_json::from_value(gpus).map_err(de::Error::custom)?,
        })
    }
}

/// What a profile in `file` is called: as the file, as far as a profile may be called that.
pub fn profile_name(file: Option<&Path>) -> String {
    let stem = file.and_then(|file| file.file_stem()).unwrap_or_default();
    let name: String = stem
        .to_string_lossy()
        .chars()
        .map(|c| if is_of_name(c) { c } else { '-' })
        .collect();
    match name.trim_start_matches(['-', '.']).trim_end_matches('-') {
        "" | "host" => "this-machine".into(),
        name => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let probed = Probed {
            profile: edgefit_device::find("raspberry-pi-4b").unwrap(),
            gpus: edgefit_device::gpu::read(None),
        };
        let text = serde_json::to_string(&probed).unwrap();
        let read: Probed = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        let more = text.replacen('{', "{\"more\":1,", 1);
        assert!(serde_json::from_str::<Probed>(&more).is_err());
    }

    #[test]
    fn a_profile_is_called_as_its_file() {
        for (file, expected) in [
            ("profiles/My Board.toml", "My-Board"),
            ("my_board.v2.toml", "my_board.v2"),
            (".mine.toml", "mine"),
            ("host.toml", "this-machine"),
            ("--.toml", "this-machine"),
        ] {
            assert_eq!(profile_name(Some(Path::new(file))), expected);
        }
        assert_eq!(profile_name(None), "this-machine");
    }
}
