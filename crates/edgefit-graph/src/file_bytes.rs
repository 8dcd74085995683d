//! The bytes of a file, mapped or copied.

use std::path::Path;

use bytes::Bytes;
use edgefit_base::file;
use memmap2::Mmap;

use crate::error::{Error, Result};

/// How the contents of a file come into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loading {
    /// As a view of the file, which must not change while the view lives.
    Mapped,
    /// As a copy.
    Copied,
}

/// The contents of a regular file.
pub(crate) fn file_bytes(path: &Path, loading: Loading) -> Result<Bytes> {
    let fail = |source| Error::Read {
        path: path.to_path_buf(),
        source,
    };
    let file = file::open(path).map_err(fail)?;
    if file.metadata().map_err(fail)?.len() == 0 {
        return Ok(Bytes::new());
    }
    match loading {
        Loading::Copied => Ok(file::read(path).map_err(fail)?.into()),
        Loading::Mapped => {
            // SAFETY: the mapping is private and read-only. A model that another process truncates
            // while it is read would raise SIGBUS; edgefit itself replaces files by rename, never
            // in place.
            let mapping = unsafe { Mmap::map(&file) }.map_err(fail)?;
            Ok(Bytes::from_owner(mapping))
        }
    }
}
