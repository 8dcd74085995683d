//! The smallest part that reproduces a divergence, as files.

use std::path::{Path, PathBuf};

use edgefit_base::file::write_atomically;
use edgefit_data::{NamedArray, npz};
use serde::Serialize;

use crate::divergence::ReducedModel;
use crate::error::{Error, Result};
use crate::participant::Models;

/// Files that reproduce a divergence.
#[derive(Debug, Serialize)]
pub struct ReducedFiles {
    /// The part of the model that diverges.
    pub model: PathBuf,
    /// The same part of what it was compared with.
    pub against: Option<PathBuf>,
    /// Its inputs, an `.npz` archive.
    pub inputs: PathBuf,
}

impl ReducedModel {
    /// Writes the part to `path`, its inputs to `path` with the extension `npz`, and of two models the
    /// other's part to `path` with the extension `against.onnx`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, path: &Path, models: Models) -> Result<ReducedFiles> {
        let files = ReducedFiles {
            model: path.to_path_buf(),
            against: (models == Models::Two).then(|| path.with_extension("against.onnx")),
            inputs: path.with_extension("npz"),
        };
        let arrays: Vec<NamedArray> = self
            .inputs
            .iter()
            .map(|(name, array)| NamedArray {
                name: name.clone(),
                dims: array.dims.clone(),
                values: array.values.clone(),
            })
            .collect();
        let archive = npz(&arrays).map_err(|source| Error::Io {
            what: format!("cannot write {}", files.inputs.display()),
            source,
        })?;
        self.a.save(&files.model)?;
        if let Some(against) = &files.against {
            self.b.save(against)?;
        }
        write_atomically(&files.inputs, |file| file.write_all(&archive))?;
        Ok(files)
    }
}
