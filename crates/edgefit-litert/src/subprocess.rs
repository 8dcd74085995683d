//! [`Subprocess`]: a model run in a process of its own, so that a crash of the library is an error.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use edgefit_engine::child::{Launch, Refusal};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::library::Library;
use crate::model::{ElementType, Kernels, Model};

/// How such a process is started.
#[derive(Debug, Clone)]
pub struct Subprocess {
    /// edgefit's own binary.
    pub binary: PathBuf,
    /// LiteRT's library.
    pub library: PathBuf,
}

/// What the parent asks for: to run all inputs in one file, and to write the outputs into another. The answer
/// holds nothing.
#[derive(Serialize, Deserialize)]
struct Order {
    inputs: PathBuf,
    outputs: PathBuf,
}

impl Subprocess {
    /// The outputs, of `width` bytes each, of the model in `file` for `count` inputs, which are one behind the
    /// other.
    ///
    /// # Errors
    /// The process does not start, refuses the model, dies, or gives another number of bytes.
    pub fn run(
        &self,
        file: &[u8],
        (inputs, count): (&[u8], usize),
        (kernels, width): (Kernels, usize),
    ) -> Result<Vec<Vec<u8>>> {
        let folder = temporary_folder()?;
        let [model, given, made] =
            ["model.tflite", "inputs", "outputs"].map(|name| folder.path().join(name));
        fs::write(&model, file)?;
        fs::write(&given, inputs)?;
        let mut arguments: Vec<OsString> = vec!["litert-worker".into(), "--library".into()];
        arguments.push(self.library.clone().into());
        if kernels == Kernels::Reference {
            arguments.push("--reference".into());
        }
        arguments.push(model.into());
        let launch = Launch {
            binary: self.binary.clone(),
            arguments,
            variables: Vec::new(),
        };
        let mut child = launch.start()?;
        child.greeting::<()>()?;
        child.ask::<()>(&Order {
            inputs: given,
            outputs: made.clone(),
        })?;
        let bytes = fs::read(&made)?;
        if bytes.len() != width * count {
            return Err(Error::Model(format!(
                "LiteRT gave {} B for {count} outputs of {width} B",
                bytes.len()
            )));
        }
        Ok(bytes.chunks(width.max(1)).map(<[u8]>::to_vec).collect())
    }
}

/// The child's side: does what its parent orders on stdin.
///
/// # Errors
/// The parent is gone, or gives orders that are none.
pub fn serve(library: &Path, model: &Path, kernels: Kernels) -> Result<()> {
    let library = Library::load(library);
    let start = || {
        let library = library.as_ref().map_err(failed)?;
        let model = Model::open(library, model, kernels, 1).map_err(failed)?;
        Ok((model, ()))
    };
    let answer = |model: &mut Model, order: Order| {
        run_all(model, &order).map_err(failed)?;
        Ok(serde_json::Value::Null)
    };
    let (orders, answers) = (std::io::stdin().lock(), std::io::stdout());
    Ok(edgefit_engine::child::serve(
        orders, answers, start, answer,
    )?)
}

fn failed(error: impl std::fmt::Display) -> Refusal {
    Refusal::Failed(error.to_string())
}

fn run_all(model: &mut Model, order: &Order) -> Result<()> {
    for tensor in [model.input(), model.output()] {
        if !matches!(tensor.element, ElementType::Int8 | ElementType::F32) {
            return Err(Error::Model(format!(
                "a tensor of the model is {:?}, neither int8 nor float",
                tensor.element
            )));
        }
    }
    let given = fs::read(&order.inputs)?;
    let mut made = Vec::new();
    for input in given.chunks(model.input().bytes.max(1)) {
        model.write(input)?;
        model.run()?;
        made.extend(model.read()?);
    }
    Ok(fs::write(&order.outputs, made)?)
}

/// A folder that is gone when dropped.
pub(crate) fn temporary_folder() -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("edgefit-litert-").tempdir()
}
