//! How much memory a training step takes, found by walking its program on tensors that have a size
//! and no elements.

mod allocator;
mod convolution;
mod glibc_heap;

mod op_memory;
mod per_op;
mod plan;
mod walk;

use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;

use crate::error::Result;
use crate::recomputation::Recomputation;

pub use plan::StepPlan;

/// What a training step holds, in bytes; values are 32-bit floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepMemory {
    /// All weights that flow through the graph, running statistics included.
    pub weights: u64,
    /// The trained ones; their gradients take as much.
    pub trained: u64,
    /// Activations and masks that the forward pass leaves for the backward pass.
    pub saved: u64,
    /// Most that activations, gradients and scratch take at once, in the forward or the backward
    /// pass. It contains `saved`, as far as it is not freed by then.
    pub peak: u64,
    /// Most that weights, optimizer state and all of the above occupy of the heap within a few steps,
    /// with the gaps that glibc's allocator leaves.
    pub resident: u64,
}

impl StepMemory {
    /// The memory of a step on inputs of the shapes `inputs` that trains the parameters whose name
    /// `trained` accepts, as [`crate::EvalModule::into_train`] does, by an optimizer that keeps
    /// `states` tensors of its size for each of them. Nothing is computed twice; see [`StepPlan`].
    ///
    /// ```
    /// use edgefit_burn::StepMemory;
    /// use edgefit_graph::infer::InputShapes;
    /// use edgefit_graph::{Dim, Graph, Node, Tensor, ValueInfo};
    ///
    /// let mut graph = Graph::new("product", 17);
    /// let dims = vec![Dim::Symbol("batch".into()), Dim::Known(3)];
    /// graph.inputs.push(ValueInfo::f32("x", dims));
    /// graph.outputs.push(ValueInfo::f32("y", vec![]));
    /// let weight = Tensor::from_values(vec![3, 2], &[1f32; 6]);
    /// graph.initializers.insert("w".into(), weight);
    /// graph.nodes = vec![Node::new("Gemm", "product", &["x", "w"], &["y"])];
    ///
    /// let batch = InputShapes(vec![("x".into(), vec![4, 3])]);
    /// let memory = StepMemory::of(&graph, &batch, |name| name == "w", 2)?;
    /// assert_eq!(memory.trained, 4 * 6);
    /// // x and y.
    /// assert_eq!(memory.saved, 4 * (4 * 3 + 4 * 2));
    /// # Ok::<(), edgefit_burn::Error>(())
    /// ```
    ///
    /// # Errors
    /// burn cannot run the graph.
    pub fn of(
        graph: &Graph,
        inputs: &InputShapes,
        trained: impl Fn(&str) -> bool,
        states: usize,
    ) -> Result<Self> {
        let plan = StepPlan::new(graph, inputs, trained, states)?;
        Ok(plan.memory(&Recomputation::default()))
    }
}
