//! A model that is run in a process of edgefit's own, by `edgefit run-model`.

use std::ffi::OsString;
use std::path::Path;

use edgefit_base::units::shape_argument;
use edgefit_engine::child::Launch;
use edgefit_engine::onnxruntime::LIBRARY_VARIABLE;
use edgefit_engine::{EngineName, Measurement};

use crate::error::{Error, Result};

/// Runs of a model at least, and their time.
const RUNS: &str = "10";
const MILLISECONDS: &str = "250";

/// What such processes are started with.
pub struct OwnProcess<'a> {
    /// edgefit's own binary.
    pub binary: &'a Path,
    /// ONNX Runtime's library, where it was found.
    pub onnxruntime: Option<&'a Path>,
    /// Threads of the engines.
    pub threads: usize,
}

impl OwnProcess<'_> {
    /// Measures the model in a file on inputs of these shapes.
    ///
    /// # Errors
    /// The process cannot be started, dies, or the engine fails.
    pub fn run(
        &self,
        engine: EngineName,
        model: &Path,
        shapes: &[Vec<usize>],
    ) -> Result<Measurement> {
        let engine_name = engine.to_string();
        let threads = self.threads.to_string();
        let options = [
            "--json",
            "run-model",
            "--engine",
            &engine_name,
            "--threads",
            &threads,
        ];
        let effort = ["--runs", RUNS, "--milliseconds", MILLISECONDS];
        let mut arguments: Vec<OsString> = options.iter().chain(&effort).map(Into::into).collect();
        for shape in shapes {
            arguments.extend(["--input-shape".into(), shape_argument(shape).into()]);
        }
        arguments.push(model.into());
        let variables = self.onnxruntime.iter();
        let variables = variables.map(|path| (LIBRARY_VARIABLE.to_owned(), path.into()));
        let launch = Launch {
            binary: self.binary.to_path_buf(),
            arguments,
            variables: variables.collect(),
        };
        let ran = launch.document::<Measurement>();
        ran.map_err(|error| Error::Child {
            engine,
            detail: error.to_string(),
        })
    }
}
