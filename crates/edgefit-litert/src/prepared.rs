//! [`Prepared`]: an ONNX model as a LiteRT model, exported by a process of its own, so that the one that is timed holds
//! nothing but what runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use edgefit_base::units::shape_argument;
use edgefit_engine::{Array, Error, Result, Runner};
use tempfile::TempDir;

use crate::library::Library;
use crate::model::{ElementType, Kernels, Model};
use crate::subprocess::{Subprocess, temporary_folder};

/// Name of the model in its folder.
const FILE: &str = "model.tflite";

/// A LiteRT model in a folder that is gone when dropped, and the library.
pub struct Prepared {
    folder: TempDir,
    library: PathBuf,
}

impl Prepared {
    /// The model at `path` for inputs of the shapes of `inputs`, as LiteRT takes it.
    ///
    /// # Errors
    /// The inputs are of several samples, or it cannot be exported; the words of `edgefit export`.
    pub fn new(process: &Subprocess, path: &Path, inputs: &[Array]) -> Result<Self> {
        let dims = inputs.first().map(|input| input.dims.as_slice());
        if let Some([batch, sample @ ..]) = dims
            && *batch > 1
        {
            let fix = match sample {
                [] => "use a model whose input has a dimension of the samples, and another",
                _ => "give --batch 1, or export the model with a dynamic batch",
            };
            return Err(refused(format!(
                "a LiteRT model takes one sample at a time; {fix}"
            )));
        }
        let folder = temporary_folder().map_err(refused)?;
        let mut export = Command::new(&process.binary);
        export.args(["export", "--to", "tflite", "-o"]);
        export.arg(folder.path().join(FILE));
        if let [input] = inputs {
            export.args(["--input-shape", &shape_argument(&input.dims)]);
        }
        export.arg("--").arg(path).stdin(Stdio::null());
        let ended = export.output().map_err(refused)?;
        if !ended.status.success() {
            let said = String::from_utf8_lossy(&ended.stderr);
            let last = said.lines().rfind(|line| !line.trim().is_empty());
            let words = last.unwrap_or("edgefit export failed");
            return Err(refused(words.trim_start_matches("error: ")));
        }
        Ok(Prepared {
            folder,
            library: process.library.clone(),
        })
    }

    /// Loads the model, to be run on `inputs` with `threads` threads of the kernels that LiteRT takes by itself.
    ///
    /// Times do not depend on where channels lie, so that numbers stay in the order in which they are given; of
    /// integers they fill the range.
    ///
    /// # Errors
    /// LiteRT does not take the model or the inputs.
    pub fn load(&self, inputs: &[Array], threads: usize) -> Result<Runner> {
        // The process ends with the model.
        let library: &'static Library =
            Box::leak(Box::new(Library::load(&self.library).map_err(refused)?));
        let path = self.folder.path().join(FILE);
        let model = Model::open(library, &path, Kernels::Default, threads);
        let mut model = model.map_err(refused)?;
        let values = inputs.first().map_or(&[][..], |input| &input.values);
        let bytes: Vec<u8> = match model.input().element {
            ElementType::F32 => values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
            _ => {
                let most = values
                    .iter()
                    .fold(f32::MIN_POSITIVE, |most, value| most.max(value.abs()));
                let byte = |value: &f32| (value / most * 127.0) as i8;
                values
                    .iter()
                    .map(|value| byte(value).cast_unsigned())
                    .collect()
            }
        };
        model.write(&bytes).map_err(refused)?;
        Ok(Box::new(move || model.run().map_err(refused)))
    }
}

fn refused(words: impl std::fmt::Display) -> Error {
    Error::Refused(words.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_samples_are_refused_before_anything_is_exported() {
        let process = Subprocess {
            binary: "nothing".into(),
            library: "nothing".into(),
        };
        for (dims, fix) in [(vec![8, 3], "give --batch 1"), (vec![24], "use a model")] {
            let input = Array {
                dims,
                values: vec![0.0; 24],
            };
            let refused = Prepared::new(&process, Path::new("model.onnx"), &[input]);
            let words = refused.err().map(|error| error.to_string());
            assert!(words.is_some_and(|words| words.contains(fix)));
        }
    }
}
