//! Where the text of a profile comes from.

use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::error::{Error, Result};

/// Largest profile file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The text of a profile.
pub(crate) struct Source {
    /// File or name, for errors and to recognise it again.
    pub place: String,
    pub text: String,
    pub origin: Origin,
}

/// What a [`Source`] is, which decides what it may extend.
pub(crate) enum Origin {
    BuiltIn,
    Text,
    File {
        /// Folder of the file.
        folder: PathBuf,
    },
}

impl Source {
    /// The profile file at `path`.
    pub fn read(path: &Path) -> Result<Source> {
        let fail = |source| Error::Read {
            path: path.to_path_buf(),
            source,
        };
        let mut text = String::new();
        let file = edgefit_base::file::open(path).map_err(fail)?;
        let read = file.take(MAX_FILE + 1).read_to_string(&mut text);
        if read.map_err(fail)? as u64 > MAX_FILE {
            return Err(fail(std::io::Error::other(
                "it is larger than 1 MiB, which no device profile is",
            )));
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        Ok(Source {
            place: path.display().to_string(),
            text,
            origin: Origin::File { folder },
        })
    }

    /// The text as a TOML table with spans.
    pub fn table(&self) -> Result<DeTable<'_>> {
        match DeTable::parse(&self.text) {
            Ok(table) => Ok(table.into_inner()),
            Err(error) => Err(self.problem(error.span(), error.message())),
        }
    }

    /// The error that says what is wrong where `span` of the text begins.
    pub fn problem(&self, span: Option<Range<usize>>, problem: impl AsRef<str>) -> Error {
        let before = span.and_then(|span| self.text.get(..span.start));
        let line = before.map(|before| 1 + before.matches('\n').count());
        let line = line.map_or(String::new(), |line| format!("line {line}: "));
        Error::Profile {
            place: self.place.clone(),
            problem: format!("{line}{}", problem.as_ref()),
        }
    }
}
