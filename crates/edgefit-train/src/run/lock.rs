//! Who may write into a folder: one process at a time.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use edgefit_base::file::WriteError;

use crate::error::{Error, Result};

/// The file that is locked. The lock is the system's and ends with the process, however that ends; the
/// file itself says nothing.
const NAME: &str = ".lock";

/// The right to write into a folder, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    folder: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the right to write into `folder`, which must be there.
    ///
    /// # Errors
    /// Another process has it, or nothing can be written there.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let fail = |source| WriteError {
            path: folder.to_path_buf(),
            source,
        };
        let taken = |file| Lock {
            folder: folder.to_path_buf(),
            _file: file,
        };
        loop {
            let mut open = File::options();
            let file = open.create(true).truncate(false).write(true).open(&path);
            let file = file.map_err(fail)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => return Ok(taken(file)),
                // The one who had it has removed the file since it was opened here.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Locked(folder.to_path_buf()));
                }
                // A file system without locks.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                    return Ok(taken(file));
                }
                Err(TryLockError::Error(error)) => return Err(fail(error).into()),
            }
        }
    }

    /// Removes all that lies in the folder but the lock, so that nobody else writes there meanwhile.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn clear_folder(&self) -> Result<()> {
        let fail = |source| WriteError {
            path: self.folder.clone(),
            source,
        };
        for entry in std::fs::read_dir(&self.folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if entry.file_name() == NAME {
                continue;
            }
            let path = entry.path();
            let removed = match entry.file_type() {
                Ok(kind) if kind.is_dir() => std::fs::remove_dir_all(&path),
                Ok(_) => std::fs::remove_file(&path),
                Err(error) => Err(error),
            };
            removed.map_err(|source| WriteError { path, source })?;
        }
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Before the lock ends, so that it cannot be another's.
        let _ = std::fs::remove_file(self.folder.join(NAME));
    }
}

/// Whether the open `file` is the one that lies at `path`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |found: std::fs::Metadata| (found.dev(), found.ino());
    let there = std::fs::metadata(path).map(identity);
    there.is_ok_and(|there| file.metadata().is_ok_and(|own| identity(own) == there))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_and_what_was_left_behind_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        std::fs::write(&path, "of a process that was killed").unwrap();
        let first = Lock::take(folder.path()).unwrap();
        let refused = Lock::take(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("another edgefit"), "{refused}");
        drop(first);
        assert!(!path.exists());
        drop(Lock::take(folder.path()).unwrap());
    }

    #[test]
    fn what_lies_in_a_folder_goes_while_it_is_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::create_dir(path.join("next")).unwrap();
        for name in ["report.json", "next/job.json"] {
            std::fs::write(path.join(name), "{}").unwrap();
        }
        let lock = Lock::take(path).unwrap();
        lock.clear_folder().unwrap();
        let left = || -> Vec<_> {
            let entries = std::fs::read_dir(path).unwrap();
            entries.map(|entry| entry.unwrap().file_name()).collect()
        };
        assert_eq!(left(), [NAME]);
        assert!(Lock::take(path).is_err());
        drop(lock);
        assert!(left().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_removed_file_is_not_the_one_that_is_there_now() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let old = File::create(&path).unwrap();
        assert!(is_at(&old, &path));
        std::fs::remove_file(&path).unwrap();
        assert!(!is_at(&old, &path));
        File::create(&path).unwrap();
        assert!(!is_at(&old, &path));
    }
}
