//! A candidate in LiteRT: its model is exported by a process of its own, so that this one holds nothing but what runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use edgefit::assets::Cache;
use edgefit::bench::Result;
use edgefit::engine::{Array, Error, Runner};
use edgefit::litert::{ElementType, Kernels, Library, Model};
use tempfile::TempDir;

/// A LiteRT model in a folder that is gone when dropped, and the library.
pub struct Prepared {
    folder: TempDir,
    library: PathBuf,
}

/// The model at `path` for inputs of the shapes of `inputs`, as LiteRT takes it.
pub fn prepare(path: &Path, inputs: &[Array]) -> Result<Prepared> {
    let cache = Cache::of_user().map_err(refused)?;
    let library = Library::find(&cache.litert_folder()).map_err(refused)?;
    let folder = tempfile::Builder::new()
        .prefix("edgefit-litert-")
        .tempdir()
        .map_err(refused)?;
    let binary = std::env::current_exe().map_err(refused)?;
    let mut export = Command::new(binary);
    export.args(["export", "--to", "tflite", "-o"]);
    export.arg(folder.path().join(FILE));
    if let [input] = inputs {
        let sizes: Vec<String> = input.dims.iter().map(ToString::to_string).collect();
        export.args(["--input-shape", &sizes.join("x")]);
    }
    export.arg("--").arg(path).stdin(Stdio::null());
    let ended = export.output().map_err(refused)?;
    if !ended.status.success() {
        let said = String::from_utf8_lossy(&ended.stderr);
        let last = said.lines().rfind(|line| !line.trim().is_empty());
        let words = last.unwrap_or("edgefit export failed");
        return Err(refused(words.trim_start_matches("error: ")));
    }
    Ok(Prepared { folder, library })
}

/// Name of the model in its folder.
const FILE: &str = "model.tflite";

impl Prepared {
    /// Loads the model, to be run on `inputs` with `threads` threads of the kernels that LiteRT takes by itself.
    ///
    /// Times do not depend on where channels lie, so that numbers stay in the order in which they are given; of
    /// integers they fill the range.
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
        Ok(Box::new(move || {
            model
                .run()
                .map_err(|error| Error::Refused(error.to_string()))
        }))
    }
}

fn refused(words: impl std::fmt::Display) -> edgefit::bench::Error {
    Error::Refused(words.to_string()).into()
}
