//! A page: one file that needs nothing else.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use edgefit_base::file::{self, WriteError, write_text};

use crate::error::Result;

/// Bytes that no page exceeds.
pub const MOST_BYTES: usize = 1 << 20;

/// Bytes of a file that show whether it is HTML.
const START: u64 = 256;

/// A page: one file that needs nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The file.
    pub html: String,
    /// Sentences on what could not be shown.
    pub remarks: Vec<String>,
}

impl Page {
    /// Refuses a place where [`Page::write`] writes nothing, before any work is done for the page.
    ///
    /// # Errors
    /// No file can be written there, or one that is there is no page: it may be what the page is made of.
    pub fn ensure_place(path: &Path) -> Result<()> {
        file::ensure_place(path)?;
        let source = match is_html(path) {
            Ok(true) => return Ok(()),
            Ok(false) => io::Error::new(
                ErrorKind::InvalidInput,
                "what is there is no HTML, and only a page is replaced",
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => error,
        };
        let path = path.to_path_buf();
        Err(WriteError { path, source }.into())
    }

    /// Writes the page to `path`; a page that is there is replaced once the new one is whole.
    ///
    /// # Errors
    /// As of [`Page::ensure_place`], or it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        Page::ensure_place(path)?;
        Ok(write_text(path, &self.html)?)
    }
}

/// Whether a file begins as HTML does, or holds nothing.
fn is_html(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    // `file::open` refuses web pages, which stand where a download failed.
    File::open(path)?.take(START).read_to_end(&mut start)?;
    let start = start.trim_ascii_start();
    let begins = |with: &&[u8]| {
        let first = start.get(..with.len());
        first.is_some_and(|first| first.eq_ignore_ascii_case(with))
    };
    Ok(start.is_empty() || [&b"<!doctype html"[..], b"<html"].iter().any(begins))
}

/// How much of a run is shown of what there may be any amount of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// Pictures of samples.
    pub pictures: usize,
    /// Rows of a table.
    pub rows: usize,
    /// Buffers of a drawn plan.
    pub buffers: usize,
}

impl Allowance {
    /// Pictures of samples at most, in each part of a page.
    pub const MOST_PICTURES: usize = 48;

    /// From generous to bare.
    const LEVELS: [Allowance; 4] = [
        Allowance {
            pictures: Allowance::MOST_PICTURES,
            rows: 1000,
            buffers: 400,
        },
        Allowance {
            pictures: 24,
            rows: 300,
            buffers: 200,
        },
        Allowance {
            pictures: 8,
            rows: 60,
            buffers: 60,
        },
        Allowance {
            pictures: 0,
            rows: 10,
            buffers: 20,
        },
    ];

    /// The page that shows the most and is not larger than [`MOST_BYTES`].
    pub fn largest(make: impl Fn(Allowance) -> Result<Page>) -> Result<Page> {
        let mut last = None;
        for allowance in Allowance::LEVELS {
            let page = make(allowance)?;
            if page.html.len() <= MOST_BYTES {
                return Ok(page);
            }
            last = Some(page);
        }
        // The last level is small for whatever is there, unless single names are huge, which `words::shown`
        // cuts.
        last.map_or_else(|| make(Allowance::LEVELS[3]), Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("place");
        let page = Page {
            html: "<!DOCTYPE html>\n<p>new</p>".into(),
            remarks: Vec::new(),
        };
        page.write(&path).unwrap();
        for old in [
            page.html.as_str(),
            "<HTML lang=\"en\">",
            "\n<!doctype html>",
            "",
        ] {
            std::fs::write(&path, old).unwrap();
            page.write(&path).unwrap();
        }
        std::fs::write(&path, "PK a model").unwrap();
        let refused = page.write(&path).unwrap_err().to_string();
        assert!(
            refused.contains("is no HTML") && !refused.contains('\n'),
            "{refused}"
        );
        assert_eq!(Page::ensure_place(&path).unwrap_err().to_string(), refused);
        assert_eq!(std::fs::read(&path).unwrap(), b"PK a model");
    }
}
