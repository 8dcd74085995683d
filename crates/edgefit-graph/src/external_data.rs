//! Weights that lie in files of their own in the folder of the model.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::file_bytes::{Loading, file_bytes};
use crate::proto::StringStringEntryProto;

/// The external files of one model, each opened once.
pub(crate) struct ExternalFiles {
    folder: Option<PathBuf>,
    loading: Loading,
    opened: HashMap<PathBuf, Bytes>,
}

impl ExternalFiles {
    /// The files of a model that lies in `folder`.
    pub fn of_folder(folder: PathBuf, loading: Loading) -> Self {
        ExternalFiles {
            folder: Some(folder),
            loading,
            opened: HashMap::new(),
        }
    }

    /// None: external data is refused.
    pub fn none() -> Self {
        ExternalFiles {
            folder: None,
            loading: Loading::Copied,
            opened: HashMap::new(),
        }
    }

    /// Paths of those that were opened.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.opened.keys().map(PathBuf::as_path)
    }

    /// The bytes that `entries` (location, offset, length) point at.
    pub fn slice(&mut self, entries: &[StringStringEntryProto], at: &str) -> Result<Bytes> {
        let Some(folder) = &self.folder else {
            return Err(Error::invalid(
                at,
                "has external data, but the model was not read from a file",
            ));
        };
        let entry = |key: &str| {
            entries
                .iter()
                .find(|entry| entry.key.as_deref() == Some(key))
                .and_then(|entry| entry.value.as_deref())
        };
        let number = |key: &str| -> Result<Option<usize>> {
            entry(key)
                .map(|text| {
                    text.parse().map_err(|_| {
                        Error::invalid(at, format!("external data: {key} '{text}' is not a size"))
                    })
                })
                .transpose()
        };
        let location = entry("location")
            .ok_or_else(|| Error::invalid(at, "external data without a location"))?;
        let path = confined(folder, location).map_err(|problem| Error::invalid(at, problem))?;
        let bytes = match self.opened.get(&path) {
            Some(bytes) => bytes.clone(),
            None => {
                let bytes = file_bytes(&path, self.loading)?;
                self.opened.insert(path.clone(), bytes.clone());
                bytes
            }
        };
        let offset = number("offset")?.unwrap_or(0);
        let length = match number("length")? {
            Some(length) => length,
            None => bytes.len().saturating_sub(offset),
        };
        match offset.checked_add(length) {
            Some(end) if end <= bytes.len() => Ok(bytes.slice(offset..end)),
            _ => Err(Error::invalid(
                at,
                format!(
                    "external data: {length} bytes at {offset} reach past the end of '{location}' \
                     ({} bytes); copy the whole file again",
                    bytes.len()
                ),
            )),
        }
    }
}

/// `location` inside `folder`, symbolic links resolved.
fn confined(folder: &Path, location: &str) -> Result<PathBuf, String> {
    let relative = Path::new(location);
    let inside = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let outside = || {
        format!(
            "external data '{location}' lies outside the model's folder; move the file into \
             the folder of the model"
        )
    };
    if !inside {
        return Err(outside());
    }
    let resolve = |path: &Path| {
        path.canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => format!(
                "its values lie in the file '{location}', which is not in the folder of the model; put it there, or \
                 save the model with its weights inside (onnx.save of what onnx.load read)"
            ),
            _ => format!("external data '{location}': {error}"),
        })
    };
    let path = resolve(&folder.join(relative))?;
    if !path.starts_with(resolve(folder)?) {
        return Err(outside());
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(pairs: &[(&str, &str)]) -> Vec<StringStringEntryProto> {
        pairs
            .iter()
            .map(|(key, value)| StringStringEntryProto {
                key: Some((*key).into()),
                value: Some((*value).into()),
            })
            .collect()
    }

    #[test]
    fn only_files_of_the_models_own_folder_are_read() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("model");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(outer.path().join("secret"), [1; 8]).unwrap();
        std::fs::write(folder.join("weights"), [2; 8]).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("../secret", folder.join("link")).unwrap();

        let mut files = ExternalFiles::of_folder(folder, Loading::Mapped);
        let mut read = |pairs: &[(&str, &str)]| files.slice(&entries(pairs), "initializer 'w'");
        let whole = read(&[("location", "weights")]).unwrap();
        assert_eq!(whole, Bytes::from_static(&[2; 8]));
        let part = read(&[("location", "weights"), ("offset", "6"), ("length", "2")]).unwrap();
        assert_eq!(part.len(), 2);

        for location in ["../secret", "/etc/passwd", "link"] {
            let error = read(&[("location", location)]).unwrap_err().to_string();
            assert!(error.contains("outside the model's folder"), "{error}");
        }
        for (offset, length) in [("4", "5"), ("9", "0"), ("18446744073709551615", "1")] {
            let error = read(&[
                ("location", "weights"),
                ("offset", offset),
                ("length", length),
            ])
            .unwrap_err()
            .to_string();
            assert!(error.contains("past the end"), "{error}");
        }
        assert!(read(&[("location", "weights"), ("offset", "-1")]).is_err());
        assert!(read(&[("offset", "0")]).is_err());
        let absent = read(&[("location", "absent")]).unwrap_err().to_string();
        assert!(
            absent.contains("'absent', which is not in the folder of the model"),
            "{absent}"
        );
        assert!(!absent.contains("os error"), "{absent}");
    }

    #[test]
    fn weights_that_were_never_fetched_are_called_so() {
        let folder = tempfile::tempdir().unwrap();
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n";
        std::fs::write(folder.path().join("weights"), pointer).unwrap();
        let mut files = ExternalFiles::of_folder(folder.path().to_path_buf(), Loading::Copied);
        let error = files.slice(&entries(&[("location", "weights")]), "initializer 'w'");
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("weights: it is a Git LFS pointer"),
            "{error}"
        );
    }
}
