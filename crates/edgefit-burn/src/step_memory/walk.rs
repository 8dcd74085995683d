//! A training step, walked on tensors that have a size and no elements.
//!
//! The walk does what burn's autodiff and its flex backend do with memory: a result is written over an
//! operand that nothing else holds, a view shares its memory, the tape holds what the backward pass of
//! each op reads, and a gradient lives from the op that makes it to the op that reads it.

use std::rc::Rc;

use super::allocator::{Allocator, Memory};
use super::op_memory::{GradientMemory, OpMemory, ResultMemory, tensor_bytes};
use super::per_op::op_memory;
use crate::program::{Input, Program, Step};
use crate::recomputation::Segment;

/// A tensor without elements.
#[derive(Clone)]
struct Held {
    memory: Memory,
    /// Whether a gradient will reach it.
    tracked: bool,
    /// Whether its elements are contiguous.
    dense: bool,
}

/// An op on the tape of autodiff.
struct Taped<'p> {
    step: &'p Step,
    memory: OpMemory,
    /// Held until the backward pass of the op is done.
    _saved: Vec<Memory>,
    tracked: Vec<bool>,
}

/// Everything that is held between and within steps.
pub(super) struct Walk {
    allocator: Rc<Allocator>,
    slots: Vec<Option<Held>>,
    /// Held here and by their slots, so that no op overwrites them.
    weights: Vec<Held>,
    /// Constants are small, and count as 0 bytes.
    constant: Held,
    /// State of the optimizer.
    states: Vec<Memory>,
    /// Bytes that were held before the first step of the last forward pass, and after each.
    pub held_by_step: Vec<u64>,
}

impl Walk {
    pub fn new(program: &Program, sizes: &[u64], trains: &[bool]) -> Self {
        let allocator = Rc::new(Allocator::default());
        let constant = |bytes: u64| Held {
            memory: allocator.allocate(bytes),
            tracked: false,
            dense: true,
        };
        let weights = sizes.iter().zip(trains);
        let weights = weights.map(|(&size, &tracked)| Held {
            tracked,
            ..constant(size)
        });
        Walk {
            slots: vec![None; program.slots],
            weights: weights.collect(),
            constant: constant(0),
            states: Vec::new(),
            held_by_step: Vec::new(),
            allocator,
        }
    }

    /// Most bytes of the heap that were resident so far.
    pub fn resident(&self) -> u64 {
        self.allocator.heap.borrow().resident
    }

    /// Walks one training step of all `segments` of the program: the bytes that the forward pass leaves, and the peak
    /// of both passes.
    pub fn step(&mut self, program: &Program, segments: &[Segment], states: usize) -> (u64, u64) {
        let before = self.allocator.live.get();
        self.allocator.peak.set(before);
        let mut values: Vec<Option<Held>> = vec![None; program.slots];
        for (slot, input) in program.inputs.iter().zip(&program.key) {
            if let (Some(slot), Input::Shape(dims)) = (slot, input) {
                values[*slot] = Some(Held {
                    memory: self.allocator.allocate(tensor_bytes(dims)),
                    ..self.constant.clone()
                });
            }
        }
        let mut left = Vec::with_capacity(segments.len());
        self.held_by_step = vec![self.allocator.live.get()];
        for segment in segments {
            let mut reads: Vec<(usize, Held)> = Vec::new();
            for read in &segment.reads {
                if let Some(held) = values[read.slot].clone() {
                    let tracked = read.tracked;
                    reads.push((read.slot, Held { tracked, ..held }));
                }
            }
            for &slot in &segment.frees {
                values[slot] = None;
            }
            // Leaves are held until gradients have reached them, what is read again until then.
            let is_held = |read: &&(usize, Held)| segment.recomputed || read.1.tracked;
            let held: Vec<(usize, Held)> = reads.iter().filter(is_held).cloned().collect();
            let tape = self.forward_segment(program, segment, reads, !segment.recomputed);
            for made in &segment.makes {
                values[made.slot] = self.slots[made.slot].take();
            }
            let results = segment.makes.iter();
            let results = results.filter_map(|made| values[made.slot].clone());
            let results: Vec<Held> = results.filter(|_| !segment.recomputed).collect();
            self.slots.fill(None);
            left.push((segment, held, tape, results));
        }
        let saved = self.allocator.live.get() - before;
        let mut gradients: Vec<Option<Memory>> = vec![None; program.slots];
        for &output in &program.outputs {
            if let Some(held) = values[output].take().filter(|held| held.tracked) {
                gradients[output] = Some(self.allocator.allocate(held.memory.bytes));
            }
        }
        drop(values);
        let mut is_last = true;
        while let Some((segment, held, mut tape, results)) = left.pop() {
            if segment.recomputed {
                tape = self.forward_segment(program, segment, held.clone(), true);
                self.slots.fill(None);
            }
            if !is_last {
                self.begin_backward(segment, &mut gradients);
            }
            is_last = false;
            drop(results);
            while let Some(taped) = tape.pop() {
                self.backward(taped, &mut gradients);
            }
            drop(held);
        }
        let peak = self.allocator.peak.get() - before;
        self.update(program, gradients, states);
        (saved, peak)
    }

    /// Walks the steps of a segment forward; what they make stays in its slots.
    fn forward_segment<'p>(
        &mut self,
        program: &'p Program,
        segment: &Segment,
        reads: Vec<(usize, Held)>,
        taped: bool,
    ) -> Vec<Taped<'p>> {
        for &(slot, number) in &segment.weights {
            let weight = self.weights[number].clone();
            let tracked = weight.tracked && taped;
            self.slots[slot] = Some(Held { tracked, ..weight });
        }
        for (slot, _) in &program.constants {
            self.slots[*slot] = Some(self.constant.clone());
        }
        for (slot, held) in reads {
            let tracked = held.tracked && taped;
            self.slots[slot] = Some(Held { tracked, ..held });
        }
        let mut tape = Vec::new();
        for step in &program.steps[segment.steps.clone()] {
            tape.extend(self.forward(step));
            for &slot in &step.dead {
                self.slots[slot] = None;
            }
            self.held_by_step.push(self.allocator.live.get());
        }
        tape
    }

    /// The results of a segment times their gradients, and the gradient of that, from which its backward pass begins.
    fn begin_backward(&self, segment: &Segment, gradients: &mut [Option<Memory>]) {
        for made in &segment.makes {
            if let Some(given) = gradients[made.slot].take() {
                drop(self.allocator.allocate(given.bytes));
                gradients[made.slot] = Some(self.allocator.allocate(given.bytes));
            }
        }
    }

    /// The optimizer writes each trained weight to new memory: AdamW its two moments, too, others with two tensors of
    /// its size as scratch.
    fn update(&mut self, program: &Program, mut gradients: Vec<Option<Memory>>, states: usize) {
        let starts = self.states.is_empty();
        for &(slot, number) in &program.weights {
            let Some(gradient) = gradients[slot].take() else {
                continue;
            };
            let size = self.weights[number].memory.bytes;
            if starts {
                self.states
                    .extend(self.allocator.allocate_all(&vec![size; states]));
            }
            let scratch = self.allocator.allocate_all(&[size; 2]);
            self.weights[number].memory = self.allocator.allocate(size);
            drop((scratch, gradient));
        }
    }

    fn forward<'p>(&mut self, step: &'p Step) -> Option<Taped<'p>> {
        let operand = |slot: &Option<usize>| {
            let slot = (*slot)?;
            let uses = step.inputs.iter().filter(|other| **other == Some(slot));
            if uses.count() == 1 && step.dead.contains(&slot) {
                self.slots[slot].take()
            } else {
                self.slots[slot].clone()
            }
        };
        let operands: Vec<Option<Held>> = step.inputs.iter().map(operand).collect();
        let tracked: Vec<bool> = operands
            .iter()
            .map(|held| held.as_ref().is_some_and(|held| held.tracked))
            .collect();
        let tapes = tracked.contains(&true) && !step.on_host;
        let memory = op_memory(step, &tracked);
        let kept = memory.operands.iter().filter(|_| tapes);
        let mut saved: Vec<Memory> = kept
            .filter_map(|&index| Some(Rc::clone(&operands.get(index)?.as_ref()?.memory)))
            .collect();

        let intermediates = self.allocator.allocate(memory.intermediates);
        let scratch = self.allocator.allocate_all(&memory.forward);
        let first = operands.first().and_then(Option::as_ref);
        let dense = first.is_none_or(|held| held.dense);
        for (slot, ty) in step.outputs.iter().zip(&step.types) {
            let Some(slot) = *slot else { continue };
            let size = if step.on_host || !ty.dtype.is_float() {
                0
            } else {
                tensor_bytes(&ty.dims)
            };
            let free =
                |held: &&Held| Rc::strong_count(&held.memory) == 1 && held.memory.bytes == size;
            let held = match memory.result {
                ResultMemory::View => first.map(|held| Rc::clone(&held.memory)),
                ResultMemory::Reshaped if dense => first.map(|held| Rc::clone(&held.memory)),
                ResultMemory::OverOperand => {
                    let over = operands.iter().flatten().find(free);
                    over.map(|held| Rc::clone(&held.memory))
                }
                ResultMemory::Reshaped | ResultMemory::New => None,
            };
            let held = held.unwrap_or_else(|| self.allocator.allocate(size));
            if memory.keeps_result && tapes {
                saved.push(Rc::clone(&held));
            }
            self.slots[slot] = Some(Held {
                memory: held,
                tracked: tapes,
                dense: !memory.strided && (memory.result != ResultMemory::View || dense),
            });
        }
        drop(scratch);
        saved.push(intermediates);
        tapes.then_some(Taped {
            step,
            memory,
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
                let size = tensor_bytes(dims);
                let passes =
                    taped.memory.gradient == GradientMemory::OfResult && first.bytes == size;
                let memory = if passes {
                    Rc::clone(first)
                } else {
                    self.allocator.allocate(size)
                };
                Some((slot, memory))
            })
            .collect();
        drop(self.allocator.allocate_all(&taped.memory.backward));
        drop(given);
        for (slot, new) in made {
            let sum = match gradients[slot].take() {
                None => new,
                // The sum is written over one of the two that nothing else holds.
                Some(old) if Rc::strong_count(&new) == 1 => {
                    drop(old);
                    new
                }
                Some(old) if Rc::strong_count(&old) == 1 => old,
                Some(old) => self.allocator.allocate(old.bytes),
            };
            gradients[slot] = Some(sum);
        }
    }
}
