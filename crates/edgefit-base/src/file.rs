//! Regular files: the only ones that are read, and written whole or not at all.

use std::fs::{File, FileType};
use std::io::{self, BufWriter, Error, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::stand_in::StandIn;

/// A file could not be written. What was at its path is as it was before.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}; {}", path.display(), fix(source))]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    pub source: std::io::Error,
}

fn fix(source: &Error) -> &'static str {
    match source.kind() {
        ErrorKind::InvalidInput => "name a file, one to be replaced or one that is not there yet",
        _ => "choose a place with room that can be written",
    }
}

/// Opens a regular file for reading, or a link to one.
///
/// A FIFO would let the reader wait for a writer that never comes, and a device has no end. What lies in
/// the place of a file that was never fetched is named, see [`StandIn`].
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let error = edgefit_base::file::open(folder.path()).unwrap_err();
/// assert_eq!(error.to_string(), "it is a folder, where a file is wanted");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// It is something else or only a stand-in, or whatever the system says.
pub fn open(path: &Path) -> io::Result<File> {
    let found = std::fs::metadata(path)?.file_type();
    if !found.is_file() {
        return Err(invalid(if found.is_dir() {
            "it is a folder, where a file is wanted".to_owned()
        } else {
            format!(
                "it is {}, which may never end; save what it holds to a file",
                kind(found)
            )
        }));
    }
    StandIn::refuse(path)?;
    File::open(path)
}

/// All bytes of a regular file.
///
/// # Errors
/// As of [`open`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let size = file.metadata().map_or(0, |about| about.len());
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a regular file.
///
/// # Errors
/// As of [`open`], or it is not UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Refuses a path that [`write_atomically`] would refuse, before any work is done for the file.
///
/// # Errors
/// Its folder is not there, or at `path` is something else than a regular file. A link is something
/// else: the file that it leads to may lie anywhere.
pub fn ensure_place(path: &Path) -> Result<(), WriteError> {
    place(path).map_err(|source| WriteError {
        path: path.to_path_buf(),
        source,
    })
}

fn place(path: &Path) -> io::Result<()> {
    if let Ok(found) = std::fs::symlink_metadata(path) {
        let found = found.file_type();
        if !found.is_file() {
            let to = match std::fs::read_link(path) {
                Ok(target) => format!(" to {}", target.display()),
                Err(_) => String::new(),
            };
            let kind = kind(found);
            return Err(invalid(format!(
                "it is {kind}{to}, and only a regular file is replaced"
            )));
        }
    }
    let folder = folder_of(path);
    match std::fs::metadata(folder)? {
        found if found.is_dir() => Ok(()),
        _ => Err(Error::new(
            ErrorKind::NotADirectory,
            format!("{} is no folder", folder.display()),
        )),
    }
}

/// `path` from the root of the file system on; an empty one stays as it is.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Makes a folder, and those above it, unless it is there.
///
/// # Errors
/// A file or something else is there, or whatever the system says.
pub fn create_folder(path: &Path) -> Result<(), WriteError> {
    let made = match std::fs::metadata(path) {
        Ok(found) if !found.is_dir() => Err(Error::new(
            ErrorKind::NotADirectory,
            format!(
                "it is {}, where a folder is wanted",
                kind(found.file_type())
            ),
        )),
        _ => std::fs::create_dir_all(path),
    };
    made.map_err(|source| WriteError {
        path: path.to_path_buf(),
        source,
    })
}

fn invalid(words: String) -> Error {
    Error::new(ErrorKind::InvalidInput, words)
}

/// What somebody would call a file of this type.
fn kind(found: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if found.is_fifo() {
            return "a FIFO";
        }
        if found.is_socket() {
            return "a socket";
        }
        if found.is_char_device() || found.is_block_device() {
            return "a device";
        }
    }
    if found.is_dir() {
        "a folder"
    } else if found.is_symlink() {
        "a link"
    } else {
        "a file"
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Writes a file beside `path`, flushes it to the disk and renames it onto `path`, so that `path`
/// never holds half a file.
///
/// Every file that a user or a run keeps is written by this function.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("report.json");
/// edgefit_base::file::write_atomically(&path, |file| file.write_all(b"{}"))?;
/// assert_eq!(std::fs::read(path)?, b"{}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As of [`ensure_place`] (renaming would put a file in the place of a device or of a link), or
/// whatever the system says.
pub fn write_atomically(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), WriteError> {
    ensure_place(path)?;
    write(path, fill).map_err(|source| WriteError {
        path: path.to_path_buf(),
        source,
    })
}

/// As [`write_atomically`], of a text.
///
/// # Errors
/// As [`write_atomically`].
pub fn write_text(path: &Path, text: &str) -> Result<(), WriteError> {
    write_atomically(path, |file| file.write_all(text.as_bytes()))
}

fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // Temporary files are private; the finished file gets what the umask allows.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.prefix(".edgefit-").tempfile_in(folder_of(path))?;
    let mut buffered = BufWriter::new(file.as_file_mut());
    fill(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomically(&path, |file| file.write_all(b"whole")).unwrap();
        let full_disk = |file: &mut dyn Write| {
            file.write_all(b"half")?;
            Err(std::io::Error::from(ErrorKind::StorageFull))
        };
        let error = write_atomically(&path, full_disk).unwrap_err();
        assert_eq!(error.path, path);
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_a_regular_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path, words: &str| {
            let error = write_atomically(path, |_| Ok(())).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert_eq!(ensure_place(path).unwrap_err().to_string(), error);
        };
        refused(folder.path(), "it is a folder");
        refused(&folder.path().join("absent/file"), "choose a place");
        let file = folder.path().join("file");
        std::fs::write(&file, "kept").unwrap();
        refused(&file.join("below"), "choose a place");
        let error = create_folder(&file).unwrap_err().to_string();
        assert!(error.contains("it is a file, where a folder"), "{error}");
        create_folder(&folder.path().join("a/b")).unwrap();
        create_folder(&folder.path().join("a/b")).unwrap();
        assert!(ensure_place(Path::new("a-name-alone")).is_ok());
        assert!(ensure_place(&file).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn links_devices_and_fifos_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("outside"), "kept").unwrap();
        std::os::unix::fs::symlink(at("outside"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("absent"), at("dangling")).unwrap();
        fifo(&at("fifo"));
        for (path, words) in [
            (at("link"), "it is a link to "),
            (at("dangling"), "it is a link to "),
            (at("fifo"), "it is a FIFO, and only a regular file"),
            ("/dev/null".into(), "it is a device"),
            ("/dev/stdout".into(), "it is a link to "),
        ] {
            let before = std::fs::symlink_metadata(&path).unwrap().file_type();
            let error = write_atomically(&path, |file| file.write_all(b"new")).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            let after = std::fs::symlink_metadata(&path).unwrap().file_type();
            assert_eq!(before, after);
        }
        assert_eq!(std::fs::read(at("outside")).unwrap(), b"kept");
        assert!(!at("absent").exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fifo(&at("fifo"));
        for (path, words) in [
            (at("fifo"), "it is a FIFO"),
            ("/dev/zero".into(), "it is a device"),
            (folder.path().into(), "it is a folder, where a file"),
        ] {
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert!(read_to_string(&path).is_err());
        }
        std::fs::write(at("file"), "text").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        assert_eq!(read(&at("file")).unwrap(), b"text");
        assert_eq!(read_to_string(&at("link")).unwrap(), "text");
        let absent = open(&at("absent")).unwrap_err();
        assert_eq!(absent.kind(), ErrorKind::NotFound);
    }

    #[cfg(unix)]
    fn fifo(path: &Path) {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    }
}
