//! What a model needs, whatever the device has.

use std::collections::HashSet;

use edgefit_device::{ElementType, Engine, EngineId};
use edgefit_graph::Graph;
use edgefit_graph::infer::{Inference, InputShapes, infer};
use edgefit_graph::ops::Role;

use crate::memory_plan::{self, MemoryPlan};
use crate::weight_types::{cast_weights, computed_type};

/// A model with one element type, and what it needs in that form.
pub(super) struct Needs<'g> {
    pub graph: &'g Graph,
    pub inference: Inference,
    /// What it is computed with.
    pub element: ElementType,
    /// Whether that is how the model is stored.
    pub stored: bool,
    /// As they lie in memory: what casts make of them, where nothing else reads them.
    pub weight_bytes: u64,
    /// As the model's file has them.
    pub stored_bytes: u64,
    pub plan: MemoryPlan,
}

impl<'g> Needs<'g> {
    /// What `graph` needs where `engine` runs it with `element`.
    pub fn of(
        graph: &'g Graph,
        shapes: &InputShapes,
        element: ElementType,
        engine: Option<&Engine>,
    ) -> edgefit_graph::Result<Self> {
        let inference = infer(graph, shapes)?;
        let stored = element == computed_type(graph);
        let in_memory = match element {
            ElementType::Int8 if !stored => memory_plan::ElementType::Int8,
            ElementType::F16 if !stored => memory_plan::ElementType::F16,
            ElementType::F32 if !stored => memory_plan::ElementType::F32,
            _ => memory_plan::ElementType::AsStored,
        };
        let plan = MemoryPlan::of(graph, &inference, in_memory);
        // Its kernels read inputs where they lie.
        let has_scratch = engine.is_none_or(|engine| engine.name != EngineId::C);
        Ok(Needs {
            plan: if has_scratch {
                plan
            } else {
                plan.without_scratch()
            },
            weight_bytes: if stored {
                loaded(graph)
            } else {
                narrowed(graph, in_memory)
            },
            stored_bytes: as_stored(graph),
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

/// Bytes of the weights once an engine has cast those that it casts only once.
fn loaded(graph: &Graph) -> u64 {
    let casts = cast_weights(graph);
    let sizes = graph.initializers.iter().map(|(name, tensor)| {
        let bytes = tensor.bytes().len() as u64;
        let element = casts.get(name.as_str()).map(|cast| cast.size() as u64);
        element.map_or(bytes, |size| {
            (tensor.elements() as u64).saturating_mul(size)
        })
    });
    sizes.fold(0, u64::saturating_add)
}

fn as_stored(graph: &Graph) -> u64 {
    let sizes = graph.initializers.values().map(|tensor| tensor.bytes());
    sizes.map(|bytes| bytes.len() as u64).sum()
}

/// Bytes of the weights with their floats as `element`. Integers stay as they are. In int8, vectors
/// keep their size, as biases and scales of 32 bits do; the running statistics of a normalisation
/// are folded into them.
fn narrowed(graph: &Graph, element: memory_plan::ElementType) -> u64 {
    let int8 = element == memory_plan::ElementType::Int8;
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

#[cfg(test)]
mod tests {
    use edgefit_graph::{Dim, Node, Tensor, ValueInfo};

    use super::*;

    #[test]
    fn only_engines_whose_kernels_ask_for_scratch_get_some() {
        let mut graph = Graph::new("conv", 17);
        let dims = [1, 6, 8, 8].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        let weight = Tensor::from_values(vec![4, 6, 3, 3], &[0f32; 216]);
        graph.initializers.insert("w".into(), weight);
        graph
            .nodes
            .push(Node::new("Conv", "conv", &["x", "w"], &["y"]));
        let shapes = InputShapes::bind(&graph, 1, None).unwrap();
        let profile = edgefit_device::find("stm32f411").unwrap();
        let arena = |name: EngineId| {
            let mut engines = profile.engines.iter();
            let engine = engines.find(|engine| engine.name == name);
            assert!(engine.is_some(), "{name}");
            let needs = Needs::of(&graph, &shapes, ElementType::Int8, engine).unwrap();
            needs.arena_bytes().unwrap()
        };
        let activations = 6 * 64 + 4 * 36;
        assert_eq!(arena(EngineId::C), activations);
        assert!(arena(EngineId::TfliteMicro) > activations);
    }
}
