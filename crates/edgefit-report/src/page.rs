//! A page: one file that needs nothing else.

use std::path::Path;

use edgefit_base::file::write_text;

use crate::error::Result;

/// Bytes that no page exceeds.
pub const MOST_BYTES: usize = 1 << 20;

/// A page: one file that needs nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The file.
    pub html: String,
    /// Sentences on what could not be shown.
    pub remarks: Vec<String>,
}

impl Page {
    /// Writes the page to `path`; a file that is there is replaced once the new one is whole.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(write_text(path, &self.html)?)
    }
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
