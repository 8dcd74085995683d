//! What a stage of fine-tuning needs of this machine's memory, before it starts, and the largest
//! batch that fits.
//!
//! The heap is laid out as `edgefit_engine::malloc::keep_one_heap` sets it, which a program calls before it
//! trains; with the allocator's own settings more stays resident.
//!
//! What a step of burn holds is worked out from the graph by [`StepMemory`]. What an inference
//! engine and the program itself add was measured; each such figure says where.
//! `benches/training_memory.rs` holds all of it against the peak resident set of real steps.

use edgefit_burn::StepMemory;
use edgefit_cost::memory_plan::{ElementType, MemoryPlan};
use edgefit_engine::EngineName;
use edgefit_graph::Graph;
use edgefit_graph::infer::{InputShapes, infer};
use serde::Serialize;

use crate::config::stage_name::StageName;
use crate::error::{Error, Result};
use crate::prepare::features;

/// Resident bytes of a process that has loaded a small graph and run a step of it in burn: code,
/// thread stacks, the packing buffers of matrix products. Measured on x86-64 Linux.
const BASE: u64 = 15_000_000;

/// Resident bytes for each byte of heap that the tensors of a step occupy: the arenas of the worker
/// threads, small blocks. Median over 20 kinds of steps, of the five networks of [`EngineMemory::of`];
/// from 0.75 to 1.25 among them.
const HEAP_FACTOR: f64 = 1.06;

/// Largest batch that is looked for.
const MOST: usize = 1 << 16;

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
    fn tensors(self) -> usize {
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
        let states = optimizer.tensors();
        let step = StepMemory::of(graph, inputs, trained, states)?;
        let base = BASE + stored(graph);
        let optimizer = states as u64 * step.trained;
        // While all gradients are there, no activation is.
        let worst = step.peak.max(step.trained).max(step.saved);
        let live = step.weights + optimizer + worst;
        let resident = (HEAP_FACTOR * step.resident as f64) as u64;
        Ok(TrainingMemory {
            base_bytes: base,
            weights_bytes: step.weights,
            gradients_bytes: step.trained,
            optimizer_bytes: optimizer,
            saved_bytes: step.saved,
            transient_bytes: worst - step.saved,
            heap_bytes: resident - live,
            total_bytes: base + resident,
        })
    }
}

/// The pass of all samples through the frozen part of a model, before a stage trains the rest.
#[derive(Debug, Clone, Copy)]
pub struct FrozenPass<'a> {
    /// The frozen part.
    pub prefix: &'a Graph,
    /// The engine that runs it.
    pub engine: EngineName,
    /// Samples and views of them.
    pub rows: usize,
}

/// Peak resident bytes of a stage that trains what lies behind a freeze boundary: the frozen pass,
/// then steps of `batch` rows in the `suffix`.
///
/// # Errors
/// A shape cannot be inferred, or burn cannot run the suffix.
pub fn frozen(
    pass: &FrozenPass,
    suffix: &Graph,
    trained: impl Fn(&str) -> bool,
    optimizer: Optimizer,
    batch: usize,
) -> Result<u64> {
    let fit = whole(suffix, trained, optimizer, batch)?;
    // Each row lies in the cache, among its entries, and with those of its part.
    let kept = 3 * row_bytes(suffix)? * pass.rows as u64;
    let inference = inference_bytes(pass.prefix, pass.engine, batch.min(features::BATCH))?;
    Ok(kept + inference.max(fit))
}

/// Peak resident bytes of a stage that trains weights of `graph` in steps of `batch` samples.
///
/// # Errors
/// A shape cannot be inferred, or burn cannot run the graph.
pub fn whole(
    graph: &Graph,
    trained: impl Fn(&str) -> bool,
    optimizer: Optimizer,
    batch: usize,
) -> Result<u64> {
    let inputs = InputShapes::bind(graph, batch, None)?;
    let step = TrainingMemory::of(graph, &inputs, trained, optimizer)?;
    // The best weights so far are kept, and those around a step are compared now and then.
    Ok(step.total_bytes + 3 * step.weights_bytes)
}

/// Bytes of the inputs of one sample of `graph`.
fn row_bytes(graph: &Graph) -> Result<u64> {
    let inputs = InputShapes::bind(graph, 1, None)?.0;
    Ok(inputs.iter().map(|(_, dims)| bytes(dims)).sum())
}

/// Resident bytes of an inference engine.
struct EngineMemory {
    /// With nothing loaded: code, and what the first run takes.
    base: f64,
    /// For each byte of weights: the graph's copy, the engine's, those of its optimised form.
    weights: f64,
    /// For each byte of the lower bound of the activations: what its arena or its scratch adds.
    activations: f64,
    /// For each byte of the inputs: the images, their batch, the engine's copy.
    inputs: f64,
}

impl EngineMemory {
    /// Fitted to runs at batch 16 of ResNet18, MobileNetV2, MobileNetV3 small,
    /// EfficientNet-Lite0 and DeiT-tiny on two threads, within 14 %, but
    /// for DeiT-tiny in tract, which takes a quarter less.
    fn of(engine: EngineName) -> Self {
        match engine {
            EngineName::OnnxRuntime => EngineMemory {
                base: 54e6,
                weights: 3.9,
                activations: 1.75,
                inputs: 3.0,
            },
            EngineName::Tract | EngineName::LiteRt => EngineMemory {
                base: 14e6,
                weights: 3.5,
                activations: 2.7,
                inputs: 1.0,
            },
            EngineName::Burn => EngineMemory {
                base: BASE as f64,
                weights: 2.0,
                activations: 1.5,
                inputs: 2.0,
            },
        }
    }
}

fn inference_bytes(backbone: &Graph, engine: EngineName, batch: usize) -> Result<u64> {
    let shapes = InputShapes::bind(backbone, batch, None)?;
    let inference = infer(backbone, &shapes)?;
    let plan = MemoryPlan::of(backbone, &inference, ElementType::AsStored);
    let inputs: u64 = shapes.0.iter().map(|(_, dims)| bytes(dims)).sum();
    let memory = EngineMemory::of(engine);
    let grows = memory.weights * stored(backbone) as f64
        + memory.activations * plan.lower_bound_bytes as f64
        + memory.inputs * inputs as f64;
    Ok((memory.base + grows) as u64)
}

/// Bytes of all initializers as the graph holds them.
fn stored(graph: &Graph) -> u64 {
    let initializers = graph.initializers.values();
    initializers.map(|tensor| tensor.bytes().len() as u64).sum()
}

fn bytes(dims: &[usize]) -> u64 {
    4 * dims.iter().product::<usize>() as u64
}

/// The largest batch for which `need`, in bytes and growing with the batch, is at most `available`;
/// 0 if there is none.
///
/// # Errors
/// Those of `need`.
pub fn largest_batch(available: u64, mut need: impl FnMut(usize) -> Result<u64>) -> Result<usize> {
    let mut fits = |batch: usize| Ok::<_, Error>(need(batch)? <= available);
    let (mut fitting, mut failing) = (0, 1);
    while fits(failing)? {
        fitting = failing;
        if fitting == MOST {
            return Ok(fitting);
        }
        failing *= 2;
    }
    while failing - fitting > 1 {
        let middle = fitting + (failing - fitting) / 2;
        if fits(middle)? {
            fitting = middle;
        } else {
            failing = middle;
        }
    }
    Ok(fitting)
}

/// Memory of a stage, predicted and measured.
#[derive(Debug, Clone, Serialize)]
pub struct StageMemory {
    /// Name of the stage, such as `probe`.
    pub stage: StageName,
    /// Samples of a step.
    pub batch: usize,
    /// Peak resident set that was predicted before the stage.
    pub predicted_bytes: u64,
    /// Memory that was free for it.
    pub available_bytes: u64,
    /// Largest batch that fits into it; none above 65,536 is looked for.
    pub largest_batch: usize,
    /// Peak resident set of the process at the end of the stage, where the system says.
    pub measured_peak_bytes: Option<u64>,
}

impl StageMemory {
    /// Holds what `need` says of `batch` against `available` bytes.
    ///
    /// # Errors
    /// It does not fit: [`Error::Memory`] with the batch that does.
    pub fn check(
        stage: StageName,
        batch: usize,
        available: u64,
        mut need: impl FnMut(usize) -> Result<u64>,
    ) -> Result<Self> {
        let predicted = need(batch)?;
        let largest = largest_batch(available, need)?;
        if predicted > available {
            return Err(Error::Memory {
                stage,
                batch,
                predicted,
                available,
                largest,
            });
        }
        Ok(StageMemory {
            stage,
            batch,
            predicted_bytes: predicted,
            available_bytes: available,
            largest_batch: largest,
            measured_peak_bytes: None,
        })
    }
}

/// Memory that is free for this process, within its control group.
///
/// # Errors
/// The system does not say.
pub fn available_bytes() -> Result<u64> {
    let host = edgefit_device::host()?;
    Ok(host.banks.iter().map(|bank| bank.free_bytes()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::linear_layer::linear;

    #[test]
    fn the_largest_batch_is_right_at_its_edge() {
        let need = |batch: usize| Ok(1000 + 10 * batch as u64);
        for (available, largest) in [
            (0, 0),
            (1009, 0),
            (1010, 1),
            (1019, 1),
            (2239, 123),
            (2240, 124),
        ] {
            assert_eq!(
                largest_batch(available, need).unwrap(),
                largest,
                "{available}"
            );
        }
        assert_eq!(largest_batch(u64::MAX, need).unwrap(), MOST);
    }

    #[test]
    fn more_memory_never_fits_less_and_the_fix_is_named() {
        let head = linear(1280, &[0.0; 10]);
        let need = |batch: usize| {
            let inputs = InputShapes::bind(&head, batch, None)?;
            let memory = TrainingMemory::of(&head, &inputs, |_| true, Optimizer::Adam)?;
            Ok(memory.total_bytes)
        };
        let mut last = 0;
        for available in (15_000_000..25_000_000).step_by(1_000_000) {
            let largest = largest_batch(available, need).unwrap();
            assert!(largest >= last);
            last = largest;
        }
        assert!(last > 100);
        let error = StageMemory::check(StageName::Probe, last + 1, 24_000_000, need).unwrap_err();
        assert!(
            error.to_string().contains(&format!("--batch {last}")),
            "{error}"
        );
        assert!(StageMemory::check(StageName::Probe, last, 24_000_000, need).is_ok());
    }
}
