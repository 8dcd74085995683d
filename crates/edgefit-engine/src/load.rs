//! From a graph or a file to a model that runs in one of the engines.

use std::path::Path;

use edgefit_graph::Graph;

use crate::array::Array;
use crate::backend::{Backend, Options, Runner, Source};
#[cfg(feature = "burn")]
use crate::burn::Burn;
use crate::effort::Effort;
use crate::engine_name::EngineName;
use crate::error::{Error, Result};
use crate::execution::Execution;
use crate::fixed_batch::{FixedBatch, fixed_batch};
use crate::malloc::while_loading;
use crate::node_times::NodeTime;
use crate::onnxruntime::{self, OnnxRuntime};
use crate::provider::{Provider, Target};
use crate::tract::Tract;
use edgefit_base::panics::catch_panic;

/// Why LiteRT loads no ONNX model.
const NO_GRAPH: &str = "it runs LiteRT models: edgefit export --to tflite makes one";

/// A model loaded into an engine. Panics of the engine are errors, and scalars have the shape `[1]`.
pub struct Loaded {
    engine: EngineName,
    model: FixedBatch,
}

/// Loads `graph` into `engine`, to be run with `threads` threads.
///
/// A model with one input that was exported for a fixed batch size takes any number of samples.
///
/// ```
/// use edgefit_engine::{Array, EngineName, load};
/// use edgefit_graph::{Dim, Graph, Node, ValueInfo};
///
/// let mut graph = Graph::new("relu", 17);
/// let dims = || vec![Dim::Symbol("n".into()), Dim::Known(2)];
/// graph.inputs.push(ValueInfo::f32("x", dims()));
/// graph.outputs.push(ValueInfo::f32("y", dims()));
/// graph.nodes.push(Node::new("Relu", "relu", &["x"], &["y"]));
///
/// let mut model = load(EngineName::Tract, &graph, 1)?;
/// let input = Array { dims: vec![1, 2], values: vec![-1.0, 3.0] };
/// assert_eq!(model.run(&[input])?[0].values, [0.0, 3.0]);
/// # Ok::<(), edgefit_engine::Error>(())
/// ```
///
/// # Errors
/// The engine is not there or cannot run the model.
pub fn load(engine: EngineName, graph: &Graph, threads: usize) -> Result<Loaded> {
    load_as(engine, graph, threads, Execution::Fused)
}

/// As [`load`], by the engine's own choice or node by node.
pub(crate) fn load_as(
    engine: EngineName,
    graph: &Graph,
    threads: usize,
    execution: Execution,
) -> Result<Loaded> {
    let options = Options {
        execution,
        ..Options::new(threads, Provider::Cpu)
    };
    let source = Source::Graph(graph);
    let load = || -> Result<Box<dyn Backend>> {
        Ok(match engine {
            #[cfg(feature = "burn")]
            EngineName::Burn => Box::new(Burn::load(source, options)?),
            EngineName::Tract => Box::new(Tract::load(source, options)?),
            EngineName::OnnxRuntime => Box::new(OnnxRuntime::load(source, options)?),
            EngineName::LiteRt => return Err(Error::load(engine, NO_GRAPH)),
        })
    };
    let loaded =
        catch_panic(|| while_loading(load)).map_err(|panic| Error::load(engine, panic))??;
    Ok(Loaded {
        engine,
        model: FixedBatch {
            engine,
            model: loaded,
            batch: fixed_batch(graph),
        },
    })
}

impl Loaded {
    /// Which engine it is in.
    pub fn name(&self) -> EngineName {
        self.engine
    }

    /// The model's outputs for its inputs, both in the graph's order.
    ///
    /// # Errors
    /// Whatever the engine says of the inputs.
    pub fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        let ran = catch_panic(|| self.model.run(inputs));
        let mut outputs = ran.map_err(|panic| Error::run(self.engine, panic))??;
        // Engines do not agree on how a scalar is shaped.
        for output in outputs.iter_mut().filter(|output| output.dims.is_empty()) {
            output.dims.push(1);
        }
        Ok(outputs)
    }
}

/// Loads the model at `path` the way the engine does it by itself, to be run on `inputs` again and
/// again. Engines follow the paths of external weights wherever they lead; `Graph::load` refuses
/// those that lead out of the model's folder.
///
/// # Errors
/// The engine is not there or cannot load the model.
pub fn runner(target: Target, path: &Path, inputs: &[Array], threads: usize) -> Result<Runner> {
    fn of<B: Backend>(path: &Path, options: Options, inputs: &[Array]) -> Result<Runner> {
        B::load(Source::File(path), options)?.repeat(inputs)
    }
    let engine = target.engine;
    let options = Options::new(threads, target.provider);
    let load = || match engine {
        #[cfg(feature = "burn")]
        EngineName::Burn => of::<Burn>(path, options, inputs),
        EngineName::Tract => of::<Tract>(path, options, inputs),
        EngineName::LiteRt => Err(Error::load(engine, NO_GRAPH)),
        EngineName::OnnxRuntime => of::<OnnxRuntime>(path, options, inputs),
    };
    let loaded = catch_panic(|| while_loading(load)).map_err(|panic| Error::load(engine, panic))?;
    let mut run = loaded?;
    Ok(Box::new(move || {
        catch_panic(&mut run).map_err(|panic| Error::run(engine, panic))?
    }))
}

/// Runs `graph` on `inputs` in `target` with every node timed. The nodes are the engine's own, in the
/// order in which they ran; each time is the median of the runs.
///
/// # Errors
/// The engine is not there, cannot run the model, or, as burn, cannot time its nodes.
pub fn trace(
    target: Target,
    graph: &Graph,
    inputs: &[Array],
    threads: usize,
    effort: Effort,
) -> Result<Vec<NodeTime>> {
    let options = Options::new(threads, target.provider);
    let traced = || match target.engine {
        #[cfg(feature = "burn")]
        EngineName::Burn => Burn::time_nodes(graph, inputs, options, effort),
        EngineName::Tract => Tract::time_nodes(graph, inputs, options, effort),
        EngineName::OnnxRuntime => OnnxRuntime::time_nodes(graph, inputs, options, effort),
        EngineName::LiteRt => Err(Error::run(target.engine, "its nodes are not timed here")),
    };
    catch_panic(traced).map_err(|panic| Error::run(target.engine, panic))?
}

/// The fastest engine that is there: ONNX Runtime if its library was found, else tract.
pub fn fastest() -> EngineName {
    match onnxruntime::found() {
        Some(_) => EngineName::OnnxRuntime,
        None => EngineName::Tract,
    }
}
