//! `splits.json`: which samples a run trained on, and which it held out.

use std::path::Path;

use edgefit_base::{file, schema};
use edgefit_data::Splits;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::prepare::split::SplitSamples;

/// `splits.json` of a run: which images were trained on, and which were held out, by their paths below
/// the dataset's folder.
#[derive(Debug, Serialize, Deserialize)]
pub struct SplitFile {
    /// Trained on.
    pub train: Vec<String>,
    /// Choices were made on.
    pub val: Vec<String>,
    /// Read once, at the end.
    pub test: Vec<String>,
}

impl SplitFile {
    /// Name and version of the document.
    pub const SCHEMA: &str = "edgefit.splits/1";

    pub(crate) fn of(splits: &Splits<SplitSamples>) -> Self {
        let Splits { train, val, test } = splits.as_ref().map(|split| {
            let samples = split.samples.iter();
            samples.map(|sample| sample.relative.clone()).collect()
        });
        SplitFile { train, val, test }
    }

    /// Reads one.
    ///
    /// # Errors
    /// It cannot be read, or is not the document of a run.
    pub fn load(path: &Path) -> Result<Self> {
        let fail = |problem: String| Error::Run {
            path: path.to_path_buf(),
            problem,
        };
        let text = file::read_to_string(path)
            .map_err(|error| fail(format!("cannot be read ({error})")))?;
        schema::from_json(&text, Self::SCHEMA).map_err(|error| {
            fail(format!(
                "is not the splits.json of a run ({error}); give the one that `edgefit train` wrote"
            ))
        })
    }
}
