//! The cache folder: entries that are whole or absent, and the check of a pinned hash.

use std::fs;
use std::path::{Path, PathBuf};

use edgefit_base::hash::sha256_hex_of;
use etcetera::BaseStrategy;
use tempfile::TempDir;

use crate::error::{Error, Result};

/// The folder for everything that is fetched or computed once.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The folder named by `EDGEFIT_CACHE`, or the user's own cache folder.
    ///
    /// # Errors
    /// The system does not say where the user's home is.
    pub fn of_user() -> Result<Self> {
        if let Some(root) = std::env::var_os("EDGEFIT_CACHE") {
            return Ok(Cache { root: root.into() });
        }
        let strategy = etcetera::choose_base_strategy().map_err(|error| Error::Cache {
            path: PathBuf::from("~/.cache"),
            source: std::io::Error::other(error),
        })?;
        Ok(Cache {
            root: strategy.cache_dir().join("edgefit"),
        })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The entry `name`: the one that is there, or what `fill` puts into an empty folder.
    ///
    /// The folder gets its name when `fill` is done, so an entry is whole or absent.
    pub(crate) fn entry(
        &self,
        name: &str,
        fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let path = self.root.join(name);
        if path.is_dir() {
            return Ok(path);
        }
        let filling = self.temporary()?;
        fill(filling.path())?;
        match fs::rename(filling.path(), &path) {
            Ok(()) => {
                // The folder has moved away from under its guard.
                let _ = filling.keep();
                Ok(path)
            }
            // Another process was faster.
            Err(_) if path.is_dir() => Ok(path),
            Err(source) => Err(Error::Cache { path, source }),
        }
    }

    /// An empty folder inside the cache, gone when dropped.
    pub(crate) fn temporary(&self) -> Result<TempDir> {
        let fail = |source| Error::Cache {
            path: self.root.clone(),
            source,
        };
        fs::create_dir_all(&self.root).map_err(fail)?;
        tempfile::Builder::new()
            .prefix(".fetching-")
            .tempdir_in(&self.root)
            .map_err(fail)
    }
}

/// Compares the file at `path` with its pinned SHA-256.
pub(crate) fn verify(path: &Path, what: &'static str, expected: &'static str) -> Result<()> {
    let hash = fs::File::open(path).and_then(|mut file| sha256_hex_of(&mut file));
    let (found, _) = hash.map_err(|source| Error::Cache {
        path: path.to_path_buf(),
        source,
    })?;
    if found == expected {
        Ok(())
    } else {
        Err(Error::WrongHash {
            what,
            found,
            expected,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_whole_or_absent() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache {
            root: folder.path().join("cache"),
        };
        let failed = cache.entry("thing", |path| {
            fs::write(path.join("half"), "x").unwrap();
            Err(Error::Fetch {
                what: "thing",
                problem: "network is down".into(),
            })
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(cache.root()).unwrap().count(), 0);

        let path = cache.entry("thing", |path| {
            fs::write(path.join("whole"), "x").unwrap();
            Ok(())
        });
        assert!(path.unwrap().join("whole").is_file());
        cache
            .entry("thing", |_| panic!("it is there already"))
            .unwrap();
    }

    #[test]
    fn the_hash_decides() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "abc").unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        verify(file.path(), "abc", abc).unwrap();
        fs::write(file.path(), "abd").unwrap();
        assert!(matches!(
            verify(file.path(), "abc", abc),
            Err(Error::WrongHash { .. })
        ));
    }
}
