//! How much memory a training step takes, found by walking its program on tensors that have a size
//! and no elements.

mod allocator;
mod convolution;
mod glibc_heap;

mod op_memory;
mod per_op;
mod walk;

use burn::tensor::Device;
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;

use crate::compile::compile;
use crate::error::Result;
use crate::network::Network;
use crate::program::Input;
use op_memory::tensor_bytes;
use walk::Walk;

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

/// Steps after which the gaps in the heap no longer change.
const STEPS: usize = 3;

impl StepMemory {
    /// The memory of a step on inputs of the shapes `inputs` that trains the parameters whose name
    /// `trained` accepts, as [`crate::EvalModule::into_train`] does, by an optimizer that keeps
    /// `states` tensors of its size for each of them.
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
        let network = Network::of(graph)?;
        let shapes = inputs.0.iter().map(|(_, dims)| Input::Shape(dims.clone()));
        let key = shapes.collect();
        let program = compile(&network.graph, &network.weights, key, &Device::flex())?;
        let sizes: Vec<u64> = network
            .weights
            .iter()
            .map(|weight| tensor_bytes(network.graph.initializers[&weight.name].dims()))
            .collect();
        let trains: Vec<bool> = network
            .weights
            .iter()
            .map(|weight| weight.trainable && trained(&weight.name))
            .collect();
        let own = sizes.iter().zip(&trains).filter(|(_, trains)| **trains);
        let mut walk = Walk::new(&program, &sizes, &trains);
        let (mut saved, mut peak) = (0, 0);
        for _ in 0..STEPS {
            (saved, peak) = walk.step(&program, states);
        }
        let resident = walk.resident();
        Ok(StepMemory {
            weights: sizes.iter().sum(),
            trained: own.map(|(size, _)| size).sum(),
            saved,
            peak,
            resident,
        })
    }
}
