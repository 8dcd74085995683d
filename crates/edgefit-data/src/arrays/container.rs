//! Where arrays lie under names: an `.npz` archive, or a folder of `.npy` files.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use edgefit_base::file;
use zip::ZipArchive;

use super::foreign;
use super::npy::{self, Npy};

/// How many times its own size a compressed file may hold. Sparse floats reach some tens;
/// deflate itself would allow a thousand.
const MAX_EXPANSION: u64 = 100;

/// What a compressed file may hold whatever its size, in bytes.
const ALWAYS_ALLOWED: u64 = 1 << 26;

/// First bytes of an archive.
const ARCHIVE: &[u8] = b"PK";

/// Whether the file at `path` is for arrays: by its name, or by its first bytes.
pub fn is_array_file(path: &Path) -> bool {
    let is_named = |extension: &OsStr| {
        ["npz", "npy"]
            .iter()
            .any(|is| extension.eq_ignore_ascii_case(is))
    };
    let begins = |file: File| {
        let mut start = Vec::new();
        let read = file.take(npy::MAGIC.len() as u64).read_to_end(&mut start);
        read.is_ok() && (start.starts_with(ARCHIVE) || start.starts_with(npy::MAGIC))
    };
    path.extension().is_some_and(is_named) || file::open(path).is_ok_and(begins)
}

/// Arrays that are found by their names.
pub(super) enum Container {
    Archive {
        archive: ZipArchive<BufReader<File>>,
        /// Bytes that may still be unpacked.
        allowed: u64,
    },
    Folder(PathBuf),
}

impl Container {
    pub fn open(path: &Path) -> Result<Self, String> {
        let fail = |error: std::io::Error| format!("cannot be opened ({error})");
        let about = path.metadata().map_err(fail)?;
        if about.is_dir() {
            return Ok(Container::Folder(path.to_owned()));
        }
        let mut file = BufReader::new(file::open(path).map_err(fail)?);
        let mut start = Vec::new();
        let mut first = file.by_ref().take(foreign::START as u64);
        first.read_to_end(&mut start).map_err(fail)?;
        file.rewind().map_err(fail)?;
        if start.starts_with(npy::MAGIC) {
            return Err(single(file, about.len()));
        }
        if !start.starts_with(ARCHIVE) {
            return Err(foreign::told(&start));
        }
        let archive = ZipArchive::new(file).map_err(|error| {
            format!(
                "is a damaged .npz archive ({error}); save it again with np.savez(path, x=x, y=y)"
            )
        })?;
        Ok(Container::Archive {
            archive,
            allowed: about
                .len()
                .saturating_mul(MAX_EXPANSION)
                .max(ALWAYS_ALLOWED),
        })
    }

    /// Names of the arrays, sorted.
    pub fn names(&self) -> Result<Vec<String>, String> {
        let files: Vec<String> = match self {
            Container::Archive { archive, .. } => {
                let names = archive.file_names_raw();
                names
                    .map(|name| String::from_utf8_lossy(name).into_owned())
                    .collect()
            }
            Container::Folder(folder) => std::fs::read_dir(folder)
                .and_then(|entries| {
                    let name = |entry: std::fs::DirEntry| entry.file_name();
                    let names = entries.map(|entry| Ok(name(entry?).to_string_lossy().into()));
                    names.collect::<std::io::Result<_>>()
                })
                .map_err(|error| format!("cannot be listed ({error})"))?,
        };
        let mut names: Vec<String> = files
            .iter()
            .filter_map(|file| file.strip_suffix(".npy").map(str::to_owned))
            .collect();
        names.sort();
        Ok(names)
    }

    /// The array `name`, whose elements are not read yet.
    pub fn array(&mut self, name: &str) -> Result<Npy<Box<dyn Read + '_>>, String> {
        let file = format!("{name}.npy");
        match self {
            Container::Archive { archive, allowed } => {
                let entry = archive
                    .by_name(&file)
                    .map_err(|error| format!("cannot be unpacked ({error}); save it again"))?;
                let size = entry.size();
                *allowed = allowed.checked_sub(size).ok_or_else(|| {
                    format!(
                        "claims to hold {size} bytes, more than a file of this size is trusted to; \
                         save it uncompressed with np.savez"
                    )
                })?;
                Npy::new(Box::new(entry), size)
            }
            Container::Folder(folder) => {
                let fail = |error: std::io::Error| format!("cannot be read ({error})");
                let file = file::open(&folder.join(file)).map_err(fail)?;
                let size = file.metadata().map_err(fail)?.len();
                Npy::new(Box::new(BufReader::new(file)), size)
            }
        }
    }
}

/// What is wrong with a file that is one array.
fn single(file: impl Read, size: u64) -> String {
    let shape = Npy::new(file, size).map(|npy| format!(" of shape {:?}", npy.shape()));
    format!(
        "is a single array{}, no .npz archive; save all that belong together with \
         np.savez(\"data.npz\", x=x, y=y), or give the folder that holds x.npy and y.npy",
        shape.unwrap_or_default()
    )
}
