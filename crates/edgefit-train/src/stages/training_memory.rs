//! What a stage of fine-tuning needs of this machine's memory, before it starts.
//!
//! The heap is laid out as `edgefit_engine::malloc::keep_one_heap` sets it, which a program calls before it
//! trains; with the allocator's own settings more stays resident.
//!
//! What a step of burn holds is worked out from the graph by [`StepMemory`]. What an inference
//! engine and the program itself add was measured; each such figure says where.
//! `benches/training_memory.rs` holds all of it against the peak resident set of real steps.

use edgefit_burn::{Recomputation, StepMemory, StepPlan};
use edgefit_cost::memory_plan::{ElementType, MemoryPlan};
use edgefit_engine::{EngineName, SideBySide};
use edgefit_graph::Graph;
use edgefit_graph::infer::{InputShapes, infer};
use serde::Serialize;

use crate::error::Result;
use crate::prepare::read_ahead::IN_MEMORY;

/// Resident bytes of a process that has loaded a small graph and run a step of it in burn: code,
/// thread stacks, the packing buffers of matrix products. Measured on x86-64 Linux.
const BASE: u64 = 15_000_000;

/// Resident bytes for each byte of heap that the tensors of a step occupy: the arenas of the worker
/// threads, small blocks. Median over 20 kinds of steps, of the five networks of [`EngineMemory::of`];
/// from 0.75 to 1.25 among them.
const HEAP_FACTOR: f64 = 1.06;

/// How many tensors of a parameter's size an optimizer keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Optimizer {
    /// Plain gradient descent: none.
    Sgd,
    /// Gradient descent with momentum: one.
    Momentum,
    /// Adam and AdamW: the two moments.
    Adam,
}

impl Optimizer {
    /// Tensors of a parameter's size that it keeps.
    pub fn tensors(self) -> usize {
        match self {
            Optimizer::Sgd => 0,
            Optimizer::Momentum => 1,
            Optimizer::Adam => 2,
        }
    }
}

/// Memory of the process while it trains, in bytes. All parts but the gradients add up to the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TrainingMemory {
    /// The program itself, and the model's file, which stays mapped.
    pub base_bytes: u64,
    /// Weights as tensors.
    pub weights_bytes: u64,
    /// Gradients of the trained weights, all of which are there when the backward pass ends.
    pub gradients_bytes: u64,
    /// State of the optimizer.
    pub optimizer_bytes: u64,
    /// Activations and masks that the forward pass keeps for the backward pass.
    pub saved_bytes: u64,
    /// What the worst moment of a step holds beyond them: gradients, scratch of convolutions.
    pub transient_bytes: u64,
    /// Gaps between blocks, which the allocator keeps, and small blocks.
    pub heap_bytes: u64,
    /// Peak resident set.
    pub total_bytes: u64,
}

impl TrainingMemory {
    /// The memory of steps in burn on inputs of the shapes `inputs`, batch included, that train the
    /// parameters of `graph` whose name `trained` accepts.
    ///
    /// The whole net is trained where `trained` accepts every name, its top where it accepts the
    /// names of the last blocks: what lies before them runs without leaving anything behind.
    ///
    /// # Errors
    /// burn cannot run the graph.
    pub fn of(
        graph: &Graph,
        inputs: &InputShapes,
        trained: impl Fn(&str) -> bool,
        optimizer: Optimizer,
    ) -> Result<Self> {
        let step = StepMemory::of(graph, inputs, trained, optimizer.tensors())?;
        Ok(TrainingMemory::of_steps(graph, step, optimizer))
    }

    /// The memory of steps of `graph` that take `step`.
    pub fn of_steps(graph: &Graph, step: StepMemory, optimizer: Optimizer) -> Self {
        let base = BASE + stored(graph);
        let optimizer = optimizer.tensors() as u64 * step.trained;
        // While all gradients are there, no activation is.
        let worst = step.peak.max(step.trained).max(step.saved);
        let live = step.weights + optimizer + worst;
        let resident = (HEAP_FACTOR * step.resident as f64) as u64;
        TrainingMemory {
            base_bytes: base,
            weights_bytes: step.weights,
            gradients_bytes: step.trained,
            optimizer_bytes: optimizer,
            saved_bytes: step.saved,
            transient_bytes: worst - step.saved,
            heap_bytes: resident - live,
            total_bytes: base + resident,
        }
    }
}

/// What a stage takes.
#[derive(Debug, Clone)]
pub struct StageNeed {
    /// Peak resident set.
    pub bytes: u64,
    /// What its steps compute twice so that it is as low.
    pub recomputation: Recomputation,
}

/// The pass of all samples through the frozen part of a model, before a stage trains the rest.
#[derive(Debug, Clone, Copy)]
pub struct FrozenPass<'a> {
    /// The frozen part.
    pub prefix: &'a Graph,
    /// The engine that runs it.
    pub engine: EngineName,
    /// Its threads.
    pub threads: usize,
    /// Samples and views of them.
    pub rows: usize,
}

/// How much steps may compute twice.
#[derive(Debug, Clone, Copy)]
pub enum Recomputing<'a> {
    /// As little as keeps so many bytes, if anything does; else what takes least.
    Within(u64),
    /// This, where it takes less than nothing.
    This(&'a Recomputation),
}

/// Steps of a stage.
#[derive(Clone, Copy)]
pub struct Steps<'a> {
    /// What they train, from their inputs to the outputs.
    pub graph: &'a Graph,
    /// Whether a parameter is trained.
    pub trained: &'a dyn Fn(&str) -> bool,
    /// By what.
    pub optimizer: Optimizer,
    /// Samples of a step.
    pub batch: usize,
}

impl Steps<'_> {
    /// What they take, and what they compute twice for it.
    ///
    /// # Errors
    /// A shape cannot be inferred, or burn cannot run the graph.
    pub fn need(&self, recomputing: Recomputing) -> Result<StageNeed> {
        let inputs = InputShapes::bind(self.graph, self.batch, None)?;
        let states = self.optimizer.tensors();
        let plan = StepPlan::new(self.graph, &inputs, self.trained, states)?;
        // The best weights so far are kept, those around a step are compared now and then, and samples are read ahead.
        let read = (IN_MEMORY * self.batch) as u64 * row_bytes(self.graph)?;
        let beside = BASE + stored(self.graph) + 3 * plan.weights() + read;
        let (recomputation, step) = match recomputing {
            Recomputing::Within(available) => {
                let limit = available.saturating_sub(beside) as f64 / HEAP_FACTOR;
                plan.within(limit as u64)
            }
            Recomputing::This(recomputation) => {
                let both = [Recomputation::default(), recomputation.clone()];
                let [plain, twice] = both.map(|each| {
                    let memory = plan.memory(&each);
                    (each, memory)
                });
                if twice.1.resident < plain.1.resident {
                    twice
                } else {
                    plain
                }
            }
        };
        let step = TrainingMemory::of_steps(self.graph, step, self.optimizer);
        Ok(StageNeed {
            bytes: step.total_bytes + 3 * step.weights_bytes + read,
            recomputation,
        })
    }

    /// The same where all samples go through a frozen part first.
    ///
    /// # Errors
    /// As [`Steps::need`].
    pub fn need_behind(&self, pass: &FrozenPass, recomputing: Recomputing) -> Result<StageNeed> {
        // Each row lies in the cache, among its entries, and with those of its part.
        let kept = 3 * row_bytes(self.graph)? * pass.rows as u64;
        let fit = self.need(match recomputing {
            Recomputing::Within(available) => Recomputing::Within(available.saturating_sub(kept)),
            this @ Recomputing::This(_) => this,
        })?;
        let inference = inference_bytes(pass)?;
        Ok(StageNeed {
            bytes: kept + inference.max(fit.bytes),
            ..fit
        })
    }
}

/// Bytes of the inputs of one sample of `graph`.
pub(crate) fn row_bytes(graph: &Graph) -> Result<u64> {
    let inputs = InputShapes::bind(graph, 1, None)?.0;
    Ok(inputs.iter().map(|(_, dims)| bytes(dims)).sum())
}

/// Resident bytes of an inference engine.
struct EngineMemory {
    /// With nothing loaded: code, and what the first run takes.
    base: f64,
    /// For each byte of weights, however many copies there are: the graph's, and what loading takes besides.
    loading: f64,
    /// For each byte of kernels larger than 1 × 1 of a convolution that is not grouped: what putting them in another order
    /// takes while a copy is loaded.
    reordering: f64,
    /// For each byte of weights of a copy: as it came, or in the layout of its kernels.
    weights: f64,
    /// For each byte of the lower bound of a copy's activations: what its arena or its scratch adds.
    activations: f64,
    /// For each byte of the inputs of a copy.
    inputs: f64,
}

impl EngineMemory {
    /// Fitted to [`Copies`](edgefit_engine::Copies) on one and two threads; docs/training-memory.md has the
    /// networks.
    fn of(engine: EngineName) -> Self {
        match engine {
            EngineName::OnnxRuntime => EngineMemory {
                base: 40e6,
                loading: 1.8,
                reordering: 1.4,
                weights: 1.25,
                activations: 1.75,
                inputs: 1.0,
            },
            EngineName::Tract | EngineName::LiteRt => EngineMemory {
                base: 26e6,
                loading: 1.4,
                reordering: 0.0,
                weights: 2.0,
                activations: 2.7,
                inputs: 1.0,
            },
            EngineName::Burn => EngineMemory {
                base: BASE as f64,
                loading: 1.0,
                reordering: 0.0,
                weights: 1.0,
                activations: 1.5,
                inputs: 2.0,
            },
        }
    }
}

fn inference_bytes(pass: &FrozenPass) -> Result<u64> {
    let FrozenPass {
        prefix,
        engine,
        threads,
        ..
    } = *pass;
    let side_by_side = SideBySide::of(engine, prefix, threads);
    let shapes = InputShapes::bind(prefix, side_by_side.batch, None)?;
    let inference = infer(prefix, &shapes)?;
    let plan = MemoryPlan::of(prefix, &inference, ElementType::AsStored);
    let inputs: u64 = shapes.0.iter().map(|(_, dims)| bytes(dims)).sum();
    let memory = EngineMemory::of(engine);
    let weights = stored(prefix) as f64;
    let copy = memory.weights * weights
        + memory.activations * plan.lower_bound_bytes as f64
        + memory.inputs * inputs as f64;
    let loading = memory.loading * weights + memory.reordering * dense_kernels(prefix) as f64;
    Ok((memory.base + loading + side_by_side.copies as f64 * copy) as u64)
}

/// Bytes of all initializers as the graph holds them.
fn stored(graph: &Graph) -> u64 {
    let initializers = graph.initializers.values();
    initializers.map(|tensor| tensor.bytes().len() as u64).sum()
}

/// Bytes of the kernels larger than 1 × 1 of convolutions that are not grouped.
fn dense_kernels(graph: &Graph) -> u64 {
    let convs = graph.nodes.iter().filter(|node| node.op == "Conv");
    let dense = convs.filter(|node| node.int_or("group", 1).is_ok_and(|groups| groups == 1));
    let kernels = dense.filter_map(|node| graph.initializers.get(node.input(1)?));
    kernels
        .filter(|kernel| kernel.dims().iter().skip(2).product::<usize>() > 1)
        .map(|kernel| kernel.bytes().len() as u64)
        .sum()
}

fn bytes(dims: &[usize]) -> u64 {
    4 * dims.iter().product::<usize>() as u64
}
