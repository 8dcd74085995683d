//! [`StepPlan`]: what a training step takes, and what it has to compute twice to take less.

use std::ops::Range;

use burn::tensor::Device;
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use edgefit_graph::ops::Op;

use super::StepMemory;
use super::op_memory::tensor_bytes;
use super::walk::Walk;
use crate::compile::compile;
use crate::error::Result;
use crate::fused_step::Fused;
use crate::network::Network;
use crate::program::{Input, Program, Step, Work};
use crate::recomputation::{Flow, Recomputation};

/// Steps after which the gaps in the heap no longer change.
const STEPS: usize = 3;

/// Numbers of parts that are tried: more of them keep more results, and less within each. With the square root of the
/// number of layers both are about equal (Chen et al. 2016, section 4.2), and that is below 32 for a thousand.
const PARTS: [usize; 9] = [2, 3, 4, 6, 8, 12, 16, 24, 32];

/// Steps of training on inputs of one shape: what they take, and what they have to compute twice to take less.
///
/// ```
/// use edgefit_burn::{Recomputation, StepPlan};
/// use edgefit_graph::infer::InputShapes;
/// use edgefit_graph::{Dim, Graph, Node, Tensor, ValueInfo};
///
/// // Eight layers, each of which keeps its result.
/// let mut graph = Graph::new("layers", 17);
/// let dims = vec![Dim::Symbol("batch".into()), Dim::Known(16)];
/// graph.inputs.push(ValueInfo::f32("0", dims));
/// graph.outputs.push(ValueInfo::f32("8", vec![]));
/// for layer in 0..8 {
///     let [x, w, y] = [layer.to_string(), format!("w{layer}"), (layer + 1).to_string()];
///     let weight = Tensor::from_values(vec![16, 16], &[0.1f32; 256]);
///     graph.initializers.insert(w.clone(), weight);
///     graph.nodes.push(Node::new("MatMul", &w, &[&x, &w], &[&y]));
/// }
/// let batch = InputShapes(vec![("0".into(), vec![1024, 16])]);
/// let plan = StepPlan::new(&graph, &batch, |_| true, 2)?;
/// let usual = plan.memory(&Recomputation::default());
/// let (recomputation, memory) = plan.within(usual.resident * 3 / 4);
/// assert!(memory.resident <= usual.resident * 3 / 4);
/// assert!(recomputation.share() < 1.0);
/// # Ok::<(), edgefit_burn::Error>(())
/// ```
pub struct StepPlan {
    program: Program,
    /// Bytes of each weight.
    sizes: Vec<u64>,
    /// Whether each is trained.
    trains: Vec<bool>,
    states: usize,
}

/// Ways to cut a program into parts that may be computed twice.
struct Partition {
    parts: Vec<Range<usize>>,
    /// Bytes that each keeps unless it is.
    kept: Vec<u64>,
    /// Work of each.
    work: Vec<u64>,
}

impl StepPlan {
    /// Steps on inputs of the shapes `inputs` that train the parameters whose name `trained` accepts, as
    /// [`crate::EvalModule::into_train`] does, by an optimizer that keeps `states` tensors of its size for each.
    ///
    /// # Errors
    /// burn cannot run the graph.
    pub fn new(
        graph: &Graph,
        inputs: &InputShapes,
        trained: impl Fn(&str) -> bool,
        states: usize,
    ) -> Result<Self> {
        let network = Network::of(graph)?;
        let shapes = inputs.0.iter().map(|(_, dims)| Input::Shape(dims.clone()));
        let key = shapes.collect();
        let program = compile(&network.graph, &network.weights, key, &Device::flex())?;
        let weights = network.weights.iter();
        Ok(StepPlan {
            program,
            sizes: weights
                .clone()
                .map(|weight| tensor_bytes(network.graph.initializers[&weight.name].dims()))
                .collect(),
            trains: weights
                .map(|weight| weight.trainable && trained(&weight.name))
                .collect(),
            states,
        })
    }

    /// Bytes of all weights that flow through the graph.
    pub fn weights(&self) -> u64 {
        self.sizes.iter().sum()
    }

    /// What a step takes that recomputes as much.
    pub fn memory(&self, recomputation: &Recomputation) -> StepMemory {
        let segments = recomputation.segments(&self.program, &self.trains);
        let own = self.sizes.iter().zip(&self.trains);
        let own = own.filter(|(_, trains)| **trains);
        let mut walk = Walk::new(&self.program, &self.sizes, &self.trains);
        let (mut saved, mut peak) = (0, 0);
        for _ in 0..STEPS {
            (saved, peak) = walk.step(&self.program, &segments, self.states);
        }
        StepMemory {
            weights: self.weights(),
            trained: own.map(|(size, _)| size).sum(),
            saved,
            peak,
            resident: walk.resident(),
        }
    }

    /// What takes least.
    pub fn least(&self) -> (Recomputation, StepMemory) {
        self.within(0)
    }

    /// The least work done twice with which a step occupies at most `limit` bytes of the heap; where nothing keeps
    /// it, what takes least.
    pub fn within(&self, limit: u64) -> (Recomputation, StepMemory) {
        let plain = Recomputation::default();
        let memory = self.memory(&plain);
        if memory.resident <= limit {
            return (plain, memory);
        }
        let mut least = (plain, memory);
        let mut best: Option<(Recomputation, StepMemory)> = None;
        for partition in self.partitions() {
            let of = |count| {
                let recomputation = partition.recomputing(&self.program, count);
                let memory = self.memory(&recomputation);
                (recomputation, memory)
            };
            // The fewest parts that keep the limit, from those that save most for their work on.
            let (mut failing, mut fitting) = (0, partition.parts.len());
            let mut found = of(fitting);
            if found.1.resident > limit {
                if found.1.resident < least.1.resident {
                    least = found;
                }
                continue;
            }
            while fitting - failing > 1 {
                let middle = failing + (fitting - failing) / 2;
                let tried = of(middle);
                if tried.1.resident <= limit {
                    (fitting, found) = (middle, tried);
                } else {
                    failing = middle;
                }
            }
            if best
                .as_ref()
                .is_none_or(|(best, _)| found.0.share() < best.share())
            {
                best = Some(found);
            }
        }
        best.unwrap_or(least)
    }

    fn partitions(&self) -> Vec<Partition> {
        let flow = Flow::of(&self.program, &self.trains);
        let held = self.held();
        let kept = |steps: &Range<usize>| held[steps.end].saturating_sub(held[steps.start]);
        let total = kept(&(0..self.program.steps.len()));
        let cuts = self.cuts(&flow);
        let mut partitions: Vec<Partition> = Vec::new();
        for count in PARTS {
            let starts = spread(&cuts, kept, total / count as u64);
            let ends = starts.iter().skip(1);
            // Behind the last cut everything is kept: it would run again at once.
            let parts = starts.iter().zip(ends).map(|(start, end)| *start..*end);
            let repeats = |part: &Range<usize>| {
                let mut steps = self.program.steps[part.clone()].iter();
                steps.all(|step| flow.repeats(step))
            };
            let parts: Vec<Range<usize>> = parts.filter(repeats).collect();
            let work =
                |part: &Range<usize>| self.program.steps[part.clone()].iter().map(work).sum();
            let partition = Partition {
                kept: parts.iter().map(kept).collect(),
                work: parts.iter().map(work).collect(),
                parts,
            };
            let known = partitions
                .iter()
                .any(|other| other.parts == partition.parts);
            if !partition.parts.is_empty() && !known {
                partitions.push(partition);
            }
        }
        partitions
    }

    /// Bytes that the forward pass holds before its first step, and after each.
    fn held(&self) -> Vec<u64> {
        let segments = Recomputation::default().segments(&self.program, &self.trains);
        let mut walk = Walk::new(&self.program, &self.sizes, &self.trains);
        walk.step(&self.program, &segments, 0);
        walk.held_by_step
    }

    /// Steps before which the program may be cut, each with the bytes of the activations that cross there. What the
    /// caller reads is made behind all of them.
    fn cuts(&self, flow: &Flow) -> Vec<(usize, u64)> {
        let outputs = self.program.outputs.iter();
        let first_output = outputs.filter_map(|&slot| flow.made[slot]).min();
        let mut bytes = vec![0; self.program.slots];
        for step in &self.program.steps {
            for (slot, ty) in step.outputs.iter().zip(&step.types) {
                if let Some(slot) = slot
                    && ty.dtype.is_float()
                    && !step.on_host
                {
                    bytes[*slot] = tensor_bytes(&ty.dims);
                }
            }
        }
        let crossing = |step: usize| {
            let slots = (0..self.program.slots).filter(|&slot| flow.crosses(slot, step));
            slots.map(|slot| bytes[slot]).sum()
        };
        (1..=first_output.unwrap_or(0))
            .map(|step| (step, crossing(step)))
            .collect()
    }
}

impl Partition {
    /// The first `count` parts recomputed, in the order of what they save for their work.
    fn recomputing(&self, program: &Program, count: usize) -> Recomputation {
        let mut order: Vec<usize> = (0..self.parts.len()).collect();
        let saves = |&part: &usize| self.kept[part] as f64 / self.work[part].max(1) as f64;
        order.sort_by(|a, b| saves(b).total_cmp(&saves(a)));
        order.truncate(count);
        order.sort_unstable();
        let twice: u64 = order.iter().map(|&part| self.work[part]).sum();
        let all: u64 = program.steps.iter().map(work).sum();
        let parts = order.iter().map(|&part| self.parts[part].clone());
        let share = twice as f64 / all.max(1) as f64;
        Recomputation::new(program.steps.len(), parts.collect(), share)
    }
}

/// Cuts, the first of which is the start, such that what lies between two of them keeps about `wanted` bytes and little
/// crosses.
fn spread(cuts: &[(usize, u64)], kept: impl Fn(&Range<usize>) -> u64, wanted: u64) -> Vec<usize> {
    let mut starts = vec![0];
    let mut start = 0;
    let mut candidate: Option<(usize, u64)> = None;
    for &(cut, crossing) in cuts {
        let sum = kept(&(start..cut));
        if 2 * sum >= wanted && candidate.is_none_or(|(_, least)| crossing <= least) {
            candidate = Some((cut, crossing));
        }
        if sum >= wanted
            && let Some((cut, _)) = candidate.take()
        {
            starts.push(cut);
            start = cut;
        }
    }
    starts
}

/// Multiplications of a step, about: those of each element of its result.
fn work(step: &Step) -> u64 {
    let elements = |dims: &[usize]| dims.iter().product::<usize>() as u64;
    let result = step.types.first().map_or(0, |ty| elements(&ty.dims));
    let weight = step.input_dims.get(1).map_or(&[][..], Vec::as_slice);
    let each = match &step.work {
        Work::Op(Op::Conv(_)) | Work::Fused(Fused::Convolution(_)) => {
            elements(weight) / weight.first().map_or(1, |&outputs| outputs.max(1) as u64)
        }
        Work::Op(Op::Gemm(_) | Op::MatMul(_)) | Work::Fused(Fused::Linear(_)) => {
            let outputs = step.types.first().and_then(|ty| ty.dims.last());
            let outputs = outputs.map_or(1, |&outputs| outputs.max(1) as u64);
            let shared = weight.iter().rev().take(2).product::<usize>() as u64;
            shared / outputs
        }
        _ => 1,
    };
    result * each.max(1)
}
