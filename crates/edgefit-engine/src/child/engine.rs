//! An engine in a process of its own, from both sides.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use edgefit_graph::Graph;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::error::ChildError;
use super::process::{Child, Launch};
use super::protocol::serve;
use crate::array::Array;
use crate::array_file::{take, write};
use crate::engine::Engine;
use crate::engine_name::EngineName;
use crate::error::{Error, Result};
use crate::in_process::InProcess;
use crate::onnxruntime::Missing;

/// What the parent asks for; the answer holds nothing.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// Load the model in a file.
    Load(PathBuf),
    /// Run it on the arrays in one file and write its outputs into another.
    Run(PathBuf, PathBuf),
}

/// An engine in a process of its own. The process starts when it is needed, and again after a crash, with nothing
/// loaded.
pub struct ChildEngine {
    name: EngineName,
    launch: Launch,
    child: Option<Child>,
    folder: TempDir,
}

impl ChildEngine {
    /// `name` in a process that is started by `launch`, and whose part is [`serve_engine`].
    ///
    /// # Errors
    /// There is no room for temporary files.
    pub fn new(name: EngineName, launch: Launch) -> std::io::Result<Self> {
        Ok(ChildEngine {
            name,
            launch,
            child: None,
            folder: tempfile::tempdir()?,
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
            let greeting = child.greeting();
            self.take(greeting)?;
            self.child = Some(child);
        }
        Ok(())
    }

    fn take(&mut self, answer: Result<(), ChildError>) -> Result<()> {
        answer.map_err(|error| match error {
            ChildError::Missing(missing) => missing.into(),
            ChildError::Refused(words) => Error::Refused(words),
            crash => {
                // The next order finds a new process.
                self.child = None;
                Error::crashed(self.name, &crash)
            }
        })
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

impl Engine for ChildEngine {
    fn name(&self) -> EngineName {
        self.name
    }

    fn load(&mut self, graph: &Graph) -> Result<()> {
        let path = self.file("model.onnx");
        graph.save(&path)?;
        self.ask(&Order::Load(path))
    }

    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        let (given, made) = (self.file("inputs"), self.file("outputs"));
        write(&given, inputs).map_err(|detail| Error::run(self.name, detail))?;
        self.ask(&Order::Run(given, made.clone()))?;
        take(&made).map_err(|detail| Error::run(self.name, detail))
    }
}

/// Does the child's part for an engine until its orders end. `find` says why the engine is not there,
/// if it is not.
///
/// # Errors
/// The parent is gone, or gives orders that are none.
pub fn serve_engine(
    engine: InProcess,
    find: impl FnOnce() -> Result<(), Missing>,
    orders: impl BufRead,
    answers: impl Write,
) -> Result<(), ChildError> {
    let start = || {
        find().map_err(Error::from)?;
        Ok((engine, ()))
    };
    let answer = |engine: &mut InProcess, order| {
        match order {
            Order::Load(model) => load_file(engine, &model)?,
            Order::Run(inputs, outputs) => run_files(engine, &inputs, &outputs)?,
        }
        Ok(serde_json::Value::Null)
    };
    serve(orders, answers, start, answer)
}

/// Removes the files once they are open: a parent that is interrupted removes nothing.
fn load_file(engine: &mut InProcess, model: &Path) -> Result<()> {
    let graph = Graph::load(model)?;
    let weights = model.with_extension("onnx.data");
    for file in [model, weights.as_path()] {
        // Only large models have a second one, and what cannot be removed yet goes with the folder.
        let _ = std::fs::remove_file(file);
    }
    engine.load(&graph)
}

fn run_files(engine: &mut InProcess, inputs: &Path, outputs: &Path) -> Result<()> {
    let name = engine.name();
    let fail = |detail: String| Error::run(name, detail);
    let made = engine.run(&take(inputs).map_err(fail)?)?;
    write(outputs, &made).map_err(fail)
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Dim, Node, ValueInfo};

    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_was_read_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let [model, inputs, outputs] =
            ["model.onnx", "inputs", "outputs"].map(|name| folder.path().join(name));
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![Dim::Known(2)]));
        graph.outputs.push(ValueInfo::f32("y", vec![Dim::Known(2)]));
        graph.nodes.push(Node::new("Relu", "relu", &["x"], &["y"]));
        graph.save(&model).unwrap();
        let x = Array {
            dims: vec![2],
            values: vec![-1.0, 1.0],
        };
        write(&inputs, &[x]).unwrap();
        let orders = [Order::Load(model), Order::Run(inputs, outputs.clone())];
        let orders = orders.map(|order| serde_json::to_string(&order).unwrap());
        serve_engine(
            InProcess::new(EngineName::Tract, 1),
            || Ok(()),
            orders.join("\n").as_bytes(),
            Vec::new(),
        )
        .unwrap();
        let left = std::fs::read_dir(folder.path()).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, std::slice::from_ref(&outputs));
        assert_eq!(take(&outputs).unwrap()[0].values, [0.0, 1.0]);
    }

    #[test]
    fn an_engine_that_is_not_there_says_so_first() {
        let mut answers = Vec::new();
        let find = || {
            Err(Missing {
                reason: "nowhere".into(),
            })
        };
        serve_engine(
            InProcess::new(EngineName::Tract, 1),
            find,
            &b""[..],
            &mut answers,
        )
        .unwrap();
        assert_eq!(answers, b"{\"missing\":\"nowhere\"}\n");
    }

    #[test]
    fn an_order_that_is_none_is_refused() {
        let found = serve_engine(
            InProcess::new(EngineName::Tract, 1),
            || Ok(()),
            &b"dance\n"[..],
            Vec::new(),
        );
        assert!(matches!(found, Err(ChildError::Answer(line)) if line == "dance"));
    }
}
