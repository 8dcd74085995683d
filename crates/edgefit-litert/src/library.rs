//! [`Library`]: LiteRT's library, found and loaded.

use std::path::{Path, PathBuf};

use crate::api::Api;
use crate::error::{LIBRARY_VARIABLE, Missing};

/// Its name.
const FILE: &str = "libLiteRt.so";

/// LiteRT's library, loaded.
pub struct Library {
    pub(crate) api: Api,
    path: PathBuf,
    // Last, so that it is unloaded last.
    _loaded: libloading::Library,
}

impl Library {
    /// Where the library is: the file named by `LITERT_DYLIB_PATH`, else the one in the folder `cache`.
    ///
    /// # Errors
    /// It is not there.
    pub fn find(cache: &Path) -> Result<PathBuf, Missing> {
        let named = std::env::var_os(LIBRARY_VARIABLE).map(PathBuf::from);
        let path = named.unwrap_or_else(|| cache.join(FILE));
        if path.is_file() {
            return Ok(path);
        }
        Err(Missing {
            reason: format!("{} is not there", path.display()),
        })
    }

    /// Loads the library at `path`. What runs in it can end the process: do so in one of its own.
    ///
    /// # Errors
    /// It cannot be loaded, or lacks a function.
    pub fn load(path: &Path) -> Result<Self, Missing> {
        // SAFETY: loading runs initialisers of a library that the user installed or named.
        let loaded = unsafe { libloading::Library::new(path) };
        let loaded = loaded.map_err(|error| Missing {
            reason: format!("{} cannot be loaded ({error})", path.display()),
        })?;
        Ok(Library {
            api: Api::of(&loaded)?,
            path: path.to_path_buf(),
            _loaded: loaded,
        })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_library_says_how_to_get_one() {
        let Err(missing) = Library::load(Path::new("/dev/null")) else {
            panic!("it was loaded");
        };
        let words = missing.to_string();
        assert!(words.contains("edgefit engine install litert"), "{words}");
    }
}
