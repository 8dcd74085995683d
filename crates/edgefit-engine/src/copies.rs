//! Copies of a model, for threads that run samples side by side.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use edgefit_graph::{Dim, Graph, ValueInfo};

use crate::array::Array;
use crate::engine_name::EngineName;
use crate::error::Result;
use crate::execution::Execution;
use crate::fixed_batch::fixed_batch;
use crate::load::{Loaded, load_as};
use crate::parallel;

/// Most bytes of weights that all copies together hold, unless a single one holds more.
const WEIGHT_BYTES: usize = 256 << 20;

/// Bytes of inputs that a copy is given at once, an image of 224 × 224: what a layer makes of so many stays near the
/// core, and of small samples many make up for what each run takes.
const INPUT_BYTES: usize = 4 * 3 * 224 * 224;

/// Most samples of a batch.
const LARGEST_BATCH: usize = 64;

/// Batches for each thread in a portion: enough that threads seldom wait for the last of them.
const PORTION: usize = 8;

/// Least samples of a batch for a copy on several threads, which share them.
const SHARED_BATCH: usize = 4;

/// How many copies of a model run side by side, and on how many threads each.
///
/// A sample on one thread takes less processor time than its share of a batch on several: no layer waits
/// for its slowest part, and what it makes is smaller. On two cores, EfficientNet-Lite0 in two copies of ONNX
/// Runtime does 1.5 times as many images a second as in one with two threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SideBySide {
    /// Copies of the model.
    pub copies: usize,
    /// Threads of each.
    pub threads: usize,
    /// How many samples a copy is best given at once.
    pub batch: usize,
}

impl SideBySide {
    /// As many copies as there are `threads`, but no more than 256 MiB hold the weights of; one in burn, whose
    /// threads are those of the process.
    pub fn of(engine: EngineName, graph: &Graph, threads: usize) -> Self {
        let tensors = graph.initializers.values();
        let bytes: usize = tensors.map(|tensor| tensor.bytes().len()).sum();
        let threads = threads.max(1);
        let copies = match engine {
            #[cfg(feature = "burn")]
            EngineName::Burn => 1,
            _ => (WEIGHT_BYTES / bytes.max(1)).clamp(1, threads),
        };
        let threads = threads / copies;
        let least = if threads > 1 { SHARED_BATCH } else { 1 };
        SideBySide {
            copies,
            threads,
            batch: (INPUT_BYTES / sample_bytes(graph).max(1)).clamp(least, LARGEST_BATCH),
        }
    }
}

/// Bytes of the inputs for one sample; those of a large one if the model leaves them open.
fn sample_bytes(graph: &Graph) -> usize {
    let of = |input: &ValueInfo| {
        let mut sizes = input.dims()?.iter().skip(1);
        sizes.try_fold(1usize, |product, size| match size {
            Dim::Known(size) => product.checked_mul(*size),
            _ => None,
        })
    };
    let mut inputs = graph.free_inputs().map(of);
    let elements = inputs.try_fold(0usize, |sum, elements| sum.checked_add(elements?));
    elements.map_or(INPUT_BYTES, |elements| elements.saturating_mul(4))
}

/// Copies of a model in an engine, each loaded when it is first wanted.
pub struct Copies<'g> {
    engine: EngineName,
    graph: &'g Graph,
    threads: usize,
    execution: Execution,
    plan: SideBySide,
    idle: Mutex<Idle>,
    returned: Condvar,
    /// Held while one is loaded: what loading takes besides is not taken twice at once.
    loading: Mutex<()>,
}

/// Copies that nobody runs, and how many there are in all.
#[derive(Default)]
struct Idle {
    copies: Vec<Loaded>,
    made: usize,
}

impl<'g> Copies<'g> {
    /// Copies of `graph` in `engine` for so many `threads`; nothing is loaded yet.
    pub fn new(engine: EngineName, graph: &'g Graph, threads: usize) -> Self {
        Copies {
            engine,
            graph,
            threads: threads.max(1),
            execution: Execution::Fused,
            plan: SideBySide::of(engine, graph, threads),
            idle: Mutex::default(),
            returned: Condvar::new(),
            loading: Mutex::default(),
        }
    }

    /// The same, that run the model as `execution` says.
    pub fn with_execution(self, execution: Execution) -> Self {
        Copies { execution, ..self }
    }

    /// How many samples a copy is best given at once; a model that was exported for a number of them, that one.
    pub fn batch(&self) -> usize {
        fixed_batch(self.graph).unwrap_or(self.plan.batch)
    }

    /// What `work`, which may run a copy, makes of each item, in their order, on all threads.
    pub fn map<T: Sync, R: Send>(&self, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
        parallel::map(items, self.threads, work)
    }

    /// Batches of at most `batch` of the `samples`, in portions of a few for each thread, between which a
    /// caller can tell how far it is.
    pub fn portions<'s, T>(
        &self,
        samples: &'s [T],
        batch: usize,
    ) -> impl Iterator<Item = Vec<&'s [T]>> + use<'s, T> {
        let batch = batch.max(1);
        let portions = samples.chunks(PORTION * self.threads * batch);
        portions.map(move |portion| portion.chunks(batch).collect())
    }

    /// The outputs of a copy for its inputs, both in the graph's order. Called from more threads than there
    /// are copies, it waits for one.
    ///
    /// # Errors
    /// The engine cannot load or run the model.
    pub fn run(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let mut copy = self.take()?;
        let outputs = copy.run(inputs);
        lock(&self.idle).copies.push(copy);
        self.returned.notify_one();
        outputs
    }

    fn take(&self) -> Result<Loaded> {
        let mut idle = lock(&self.idle);
        loop {
            if let Some(copy) = idle.copies.pop() {
                return Ok(copy);
            }
            if idle.made < self.plan.copies {
                idle.made += 1;
                break;
            }
            let waited = self.returned.wait(idle);
            idle = waited.unwrap_or_else(PoisonError::into_inner);
        }
        drop(idle);
        let _alone = lock(&self.loading);
        let loaded = load_as(self.engine, self.graph, self.plan.threads, self.execution);
        loaded.inspect_err(|_| {
            lock(&self.idle).made -= 1;
            self.returned.notify_one();
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Node, Tensor};

    use super::*;

    fn sum(weights: usize) -> Graph {
        let mut graph = Graph::new("sum", 17);
        let dims = vec![Dim::Symbol("batch".into()), Dim::Known(weights)];
        graph.inputs.push(ValueInfo::f32("x", dims.clone()));
        graph.outputs.push(ValueInfo::f32("y", dims));
        let weight = Tensor::from_values(vec![weights], &vec![1f32; weights]);
        graph.initializers.insert("w".into(), weight);
        graph
            .nodes
            .push(Node::new("Add", "add", &["x", "w"], &["y"]));
        graph
    }

    #[test]
    fn large_weights_are_not_copied_for_each_thread() {
        let plan = |weights| {
            let SideBySide {
                copies,
                threads,
                batch,
            } = SideBySide::of(EngineName::Tract, &sum(weights), 8);
            (copies, threads, batch)
        };
        assert_eq!(plan(1), (8, 1, LARGEST_BATCH));
        assert_eq!(plan(3 * 224 * 224), (8, 1, 1));
        // 96 MiB.
        assert_eq!(plan(24 << 20), (2, 4, SHARED_BATCH));
    }

    #[test]
    fn sizes_that_memory_cannot_hold_are_those_of_large_samples() {
        let mut graph = sum(1);
        let dims = vec![Dim::Known(usize::MAX); 3];
        graph.inputs = vec![ValueInfo::f32("x", dims)];
        assert_eq!(SideBySide::of(EngineName::Tract, &graph, 1).batch, 1);
    }

    #[test]
    fn portions_hold_all_samples_in_order() {
        let graph = sum(3);
        let copies = Copies::new(EngineName::Tract, &graph, 2);
        let samples: Vec<usize> = (0..50).collect();
        let portions: Vec<Vec<&[usize]>> = copies.portions(&samples, 3).collect();
        let sizes: Vec<usize> = portions.iter().map(Vec::len).collect();
        assert_eq!(sizes, [2 * PORTION, 1]);
        assert_eq!(portions.concat().concat(), samples);
    }

    #[test]
    fn more_threads_than_copies_wait_for_one() {
        let graph = sum(3);
        let copies = Copies::new(EngineName::Tract, &graph, 2);
        let rows: Vec<f32> = (0..20u8).map(f32::from).collect();
        let made = parallel::map(&rows, 8, |&row| {
            let input = Array {
                dims: vec![1, 3],
                values: vec![row; 3],
            };
            copies.run(&[input]).unwrap().remove(0).values
        });
        let expected: Vec<Vec<f32>> = rows.iter().map(|row| vec![row + 1.0; 3]).collect();
        assert_eq!(made, expected);
        assert!((1..=2).contains(&lock(&copies.idle).made));
    }

    #[test]
    fn a_model_that_cannot_be_loaded_is_an_error_on_every_thread() {
        let mut graph = sum(3);
        graph.nodes[0].op = "NoSuchOp".into();
        let copies = Copies::new(EngineName::Tract, &graph, 2);
        let failed = parallel::map(&[(); 8], 8, |()| copies.run(&[]).is_err());
        assert_eq!(failed, [true; 8]);
    }
}
