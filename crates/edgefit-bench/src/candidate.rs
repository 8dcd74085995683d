//! One thing to measure: a model in an engine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use edgefit_base::units::shape_argument;
use edgefit_engine::child::Launch;
use edgefit_engine::onnxruntime::LIBRARY_VARIABLE;
use edgefit_engine::{Provider, Target};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::program::Program;

/// A model in an engine, with a number of threads.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// ONNX file.
    pub model: PathBuf,
    /// Engine, and what it runs on.
    pub target: Target,
    /// Threads of the engine.
    pub threads: usize,
    /// Shape of each input, batch first.
    pub shapes: Vec<Vec<usize>>,
    /// `.npy` files of the inputs; random numbers where there are none.
    pub inputs: Vec<PathBuf>,
}

/// What the process of a candidate is started with.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Invocation {
    pub arguments: Vec<String>,
    pub variables: Vec<(String, String)>,
}

impl Invocation {
    /// The process of `program` that it is, in `emulator` where there is one.
    pub(crate) fn launch(&self, program: &Program, emulator: Option<&PathBuf>) -> Launch {
        let library = program.onnxruntime.as_ref().ok();
        let library = library.map(|path| (LIBRARY_VARIABLE.to_owned(), path.into()));
        let variables = self.variables.iter();
        let variables = variables.map(|(name, value)| (name.clone(), value.into()));
        let emulated = emulator.map(|_| OsString::from(&program.binary));
        let arguments = self.arguments.iter().map(OsString::from);
        Launch {
            binary: emulator.unwrap_or(&program.binary).clone(),
            arguments: emulated.into_iter().chain(arguments).collect(),
            variables: variables.chain(library).collect(),
        }
    }
}

impl Candidate {
    /// What it is, in a line.
    pub fn label(&self) -> String {
        let plural = if self.threads == 1 { "" } else { "s" };
        format!(
            "{} on {}, {} thread{plural}",
            self.model.display(),
            self.target,
            self.threads
        )
    }

    /// How its process is started.
    pub(crate) fn invocation(&self) -> Result<Invocation> {
        Ok(Invocation {
            arguments: self.arguments()?,
            variables: self.variables(),
        })
    }

    fn arguments(&self) -> Result<Vec<String>> {
        let mut arguments = vec!["bench-worker".to_owned()];
        let mut option = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        option("--engine", self.target.to_string());
        option("--threads", self.threads.to_string());
        for file in &self.inputs {
            option("--input", utf8(file)?);
        }
        let shapes = self.shapes.iter();
        for shape in shapes.filter(|_| self.inputs.is_empty()) {
            option("--input-shape", shape_argument(shape));
        }
        arguments.extend(["--".to_owned(), utf8(&self.model)?]);
        Ok(arguments)
    }

    fn variables(&self) -> Vec<(String, String)> {
        // burn's threads are rayon's.
        let threads = ("RAYON_NUM_THREADS", self.threads.to_string());
        // So that CUDA's first GPU is the one that NVML is asked about.
        let order = ("CUDA_DEVICE_ORDER", "PCI_BUS_ID".to_owned());
        let on_gpu = self.target.provider == Provider::Cuda;
        let variables = [threads].into_iter().chain(on_gpu.then_some(order));
        variables
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

fn utf8(path: &Path) -> Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Error::NotUtf8(path.to_path_buf()))
}

#[cfg(test)]
mod tests {
    use edgefit_base::units::shape;
    use edgefit_engine::EngineName;

    use super::*;

    #[test]
    fn every_shape_is_given_in_a_form_that_is_read() {
        let candidate = Candidate {
            model: "m.onnx".into(),
            target: EngineName::Tract.into(),
            threads: 1,
            shapes: vec![vec![2, 3], Vec::new()],
            inputs: Vec::new(),
        };
        let arguments = candidate.arguments().unwrap();
        let given = arguments
            .windows(2)
            .filter(|pair| pair[0] == "--input-shape");
        let shapes: Result<Vec<Vec<usize>>, String> = given.map(|pair| shape(&pair[1])).collect();
        assert_eq!(shapes, Ok(candidate.shapes));
    }
}
