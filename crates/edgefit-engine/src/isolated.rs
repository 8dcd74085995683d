//! An engine in a process of its own, so that a crash of it is a result.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use edgefit_graph::Graph;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::array::Array;
use crate::child::{Child, ChildError, Launch, orders, say};
use crate::error::{Error, Result};
use crate::onnxruntime::Missing;
use crate::{Engine, EngineName, load};

/// Something that runs graphs in one engine, here or in another process.
pub trait Executor {
    /// Which engine.
    fn name(&self) -> EngineName;

    /// Makes `graph` the one that runs.
    ///
    /// # Errors
    /// The engine is not there, cannot load it, or crashes.
    fn load(&mut self, graph: &Graph) -> Result<()>;

    /// Outputs of the graph that was loaded last, for its inputs.
    ///
    /// # Errors
    /// Whatever the engine says of the inputs, or that it crashes.
    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>>;
}

/// An engine in this process.
pub struct Local {
    name: EngineName,
    threads: usize,
    loaded: Option<Box<dyn Engine>>,
}

impl Local {
    /// `name` with `threads` threads.
    pub fn new(name: EngineName, threads: usize) -> Self {
        Local {
            name,
            threads,
            loaded: None,
        }
    }
}

impl Executor for Local {
    fn name(&self) -> EngineName {
        self.name
    }

    fn load(&mut self, graph: &Graph) -> Result<()> {
        self.loaded = Some(load(self.name, graph, self.threads)?);
        Ok(())
    }

    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        match &mut self.loaded {
            Some(loaded) => loaded.run(inputs),
            None => Err(Error::run(self.name, "no model was loaded")),
        }
    }
}

/// What the parent asks for; answered by [`Answer`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// Load the model in a file.
    Load(PathBuf),
    /// Run it on the arrays in one file and write its outputs into another.
    Run(PathBuf, PathBuf),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Done,
    /// The engine's library is not there; the reason.
    Missing(String),
    /// The engine refused.
    Failed(String),
}

/// An engine in a process of its own. The process starts when it is needed, and again after a crash.
pub struct Isolated {
    name: EngineName,
    launch: Launch,
    child: Option<Child>,
    folder: TempDir,
    model: Option<PathBuf>,
}

impl Isolated {
    /// `name` in a process that is started by `launch`, and whose part is [`serve`].
    ///
    /// # Errors
    /// There is no room for temporary files.
    pub fn new(name: EngineName, launch: Launch) -> std::io::Result<Self> {
        Ok(Isolated {
            name,
            launch,
            child: None,
            folder: tempfile::tempdir()?,
            model: None,
        })
    }

    /// Starts the process, and sees whether the engine is there.
    ///
    /// # Errors
    /// [`Error::NoOnnxRuntime`], or what the engine crashed with.
    pub fn start(&mut self) -> Result<()> {
        if self.child.is_none() {
            let child = self.launch.start();
            let mut child = child.map_err(|error| Error::crashed(self.name, &error))?;
            let greeting = child.answer();
            self.take(greeting)?;
            self.child = Some(child);
        }
        Ok(())
    }

    fn take(&mut self, answer: Result<Answer, ChildError>) -> Result<()> {
        match answer {
            Ok(Answer::Done) => Ok(()),
            Ok(Answer::Missing(reason)) => Err(Missing { reason }.into()),
            Ok(Answer::Failed(detail)) => Err(Error::Refused(detail)),
            Err(error) => {
                // The next order finds a new process.
                self.child = None;
                Err(Error::crashed(self.name, &error))
            }
        }
    }

    fn ask(&mut self, order: &Order) -> Result<()> {
        self.start()?;
        let Some(child) = &mut self.child else {
            return Err(Error::run(self.name, "its process is gone"));
        };
        let answer = child.ask(order);
        self.take(answer)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Executor for Isolated {
    fn name(&self) -> EngineName {
        self.name
    }

    fn load(&mut self, graph: &Graph) -> Result<()> {
        let path = self.file("model.onnx");
        graph.save(&path)?;
        self.model = Some(path.clone());
        self.ask(&Order::Load(path))
    }

    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        if let (None, Some(model)) = (&self.child, self.model.clone()) {
            self.ask(&Order::Load(model))?;
        }
        let (given, made) = (self.file("inputs"), self.file("outputs"));
        write(&given, inputs).map_err(|detail| Error::run(self.name, detail))?;
        self.ask(&Order::Run(given, made.clone()))?;
        read(&made).map_err(|detail| Error::run(self.name, detail))
    }
}

/// Does the child's part until its orders end. `find` says why the engine is not there, if it is not.
///
/// # Errors
/// The parent is gone, or gives orders that are none.
pub fn serve(
    name: EngineName,
    threads: usize,
    find: impl FnOnce() -> Result<(), Missing>,
    from: impl BufRead,
    mut to: impl Write,
) -> Result<(), ChildError> {
    if let Err(missing) = find() {
        return say(&mut to, &Answer::Missing(missing.reason));
    }
    say(&mut to, &Answer::Done)?;
    let mut local = Local::new(name, threads);
    for order in orders(from) {
        let done = match order? {
            Order::Load(model) => load_file(&mut local, &model),
            Order::Run(given, made) => run_files(&mut local, &given, &made),
        };
        let answer = match done {
            Ok(()) => Answer::Done,
            Err(error) => Answer::Failed(error.to_string()),
        };
        say(&mut to, &answer)?;
    }
    Ok(())
}

fn load_file(local: &mut Local, model: &Path) -> Result<()> {
    local.load(&Graph::load(model)?)
}

fn run_files(local: &mut Local, given: &Path, made: &Path) -> Result<()> {
    let fail = |detail: String| Error::run(local.name, detail);
    let inputs = read(given).map_err(fail)?;
    let outputs = local.run(&inputs)?;
    write(made, &outputs).map_err(|detail| Error::run(local.name, detail))
}

/// Arrays as a safetensors file, each under its number.
fn write(path: &Path, arrays: &[Array]) -> Result<(), String> {
    let bytes: Vec<Vec<u8>> = arrays
        .iter()
        .map(|array| array.values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = arrays.iter().zip(&bytes).enumerate();
    let views = views.map(|(number, (array, bytes))| {
        let view = TensorView::new(Dtype::F32, array.dims.clone(), bytes);
        view.map(|view| (number.to_string(), view))
    });
    let views: Result<HashMap<String, TensorView>, _> = views.collect();
    let written = views.and_then(|views| safetensors::serialize_to_file(views, None, path));
    written.map_err(|error| format!("its arrays cannot be written ({error})"))
}

fn read(path: &Path) -> Result<Vec<Array>, String> {
    let fail = |error: &dyn std::fmt::Display| format!("its arrays cannot be read ({error})");
    let bytes = std::fs::read(path).map_err(|error| fail(&error))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| fail(&error))?;
    (0..file.len())
        .map(|number| {
            let view = file.tensor(&number.to_string());
            let view = view.map_err(|error| fail(&error))?;
            let values = view.data().as_chunks::<4>().0.iter();
            Ok(Array {
                dims: view.shape().to_vec(),
                values: values.map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_go_through_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("arrays");
        let arrays: Vec<Array> = (0..12)
            .map(|number| Array {
                dims: vec![2, number % 3],
                values: vec![number as f32 - 0.5; 2 * (number % 3)],
            })
            .collect();
        write(&path, &arrays).unwrap();
        assert_eq!(read(&path).unwrap(), arrays);
        assert!(read(&folder.path().join("absent")).is_err());
    }

    #[test]
    fn an_engine_that_is_not_there_says_so_first() {
        let mut answers = Vec::new();
        let find = || {
            Err(Missing {
                reason: "nowhere".into(),
            })
        };
        serve(EngineName::Tract, 1, find, &b""[..], &mut answers).unwrap();
        assert_eq!(answers, b"{\"missing\":\"nowhere\"}\n");
    }
}
