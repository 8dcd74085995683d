//! What a model needs, whatever the device has.

use std::collections::HashSet;

use edgefit_device::ElementType;
use edgefit_graph::infer::{Inference, InputShapes, infer};
use edgefit_graph::ops::Role;
use edgefit_graph::{DataType, Graph};

use crate::memory::{self, MemoryPlan};

/// A model in the form in which it is held against a device.
pub(super) struct Needs<'g> {
    pub graph: &'g Graph,
    pub inference: Inference,
    /// What it is computed with.
    pub element: ElementType,
    /// Whether that is how the model is stored.
    pub stored: bool,
    pub weight_bytes: u64,
    pub plan: MemoryPlan,
}

impl<'g> Needs<'g> {
    pub fn of(
        graph: &'g Graph,
        shapes: &InputShapes,
        element: ElementType,
    ) -> edgefit_graph::Result<Self> {
        let inference = infer(graph, shapes)?;
        let stored = element == stored_as(graph);
        let in_memory = match element {
            // Also where the model says so itself: its floats are what int8 kernels never make.
            ElementType::Int8 => memory::ElementType::Int8,
            ElementType::F16 if !stored => memory::ElementType::F16,
            _ => memory::ElementType::AsStored,
        };
        Ok(Needs {
            plan: MemoryPlan::of(graph, &inference, in_memory),
            weight_bytes: match stored {
                true => as_stored(graph),
                false => narrowed(graph, in_memory),
            },
            graph,
            inference,
            element,
            stored,
        })
    }

    /// Activations and scratch; `None` where unsupported ops hide some.
    pub fn arena_bytes(&self) -> Option<u64> {
        let known = self.inference.unsupported.is_empty();
        let bytes = self
            .plan
            .arena_bytes
            .saturating_add(self.plan.scratch_bytes);
        known.then_some(bytes)
    }
}

/// The element type that most of the weights of `graph` are stored in.
pub(crate) fn stored_as(graph: &Graph) -> ElementType {
    let bytes = |types: &[DataType]| -> usize {
        graph
            .initializers
            .values()
            .filter(|tensor| types.contains(&tensor.dtype()))
            .map(|tensor| tensor.elements())
            .sum()
    };
    let wide = bytes(&[DataType::F32, DataType::F64]);
    let half = bytes(&[DataType::F16, DataType::BF16]);
    let narrow = bytes(&[DataType::I8, DataType::U8]);
    if narrow > wide.max(half) {
        ElementType::Int8
    } else if half > wide {
        ElementType::F16
    } else {
        ElementType::F32
    }
}

fn as_stored(graph: &Graph) -> u64 {
    let sizes = graph.initializers.values().map(|tensor| tensor.bytes());
    sizes.map(|bytes| bytes.len() as u64).sum()
}

/// Bytes of the weights with their floats as `element`. Integers stay as they are. In int8, vectors
/// keep their size, as biases and scales of 32 bits do; the running statistics of a normalisation
/// are folded into them.
fn narrowed(graph: &Graph, element: memory::ElementType) -> u64 {
    let int8 = element == memory::ElementType::Int8;
    let folded: HashSet<&str> = graph
        .nodes
        .iter()
        .flat_map(|node| {
            let inputs = node.inputs.iter().enumerate();
            inputs.filter(|(index, _)| Role::of(node, *index) == Role::RunningStatistic)
        })
        .map(|(_, name)| name.as_str())
        .collect();
    graph
        .initializers
        .iter()
        .map(|(name, tensor)| match tensor.dims().len() {
            0 | 1 if int8 && folded.contains(name.as_str()) => 0,
            0 | 1 if int8 => tensor.bytes().len() as u64,
            _ => (tensor.elements() as u64).saturating_mul(element.size(tensor.dtype()) as u64),
        })
        .sum()
}
