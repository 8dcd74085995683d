//! The trait of an engine: load a graph, run it.

use edgefit_graph::Graph;

use crate::array::Array;
use crate::engine_name::EngineName;
use crate::error::Result;

/// An engine that runs one graph at a time, in this process or in another.
///
/// ```
/// use edgefit_engine::{Array, Engine, EngineName, InProcess};
/// use edgefit_graph::{Dim, Graph, Node, ValueInfo};
///
/// let mut graph = Graph::new("relu", 17);
/// let dims = || vec![Dim::Symbol("n".into()), Dim::Known(2)];
/// graph.inputs.push(ValueInfo::f32("x", dims()));
/// graph.outputs.push(ValueInfo::f32("y", dims()));
/// graph.nodes.push(Node::new("Relu", "relu", &["x"], &["y"]));
///
/// let mut engine = InProcess::new(EngineName::Tract, 1);
/// engine.load(&graph)?;
/// let input = Array { dims: vec![1, 2], values: vec![-1.0, 3.0] };
/// assert_eq!(engine.run(&[input])?[0].values, [0.0, 3.0]);
/// # Ok::<(), edgefit_engine::Error>(())
/// ```
pub trait Engine {
    /// Which engine.
    fn name(&self) -> EngineName;

    /// Makes `graph` the one that runs.
    ///
    /// # Errors
    /// The engine is not there, cannot load it, or crashes.
    fn load(&mut self, graph: &Graph) -> Result<()>;

    /// Outputs of the graph that was loaded last, for its inputs; both in the graph's order.
    ///
    /// # Errors
    /// Whatever the engine says of the inputs, or that it crashes.
    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>>;
}
