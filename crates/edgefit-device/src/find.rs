//! Looks profiles up: by name, by path, or the machine edgefit runs on.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use include_dir::{Dir, include_dir};

use edgefit_base::names::{letters, nearest};

use crate::error::{Error, Result};
use crate::host::{HOST, host};
use crate::profile::{Profile, is_name};
use crate::read;
use crate::read::extends::Bases;
use crate::read::source::{Origin, Source};

/// The profiles that come with edgefit, each file named after its profile.
static BUILT_IN: Dir = include_dir!("$CARGO_MANIFEST_DIR/../../profiles");

/// Environment variable that holds folders of users' own profiles.
const FOLDERS: &str = "EDGEFIT_PROFILES";

const EXTENSION: &str = "toml";

/// All profiles that [`find`] knows by name, this machine first. A profile that cannot be read is
/// an error of its own and hides no other.
pub fn list() -> Vec<Result<Profile>> {
    Search::from_environment().list()
}

/// The profile `device`: `host` for this machine, a name in the folders of the environment variable
/// `EDGEFIT_PROFILES`, a built-in name, the path of a TOML file, or another name of a profile, of which
/// only the letters and digits count.
///
/// # Errors
/// There is no such profile (the nearest name is suggested), or the file is not a profile.
///
/// ```
/// let board = edgefit_device::find("stm32h743")?;
/// let sram = board.banks.iter().find(|bank| bank.name == "AXI SRAM");
/// assert_eq!(sram.map(|bank| bank.free_bytes()), Some(512 << 10));
///
/// assert_eq!(edgefit_device::find("rpi4")?.name, "raspberry-pi-4b");
/// let error = edgefit_device::find("stm32h734").unwrap_err();
/// assert!(error.to_string().contains("did you mean 'stm32h743'?"));
/// # Ok::<(), edgefit_device::Error>(())
/// ```
pub fn find(device: &str) -> Result<Profile> {
    Search::from_environment().find(device)
}

impl Profile {
    /// Reads a profile; `place` names it in errors. What it `extends` is looked up by name, as
    /// [`find`] does.
    ///
    /// # Errors
    /// The text is not TOML, breaks the schema, holds figures that cannot be, or extends what
    /// does not exist.
    ///
    /// ```
    /// use edgefit_device::Profile;
    ///
    /// let text = r#"
    ///     version = 2
    ///     name = "our-camera"
    ///     title = "Our camera"
    ///     extends = "stm32h743"
    ///     [flash]
    ///     reserved_bytes = { value = "128 KiB", kind = "measured", source = "linker map" }
    /// "#;
    /// let camera = Profile::parse(text, "our-camera.toml")?;
    /// assert_eq!(camera.flash.unwrap().free_bytes(), (2048 - 128) << 10);
    /// # Ok::<(), edgefit_device::Error>(())
    /// ```
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let source = Source {
            place: place.to_owned(),
            text: text.to_owned(),
            origin: Origin::Text,
        };
        read::resolve(source, &Search::from_environment())
    }
}

/// Where profiles are looked for.
struct Search {
    folders: Vec<PathBuf>,
}

impl Search {
    /// The folders that the user's environment names.
    fn from_environment() -> Self {
        let folders = std::env::var_os(FOLDERS).unwrap_or_default();
        let folders = std::env::split_paths(&folders);
        Search {
            folders: folders
                .filter(|path| !path.as_os_str().is_empty())
                .collect(),
        }
    }

    fn find(&self, device: &str) -> Result<Profile> {
        if device == HOST {
            return host();
        }
        if let Some(source) = self.named(device) {
            return self.resolve(source?, device);
        }
        let path = Path::new(device);
        if is_path(device) || path.is_file() {
            return read::resolve(Source::read(path)?, self);
        }
        let wanted = letters(device);
        let mut other_names = self.other_names().into_iter();
        match other_names.find(|(other, _)| letters(other) == wanted) {
            Some((_, name)) if !wanted.is_empty() => self.find(&name),
            _ => Err(self.unknown(device)),
        }
    }

    /// What every profile can be called, and its name; those of the folders first.
    fn other_names(&self) -> Vec<(String, String)> {
        let (files, _) = self.files();
        let names = files.into_keys().chain(built_in_names().map(str::to_owned));
        let names = names.flat_map(|name| {
            let source = self.named(&name).and_then(Result::ok);
            let aliases = source.as_ref().map(read::aliases).unwrap_or_default();
            let all = std::iter::once(name.clone()).chain(aliases);
            all.map(|other| (other, name.clone())).collect::<Vec<_>>()
        });
        names.collect()
    }

    fn list(&self) -> Vec<Result<Profile>> {
        let (files, broken) = self.files();
        let mut found: BTreeMap<String, Result<Profile>> = BTreeMap::new();
        for name in built_in_names() {
            if let Some(source) = built_in(name) {
                found.insert(name.to_owned(), read::resolve(source, self));
            }
        }
        for (name, path) in files {
            let profile = if name == HOST {
                Err(Error::Profile {
                    place: path.display().to_string(),
                    problem: format!("'{HOST}' is this machine; give the profile another name"),
                })
            } else {
                Source::read(&path).and_then(|source| self.resolve(source, &name))
            };
            found.insert(name, profile);
        }
        std::iter::once(host())
            .chain(found.into_values())
            .chain(broken.into_iter().map(Err))
            .collect()
    }

    /// The profile files in the folders by name, and the folders that cannot be read.
    fn files(&self) -> (BTreeMap<String, PathBuf>, Vec<Error>) {
        let mut files = BTreeMap::new();
        let mut broken = Vec::new();
        for folder in &self.folders {
            let entries = match std::fs::read_dir(folder) {
                Ok(entries) => entries,
                Err(source) => {
                    let path = folder.clone();
                    broken.push(Error::Folder { path, source });
                    continue;
                }
            };
            for path in entries.flatten().map(|entry| entry.path()) {
                let name = path.file_stem().and_then(|stem| stem.to_str());
                if let (Some(name), true) = (name, path.extension().is_some_and(is_toml)) {
                    files.entry(name.to_owned()).or_insert(path);
                }
            }
        }
        (files, broken)
    }

    /// The profile called `name`, if there is a file for it.
    fn named(&self, name: &str) -> Option<Result<Source>> {
        if !is_name(name) {
            return None;
        }
        let file = format!("{name}.{EXTENSION}");
        let mut paths = self.folders.iter().map(|folder| folder.join(&file));
        match paths.find(|path| path.exists()) {
            Some(path) => Some(Source::read(&path)),
            None => built_in(name).map(Ok),
        }
    }

    /// Reads the profile that was found under `name`.
    fn resolve(&self, source: Source, name: &str) -> Result<Profile> {
        let place = source.place.clone();
        let profile = read::resolve(source, self)?;
        if profile.name == name {
            return Ok(profile);
        }
        Err(Error::Profile {
            problem: format!(
                "the profile is called '{0}', but its file is not; call it '{name}', or the file \
                 '{0}.{EXTENSION}'",
                profile.name
            ),
            place,
        })
    }

    fn unknown(&self, name: &str) -> Error {
        let mut names = self.other_names();
        names.push((HOST.to_owned(), HOST.to_owned()));
        let nearest = nearest(name, names.iter().map(|(other, _)| other.as_str()));
        let meant = names
            .iter()
            .find(|(other, _)| Some(other.as_str()) == nearest);
        Error::Unknown {
            name: name.to_owned(),
            nearest: meant.map(|(_, name)| name.clone()),
        }
    }
}

impl Bases for Search {
    fn base(&self, reference: &str, origin: &Origin) -> Result<Source> {
        match origin {
            // The built-in profiles mean one another, whatever folders a user has.
            Origin::BuiltIn => built_in(reference).ok_or_else(|| self.unknown(reference)),
            _ if reference == HOST => {
                let text = toml::to_string(&host()?).map_err(|error| Error::Host {
                    detail: error.to_string(),
                })?;
                Ok(Source {
                    place: HOST.to_owned(),
                    text,
                    origin: Origin::BuiltIn,
                })
            }
            Origin::File { folder } if is_path(reference) => within(folder, reference),
            _ => self
                .named(reference)
                .unwrap_or_else(|| Err(self.unknown(reference))),
        }
    }
}

fn is_toml(extension: &std::ffi::OsStr) -> bool {
    extension == EXTENSION
}

/// Whether `device` can only be the path of a file.
fn is_path(device: &str) -> bool {
    device.contains(['/', '\\']) || Path::new(device).extension().is_some_and(is_toml)
}

fn built_in_names() -> impl Iterator<Item = &'static str> {
    let paths = BUILT_IN.files().map(|file| file.path());
    paths
        .filter(|path| path.extension().is_some_and(is_toml))
        .filter_map(|path| path.file_stem()?.to_str())
}

fn built_in(name: &str) -> Option<Source> {
    let file = BUILT_IN.get_file(format!("{name}.{EXTENSION}"))?;
    Some(Source {
        place: name.to_owned(),
        text: file.contents_utf8()?.to_owned(),
        origin: Origin::BuiltIn,
    })
}

/// The file `reference` in `folder`. A profile that came from elsewhere must not make edgefit read
/// what is outside its own folder.
fn within(folder: &Path, reference: &str) -> Result<Source> {
    let path = folder.join(reference);
    let fail = |source| Error::Read {
        path: path.clone(),
        source,
    };
    let outside = || {
        fail(std::io::Error::other(
            "it is outside the folder of the profile; move it into that folder",
        ))
    };
    let mut parts = Path::new(reference).components();
    if !parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(outside());
    }
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let folder = folder.canonicalize().map_err(fail)?;
    if !path.canonicalize().map_err(fail)?.starts_with(folder) {
        return Err(outside());
    }
    Source::read(&path)
}

#[cfg(test)]
mod tests;
