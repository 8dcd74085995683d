//! Activation memory: how much, in which order, and where each tensor lies.

mod arena;
mod banks;
mod element;
mod lifetime;
mod order;
mod panel;
mod plan_svg;
mod scratch;
pub mod table;

use edgefit_graph::Graph;
use edgefit_graph::infer::Inference;
use serde::Serialize;

use crate::fused_steps::Steps;

pub use arena::{Goal, Plan, SearchLimits, place};
pub use banks::{BankPlacement, place_in_banks};
pub use element::ElementType;
pub use lifetime::Lifetime;
pub use order::BestOrder;
pub use panel::Panel;
pub use plan_svg::{draw_inline_svg, draw_svg};
use scratch::scratch;

/// Every tensor starts at a multiple of this, as engines on small devices want it.
pub const ALIGNMENT: u64 = 16;

/// Activation memory of one run, without weights.
#[derive(Debug, Clone, Serialize)]
pub struct MemoryPlan {
    /// Every activation in memory of its own.
    pub naive_bytes: u64,
    /// Largest sum of activations that are alive at once: no plan in this order needs less.
    pub lower_bound_bytes: u64,
    /// The same where elementwise ops overwrite an input that nobody needs any more.
    pub in_place_bound_bytes: u64,
    /// What the planner reached in the graph's own order, tensors aligned to [`ALIGNMENT`].
    pub arena_bytes: u64,
    /// How much larger the arena is where it also holds what kernels need while they run: for int8, the
    /// buffers of CMSIS-NN 6; for floats none.
    pub scratch_bytes: u64,
    /// The node whose kernel needs the most.
    pub scratch_node: Option<String>,
    /// An order of the nodes with a smaller lower bound, if one was found. Engines run the graph's
    /// own order: write the graph in this one to profit.
    pub best_order: Option<BestOrder>,
    /// The activations alive at the peak of the lower bound.
    pub peak: Vec<String>,
    /// When each activation is needed, in steps.
    #[serde(skip)]
    pub lifetimes: Vec<Lifetime>,
    /// What kernels need, each during its own step.
    #[serde(skip)]
    pub scratch: Vec<Lifetime>,
    /// First byte of each of the activations in the arena.
    #[serde(skip)]
    pub offsets: Vec<u64>,
    /// Name of the node behind each step.
    #[serde(skip)]
    pub steps: Vec<String>,
}

impl MemoryPlan {
    /// Plans `graph`, its floats kept as `element`.
    pub fn of(graph: &Graph, inference: &Inference, element: ElementType) -> Self {
        let steps = Steps::of(graph, inference);
        let bytes: Vec<u64> = steps
            .buffers
            .iter()
            .map(|buffer| {
                let size = element.size(buffer.dtype) as u64;
                (buffer.elements as u64).saturating_mul(size)
            })
            .collect();
        let own_order: Vec<usize> = (0..steps.steps.len()).collect();
        let lifetimes = lifetimes(&steps, &own_order, &bytes);
        let count = steps.steps.len().max(1);
        let sums = alive_bytes(&lifetimes, count);
        let peak = (0..count).max_by_key(|&step| sums[step]).unwrap_or(0);
        let saved_in_place = |index: usize| {
            let Some(step) = steps.steps.get(index).filter(|step| step.elementwise) else {
                return 0;
            };
            let &[written] = step.writes.as_slice() else {
                return 0;
            };
            let written = lifetimes[written].bytes;
            let dies_here = |read: &&usize| {
                lifetimes[**read].upper == index + 1 && lifetimes[**read].bytes == written
            };
            step.reads.iter().find(dies_here).map_or(0, |_| written)
        };
        let plan = place(&lifetimes, ALIGNMENT, Goal::Smallest, SearchLimits::QUICK);
        let scratch = scratch(graph, inference, element, &steps);
        let arena_bytes = if scratch.is_empty() {
            plan.peak_bytes
        } else {
            let all = [lifetimes.as_slice(), &scratch].concat();
            place(&all, ALIGNMENT, Goal::Smallest, SearchLimits::QUICK).peak_bytes
        };
        let largest = scratch.iter().max_by_key(|scratch| scratch.bytes);
        MemoryPlan {
            naive_bytes: sum(&bytes),
            lower_bound_bytes: sums[peak],
            in_place_bound_bytes: (0..count)
                .map(|step| sums[step] - saved_in_place(step))
                .max()
                .unwrap_or(0),
            arena_bytes: plan.peak_bytes,
            scratch_bytes: arena_bytes.saturating_sub(plan.peak_bytes),
            scratch_node: largest.map(|scratch| scratch.name.clone()),
            best_order: best_order(graph, &steps, &bytes, sums[peak]),
            peak: lifetimes
                .iter()
                .filter(|life| life.lower <= peak && peak < life.upper)
                .map(|life| life.name.clone())
                .collect(),
            steps: steps
                .steps
                .iter()
                .filter_map(|step| step.nodes.first())
                .map(|&node| graph.nodes[node].label().to_owned())
                .collect(),
            lifetimes,
            scratch,
            offsets: plan.offsets,
        }
    }

    /// The plan for kernels that need nothing in addition to the activations.
    pub(crate) fn without_scratch(self) -> Self {
        MemoryPlan {
            scratch_bytes: 0,
            scratch_node: None,
            scratch: Vec::new(),
            ..self
        }
    }

    /// The plan as an SVG picture: steps to the right, addresses upwards.
    pub fn to_svg(&self) -> String {
        let in_arena = |&offset: &u64| BankPlacement { bank: 0, offset };
        let placements: Vec<BankPlacement> = self.offsets.iter().map(in_arena).collect();
        let arena = Panel {
            name: "arena".to_owned(),
            bytes: self.arena_bytes.max(self.lower_bound_bytes),
            lower_bound_bytes: Some(self.lower_bound_bytes),
            limit_bytes: None,
        };
        draw_svg(&self.lifetimes, &placements, &[arena], &self.steps)
    }
}

/// An order whose lower bound is below `bound`.
fn best_order(graph: &Graph, steps: &Steps, bytes: &[u64], bound: u64) -> Option<BestOrder> {
    let order::Found { order, tried } = order::below(steps, bytes, bound)?;
    let lifetimes = lifetimes(steps, &order, bytes);
    let lower_bound_bytes = alive_bytes(&lifetimes, order.len().max(1))
        .into_iter()
        .max()?;
    (lower_bound_bytes < bound).then(|| BestOrder {
        lower_bound_bytes,
        arena_bytes: place(&lifetimes, ALIGNMENT, Goal::Smallest, SearchLimits::QUICK).peak_bytes,
        order: order::of_nodes(graph, steps, &order),
        tried_steps: tried,
    })
}

fn sum(bytes: &[u64]) -> u64 {
    bytes
        .iter()
        .fold(0, |sum: u64, &bytes| sum.saturating_add(bytes))
}

/// Bytes alive at each of `count` steps.
fn alive_bytes(lifetimes: &[Lifetime], count: usize) -> Vec<u64> {
    let (mut born, mut died) = (vec![0u128; count + 1], vec![0u128; count + 1]);
    for life in lifetimes {
        born[life.lower] += u128::from(life.bytes);
        died[life.upper] += u128::from(life.bytes);
    }
    let mut alive = 0;
    (0..count)
        .map(|step| {
            alive = alive + born[step] - died[step];
            u64::try_from(alive).unwrap_or(u64::MAX)
        })
        .collect()
}

/// When each buffer of `steps`, run in `order`, is needed.
fn lifetimes(steps: &Steps, order: &[usize], bytes: &[u64]) -> Vec<Lifetime> {
    let end = order.len().max(1);
    let mut lifetimes: Vec<Lifetime> = steps
        .buffers
        .iter()
        .zip(bytes)
        .map(|(buffer, &bytes)| Lifetime {
            name: buffer.name.clone(),
            lower: 0,
            upper: 1,
            bytes,
        })
        .collect();
    for (time, &step) in order.iter().enumerate() {
        let step = &steps.steps[step];
        for &write in &step.writes {
            lifetimes[write].lower = time;
            lifetimes[write].upper = time + 1;
        }
        for &read in &step.reads {
            lifetimes[read].upper = time + 1;
        }
    }
    for &output in &steps.outputs {
        lifetimes[output].upper = end;
    }
    lifetimes
}

#[cfg(test)]
mod tests {
    use edgefit_graph::infer::{InputShapes, infer};
    use edgefit_graph::{Attribute, Graph, Node, Tensor, ValueInfo};

    use super::*;

    /// x (8 floats) → conv a → relu (in a) → conv b → add a → y, 1×1 convolutions of 2 channels.
    fn residual() -> Graph {
        let mut graph = Graph::new("residual", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![]));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        graph
            .initializers
            .insert("w".into(), Tensor::from_values(vec![2, 2, 1], &[1f32; 4]));
        graph.nodes = vec![
            Node::new("Conv", "one", &["x", "w"], &["a"]),
            Node::new("Relu", "act", &["a"], &["r"]),
            Node::new("Conv", "two", &["r", "w"], &["b"])
                .with("kernel_shape", Attribute::Ints(vec![1])),
            Node::new("Add", "skip", &["b", "r"], &["y"]),
        ];
        graph
    }

    #[test]
    fn bounds_of_a_residual_block() {
        let graph = residual();
        let shapes = InputShapes(vec![("x".into(), vec![1, 2, 4])]);
        let inference = infer(&graph, &shapes).unwrap();
        let plan = MemoryPlan::of(&graph, &inference, ElementType::AsStored);
        // x, r, b and y, of 32 bytes each; three are alive in the addition.
        assert_eq!(plan.naive_bytes, 4 * 32);
        assert_eq!(plan.lower_bound_bytes, 3 * 32);
        assert_eq!(plan.in_place_bound_bytes, 2 * 32);
        assert_eq!(plan.arena_bytes, 3 * 32);
        // Under a second name, «a» is still read when the activation runs: no longer in place.
        let mut renamed = graph.clone();
        renamed.nodes[1].inputs[0] = "v".into();
        let view = Node::new("Flatten", "view", &["a"], &["v"]).with("axis", Attribute::Int(1));
        renamed.nodes.insert(1, view);
        renamed.nodes[3] = Node::new("Conv", "two", &["a", "w"], &["b"]);
        renamed.nodes[4] = Node::new("Relu", "last", &["b"], &["y"]);
        renamed.outputs.push(ValueInfo::f32("r", vec![]));
        let inference = infer(&renamed, &shapes).unwrap();
        assert_eq!(
            MemoryPlan::of(&renamed, &inference, ElementType::AsStored).naive_bytes,
            4 * 32
        );

        let inference = infer(&graph, &shapes).unwrap();
        let int8 = MemoryPlan::of(&graph, &inference, ElementType::Int8);
        assert_eq!(int8.lower_bound_bytes, 3 * 8);
        // Aligned to 16 bytes, the last of three 8-byte tensors ends at 40.
        assert_eq!(int8.arena_bytes, 40);
    }

    #[test]
    fn an_input_that_is_read_again_is_not_written_in_place() {
        let mut graph = Graph::new("squeeze and excite", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![]));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        graph.nodes = vec![
            Node::new("GlobalAveragePool", "squeeze", &["x"], &["p"]),
            Node::new("Sigmoid", "gate", &["p"], &["g"]),
            Node::new("Mul", "excite", &["x", "g"], &["s"]),
            Node::new("Add", "skip", &["x", "s"], &["y"]),
        ];
        let shapes = InputShapes(vec![("x".into(), vec![1, 2, 2, 4])]);
        let inference = infer(&graph, &shapes).unwrap();
        let plan = MemoryPlan::of(&graph, &inference, ElementType::AsStored);
        // «excite» holds x, g and s, as the addition reads x again; that one writes over x or s.
        assert_eq!(plan.lower_bound_bytes, 3 * 64);
        assert_eq!(plan.in_place_bound_bytes, 2 * 64 + 8);
    }
}
