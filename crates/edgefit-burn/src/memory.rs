//! How much memory a training step takes, found by walking its program on tensors that have a size
//! and no elements.
//!
//! The walk does what burn's autodiff and its flex backend do with memory: a result is written over
//! an operand that nobody else holds, a view shares its memory, the tape holds what the backward
//! pass of each op reads, and a gradient lives from the op that makes it to the op that reads it.
//! What each op keeps stands in [`keeps`].

mod convolution;
mod heap;
mod keeps;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use burn::tensor::Device;
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;

use crate::compile::compile;
use crate::error::Result;
use crate::network::Network;
use crate::program::{Input, Program, Step};
use heap::{Heap, Lies};
use keeps::{Gradient, Keeps, Place, bytes};

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
    /// pass; contains `saved` or what is left of it by then.
    pub peak: u64,
    /// Most that weights, optimizer state and all of it occupy of the heap in some steps, with the
    /// gaps that glibc's allocator leaves.
    pub resident: u64,
}

/// Steps after which the heap has the gaps that it will have.
const STEPS: usize = 3;

impl StepMemory {
    /// The memory of a step on inputs of the shapes `inputs` that trains the parameters whose name
    /// `trained` accepts, as [`crate::EvalModule::into_train`] does, by an optimizer that keeps
    /// `states` tensors of its size for each of them.
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
            .map(|weight| bytes(network.graph.initializers[&weight.name].dims()))
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
        let resident = walk.ledger.heap.borrow().resident;
        Ok(StepMemory {
            weights: sizes.iter().sum(),
            trained: own.map(|(size, _)| size).sum(),
            saved,
            peak,
            resident,
        })
    }
}

/// Bytes that are held, and the most that were.
#[derive(Default)]
struct Ledger {
    live: Cell<u64>,
    peak: Cell<u64>,
    heap: RefCell<Heap>,
}

impl Ledger {
    fn take(self: &Rc<Self>, bytes: u64) -> Memory {
        self.live.set(self.live.get() + bytes);
        self.peak.set(self.peak.get().max(self.live.get()));
        Rc::new(Block {
            bytes,
            lies: (bytes > 0).then(|| self.heap.borrow_mut().take(bytes)),
            ledger: Rc::clone(self),
        })
    }

    fn all(self: &Rc<Self>, sizes: &[u64]) -> Vec<Memory> {
        sizes.iter().map(|&bytes| self.take(bytes)).collect()
    }
}

struct Block {
    bytes: u64,
    lies: Option<Lies>,
    ledger: Rc<Ledger>,
}

impl Drop for Block {
    fn drop(&mut self) {
        self.ledger.live.set(self.ledger.live.get() - self.bytes);
        if let Some(lies) = self.lies {
            self.ledger.heap.borrow_mut().free(lies, self.bytes);
        }
    }
}

/// Memory as burn's tensors share it.
type Memory = Rc<Block>;

#[derive(Clone)]
struct Held {
    memory: Memory,
    /// Whether a gradient will reach it.
    tracked: bool,
    /// Whether its elements lie in order.
    dense: bool,
}

/// An op on the tape of autodiff.
struct Taped<'p> {
    step: &'p Step,
    keeps: Keeps,
    /// Held until the backward pass of the op is through.
    _saved: Vec<Memory>,
    tracked: Vec<bool>,
}

struct Walk {
    ledger: Rc<Ledger>,
    slots: Vec<Option<Held>>,
    /// Held here and by their slots, so that no op writes over them.
    weights: Vec<Held>,
    /// A constant is small, and counts for nothing.
    constant: Held,
    /// State of the optimizer.
    states: Vec<Memory>,
}

impl Walk {
    fn new(program: &Program, sizes: &[u64], trains: &[bool]) -> Self {
        let ledger = Rc::new(Ledger::default());
        let held = |bytes: u64, tracked: bool| Held {
            memory: ledger.take(bytes),
            tracked,
            dense: true,
        };
        let weights = sizes.iter().zip(trains);
        Walk {
            slots: vec![None; program.slots],
            weights: weights.map(|(&size, &trains)| held(size, trains)).collect(),
            constant: held(0, false),
            states: Vec::new(),
            ledger,
        }
    }

    /// What the forward pass leaves, and the peak of both passes.
    fn step(&mut self, program: &Program, states: usize) -> (u64, u64) {
        let before = self.ledger.live.get();
        self.ledger.peak.set(before);
        for &(slot, number) in &program.weights {
            self.slots[slot] = Some(self.weights[number].clone());
        }
        for (slot, _) in &program.constants {
            self.slots[*slot] = Some(self.constant.clone());
        }
        for (slot, input) in program.inputs.iter().zip(&program.key) {
            if let (Some(slot), Input::Shape(dims)) = (slot, input) {
                self.slots[*slot] = Some(Held {
                    memory: self.ledger.take(bytes(dims)),
                    ..self.constant.clone()
                });
            }
        }
        let mut tape = Vec::new();
        for step in &program.steps {
            tape.extend(self.forward(step));
            for &slot in &step.dead {
                self.slots[slot] = None;
            }
        }
        let saved = self.ledger.live.get() - before;
        let mut gradients: Vec<Option<Memory>> = vec![None; program.slots];
        for &output in &program.outputs {
            if let Some(held) = self.slots[output].take().filter(|held| held.tracked) {
                gradients[output] = Some(self.ledger.take(held.memory.bytes));
            }
        }
        while let Some(taped) = tape.pop() {
            self.backward(taped, &mut gradients);
        }
        let peak = self.ledger.peak.get() - before;
        self.slots.fill(None);
        self.update(program, gradients, states);
        (saved, peak)
    }

    /// The optimizer makes each trained weight anew, with two tensors of its size as scratch.
    fn update(&mut self, program: &Program, mut gradients: Vec<Option<Memory>>, states: usize) {
        let starts = self.states.is_empty();
        for &(slot, number) in &program.weights {
            let Some(gradient) = gradients[slot].take() else {
                continue;
            };
            let size = self.weights[number].memory.bytes;
            if starts {
                self.states.extend(self.ledger.all(&vec![size; states]));
            }
            let scratch = self.ledger.all(&[size; 2]);
            self.weights[number].memory = self.ledger.take(size);
            drop((scratch, gradient));
        }
    }

    fn forward<'p>(&mut self, step: &'p Step) -> Option<Taped<'p>> {
        let operand = |slot: &Option<usize>| {
            let slot = (*slot)?;
            let uses = step.inputs.iter().filter(|other| **other == Some(slot));
            match uses.count() == 1 && step.dead.contains(&slot) {
                true => self.slots[slot].take(),
                false => self.slots[slot].clone(),
            }
        };
        let operands: Vec<Option<Held>> = step.inputs.iter().map(operand).collect();
        let tracked: Vec<bool> = operands
            .iter()
            .map(|held| held.as_ref().is_some_and(|held| held.tracked))
            .collect();
        let tapes = tracked.contains(&true) && !step.on_host;
        let keeps = Keeps::of(step, &tracked);
        let kept = keeps.operands.iter().filter(|_| tapes);
        let mut saved: Vec<Memory> = kept
            .filter_map(|&index| Some(Rc::clone(&operands.get(index)?.as_ref()?.memory)))
            .collect();

        let own = self.ledger.take(keeps.own);
        let scratch = self.ledger.all(&keeps.forward);
        let first = operands.first().and_then(Option::as_ref);
        let dense = first.is_none_or(|held| held.dense);
        for (slot, ty) in step.outputs.iter().zip(&step.types) {
            let Some(slot) = *slot else { continue };
            let size = match step.on_host || !ty.dtype.is_float() {
                true => 0,
                false => bytes(&ty.dims),
            };
            let free =
                |held: &&Held| Rc::strong_count(&held.memory) == 1 && held.memory.bytes == size;
            let memory = match keeps.place {
                Place::View => first.map(|held| Rc::clone(&held.memory)),
                Place::Renamed if dense => first.map(|held| Rc::clone(&held.memory)),
                Place::Over => {
                    let over = operands.iter().flatten().find(free);
                    over.map(|held| Rc::clone(&held.memory))
                }
                Place::Renamed | Place::New => None,
            };
            self.slots[slot] = Some(Held {
                memory: memory.unwrap_or_else(|| self.ledger.take(size)),
                tracked: tapes,
                dense: !keeps.strided && (keeps.place != Place::View || dense),
            });
        }
        drop(scratch);
        saved.push(own);
        tapes.then_some(Taped {
            step,
            keeps,
            _saved: saved,
            tracked,
        })
    }

    fn backward(&self, taped: Taped, gradients: &mut [Option<Memory>]) {
        let outputs = taped.step.outputs.iter().flatten();
        let given: Vec<Memory> = outputs.filter_map(|&slot| gradients[slot].take()).collect();
        let Some(first) = given.first() else { return };
        let inputs = taped.step.inputs.iter().zip(&taped.step.input_dims);
        let made: Vec<(usize, Memory)> = inputs
            .zip(&taped.tracked)
            .filter_map(|((slot, dims), tracked)| {
                let slot = slot.filter(|_| *tracked)?;
                let size = bytes(dims);
                let passes = taped.keeps.gradient == Gradient::Passed && first.bytes == size;
                let memory = match passes {
                    true => Rc::clone(first),
                    false => self.ledger.take(size),
                };
                Some((slot, memory))
            })
            .collect();
        drop(self.ledger.all(&taped.keeps.backward));
        drop(given);
        for (slot, new) in made {
            let sum = match gradients[slot].take() {
                None => new,
                // The sum is written over one of the two that nobody else holds.
                Some(old) if Rc::strong_count(&new) == 1 => {
                    drop(old);
                    new
                }
                Some(old) if Rc::strong_count(&old) == 1 => old,
                Some(old) => self.ledger.take(old.bytes),
            };
            gradients[slot] = Some(sum);
        }
    }
}
