//! A project as a folder, whole or not at all.

use std::io;
use std::path::{Path, PathBuf};

use super::file::File;

/// A project could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {problem}", path.display())]
pub struct FolderError {
    /// The folder.
    pub path: PathBuf,
    /// What is wrong with it, and the fix.
    pub problem: String,
}

/// Refuses a folder that [`write`] would refuse, before any work is done for it.
///
/// # Errors
/// Something is there already.
pub fn ensure_free(path: &Path) -> Result<(), FolderError> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Err(fail(path)(
            "it is there already; name a folder that is not there yet",
        )),
        Err(_) => Ok(()),
    }
}

/// Writes `files` into a folder beside `path` and renames it.
///
/// # Errors
/// Something is at `path` already, or whatever the system says.
pub fn write(files: &[File], path: &Path) -> Result<(), FolderError> {
    ensure_free(path)?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let written = || -> io::Result<()> {
        std::fs::create_dir_all(parent)?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            // Temporary folders are private; the finished one gets what the umask allows.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o777));
        }
        let folder = builder.prefix(".edgefit-").tempdir_in(parent)?;
        for file in files {
            std::fs::write(folder.path().join(&file.name), &file.text)?;
        }
        std::fs::rename(folder.path(), path)?;
        // It has moved, so that nothing is left to remove.
        let _ = folder.keep();
        Ok(())
    };
    written().map_err(|error| {
        fail(path)(&format!(
            "{error}; choose a place with room that can be written"
        ))
    })
}

fn fail(path: &Path) -> impl Fn(&str) -> FolderError {
    |problem| FolderError {
        path: path.to_path_buf(),
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_new_and_whole() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("deep/project");
        let files = [File {
            name: "model.h".into(),
            text: "x".into(),
        }];
        write(&files, &path).unwrap();
        assert_eq!(std::fs::read_to_string(path.join("model.h")).unwrap(), "x");
        assert_eq!(
            std::fs::read_dir(place.path().join("deep"))
                .unwrap()
                .count(),
            1
        );
        let again = write(&files, &path).unwrap_err().to_string();
        assert!(again.contains("is there already"), "{again}");
    }
}
