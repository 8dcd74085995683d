use std::path::{Path, PathBuf};

use edgefit::base::file::write_atomically;
use edgefit::data::{NamedArray, npz};
use edgefit::engine::parity::Divergence;
use serde::Serialize;

use crate::output::Output;

/// Files that reproduce a divergence.
#[derive(Debug, Serialize)]
pub struct Files {
    /// The part of the model that diverges.
    pub model: PathBuf,
    /// The same part of what it was compared with.
    pub against: Option<PathBuf>,
    /// Its inputs, an `.npz` archive.
    pub inputs: PathBuf,
}

/// Writes the smallest part that reproduces a divergence, with its inputs beside it.
///
/// # Errors
/// A file cannot be written.
pub fn write(
    path: &Path,
    found: &Divergence,
    two_models: bool,
    output: &mut Output,
) -> anyhow::Result<Option<Files>> {
    let Some(reduced) = &found.reduced else {
        output.warn(
            "no part of the model reproduces the divergence with the same inputs, so --reduce wrote \
             nothing: errors add up",
        );
        return Ok(None);
    };
    let files = Files {
        model: path.to_path_buf(),
        against: two_models.then(|| path.with_extension("against.onnx")),
        inputs: path.with_extension("npz"),
    };
    let arrays: Vec<NamedArray> = reduced
        .inputs
        .iter()
        .map(|(name, array)| NamedArray {
            name: name.clone(),
            dims: array.dims.clone(),
            values: array.values.clone(),
        })
        .collect();
    let archive = npz(&arrays)?;
    reduced.a.save(&files.model)?;
    if let Some(against) = &files.against {
        reduced.b.save(against)?;
    }
    write_atomically(&files.inputs, |file| file.write_all(&archive))?;
    Ok(Some(files))
}
