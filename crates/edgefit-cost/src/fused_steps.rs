//! The steps that an engine runs, after it has fused what engines fuse.

use std::collections::HashMap;

use edgefit_graph::infer::Inference;
use edgefit_graph::ops::{Op, Role};
use edgefit_graph::quantized::IntegerNodes;
use edgefit_graph::topology::Topology;
use edgefit_graph::{DataType, Graph};

/// A node with everything an engine runs inside it: the normalisation and the activation behind a
/// convolution are applied as it writes, and a reshape only renames its input.
pub(crate) struct Step {
    /// Buffers read, as indices into [`Steps::buffers`].
    pub reads: Vec<usize>,
    /// Buffers written.
    pub writes: Vec<usize>,
    /// Whether the output may overwrite an input of the same size.
    pub elementwise: bool,
    /// The node that it is, and those that run inside it, as indices of the graph's nodes.
    pub nodes: Vec<usize>,
    /// Steps that have to be over before it, each once.
    pub after: Vec<usize>,
}

/// An activation that needs memory of its own.
pub(crate) struct Buffer {
    /// The value that it holds when it is complete.
    pub name: String,
    /// Number of elements.
    pub elements: usize,
    /// Type of the elements as the model stores them; that of the integers where they are quantised as they
    /// are written.
    pub dtype: DataType,
    /// The step that wrote it, rather than the caller.
    step: Option<usize>,
    /// Whether two values name it, and it may still be read under the first name.
    shared: bool,
}

impl Buffer {
    /// Whether nothing but the next step needs what it holds.
    fn own(&self) -> bool {
        self.step.is_some() && !self.shared
    }
}

/// The order in which buffers are made and read.
pub(crate) struct Steps {
    pub buffers: Vec<Buffer>,
    pub steps: Vec<Step>,
    /// Buffers that outlive the run.
    pub outputs: Vec<usize>,
}

impl Steps {
    /// Fuses what engines fuse. Values of unknown shape are left out.
    pub fn of(graph: &Graph, inference: &Inference) -> Self {
        let topology = Topology::of(graph);
        let integers = IntegerNodes::of(graph);
        let mut made = Steps {
            buffers: Vec::new(),
            steps: Vec::new(),
            outputs: Vec::new(),
        };
        let mut buffer_of: HashMap<&str, usize> = HashMap::new();
        for input in graph.free_inputs() {
            if let Some(index) = made.buffer(&input.name, inference, None) {
                buffer_of.insert(&input.name, index);
            }
        }
        // For each node, the steps that its outputs wait for.
        let mut waits: Vec<Vec<usize>> = Vec::with_capacity(graph.nodes.len());
        for (index, (node, op)) in graph.nodes.iter().zip(&inference.ops).enumerate() {
            let mut after: Vec<usize> = node
                .present_inputs()
                .filter_map(|input| topology.producer(input).and_then(|node| waits.get(node)))
                .flatten()
                .copied()
                .collect();
            after.sort_unstable();
            after.dedup();
            waits.push(after.clone());
            let Some(output) = node.present_outputs().next() else {
                continue;
            };
            // Shape arithmetic and constants are there before the run.
            let folded = |name| inference.is_folded(name);
            if matches!(op, Some(Op::Constant(_))) || node.present_outputs().all(folded) {
                continue;
            }
            // Kernels for quantised networks read integer weights.
            let of_weights = node
                .input(0)
                .is_some_and(|x| graph.initializers.contains_key(x));
            if of_weights && matches!(op, Some(Op::Dequantize(_))) {
                continue;
            }
            let renames = match op {
                Some(Op::Reshape(_) | Op::Flatten(_) | Op::Squeeze(_) | Op::Unsqueeze(_)) => true,
                // They write integers where nobody reads floats, and read them; those at the ends of the
                // model are the caller's.
                Some(Op::Quantize(_)) => node.input(0).is_some_and(|name| {
                    let quantizes = |reader: &usize| graph.nodes[*reader].op == "QuantizeLinear";
                    !topology.is_output(name) && topology.consumers(name).iter().all(quantizes)
                }),
                Some(Op::Dequantize(_)) => {
                    let mut readers = topology.consumers(output).iter();
                    readers.all(|&reader| integers.contains(reader))
                }
                _ => false,
            };
            let applied_in_place = matches!(
                op,
                Some(Op::BatchNormalization(_) | Op::Unary(_) | Op::Dropout { .. })
            );
            let source = node.input(0).and_then(|name| buffer_of.get(name).copied());
            let only_reader = node
                .input(0)
                .is_some_and(|name| topology.sole_consumer(name).is_some());
            if let Some(buffer) = source
                && (renames || (applied_in_place && only_reader && made.buffers[buffer].own()))
            {
                made.buffers[buffer].shared |= !only_reader;
                if let Some(step) = made.buffers[buffer].step
                    && after == [step]
                {
                    made.steps[step].nodes.push(index);
                }
                output.clone_into(&mut made.buffers[buffer].name);
                if let Some(Op::Quantize(quantize)) = op {
                    made.buffers[buffer].dtype = quantize.dtype;
                }
                buffer_of.insert(output, buffer);
                continue;
            }
            let reads: Vec<usize> = node
                .inputs
                .iter()
                .enumerate()
                .filter(|(index, _)| Role::of(node, *index) != Role::Configuration)
                .filter_map(|(_, name)| buffer_of.get(name.as_str()).copied())
                .collect();
            let mut writes = Vec::new();
            for output in node.present_outputs() {
                if let Some(buffer) = made.buffer(output, inference, Some(made.steps.len())) {
                    buffer_of.insert(output, buffer);
                    writes.push(buffer);
                }
            }
            if !writes.is_empty() {
                waits[index] = vec![made.steps.len()];
                made.steps.push(Step {
                    nodes: vec![index],
                    after,
                    reads,
                    writes,
                    elementwise: matches!(op, Some(Op::Binary(_) | Op::Unary(_) | Op::Variadic(_))),
                });
            }
        }
        made.outputs = graph
            .outputs
            .iter()
            .filter_map(|output| buffer_of.get(output.name.as_str()).copied())
            .collect();
        made
    }

    fn buffer(&mut self, name: &str, inference: &Inference, step: Option<usize>) -> Option<usize> {
        let ty = inference.get(name)?;
        self.buffers.push(Buffer {
            name: name.to_owned(),
            elements: ty.elements(),
            dtype: ty.dtype,
            step,
            shared: false,
        });
        Some(self.buffers.len() - 1)
    }
}
