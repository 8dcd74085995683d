//! A step whose segments are taped apart: forward, and backward from the last segment to the first. A tape
//! runs the module that keeps it (`train_module.rs`).

use std::collections::HashMap;
use std::sync::Arc;

use burn::optim::GradientsParams;
use burn::tensor::{Gradients, Tensor};

use super::segment::{Boundary, Segment};
use crate::error::{Error, Result};
use crate::gradients::merged;
use crate::program::Program;
use crate::train_module::{Pass, TrainModule};
use crate::value::{Floats, Value, on_rank};

/// What the forward pass of a segmented program leaves for the backward pass.
#[derive(Debug, Clone)]
pub(crate) struct Tape {
    program: Arc<Program>,
    parts: Vec<(Segment, Left)>,
}

/// What a segment leaves.
#[derive(Debug, Clone)]
enum Left {
    Taped(Taped),
    /// What it read, to run again.
    Reads(Vec<(Boundary, Value)>),
}

/// A segment on the tape of autodiff.
#[derive(Debug, Clone)]
struct Taped {
    /// What gradients reach of what it read, by slot.
    leaves: Vec<(usize, Floats)>,
    /// What it made, by slot.
    results: Vec<(usize, Value)>,
}

/// Runs `segments`, which are all of `program`: its outputs, and what the backward pass wants.
pub(crate) fn forward(
    program: Arc<Program>,
    segments: Vec<Segment>,
    inputs: Vec<Value>,
    module: &mut TrainModule,
) -> Result<(Vec<Value>, Tape)> {
    let given = program.inputs.iter().zip(inputs);
    let mut values: HashMap<usize, Value> = given
        .filter_map(|(slot, input)| Some(((*slot)?, input)))
        .collect();
    let mut parts = Vec::with_capacity(segments.len());
    for segment in segments {
        let read = segment.reads.iter();
        let reads: Vec<(Boundary, Value)> = read
            .filter_map(|read| Some((*read, values.get(&read.slot)?.clone())))
            .collect();
        for slot in &segment.frees {
            values.remove(slot);
        }
        let left = if segment.recomputed {
            let operands = reads.iter().map(|(read, value)| (read.slot, value.clone()));
            let operands = operands.collect();
            values.extend(run(&program, &segment, operands, module, Pass::Untaped)?);
            Left::Reads(reads)
        } else {
            let taped = taped(&program, &segment, reads, module)?;
            // The caller reads what is on the tape, other segments what it holds.
            values.extend(taped.results.iter().map(|(slot, result)| match result {
                Value::Floats(floats) if !program.outputs.contains(slot) => {
                    (*slot, floats.clone().constant().into())
                }
                result => (*slot, result.clone()),
            }));
            Left::Taped(taped)
        };
        parts.push((segment, left));
    }
    let outputs = program.values_of_outputs(|slot| {
        let constant = || {
            let mut constants = program.constants.iter();
            Some(constants.find(|(of, _)| *of == slot)?.1.clone())
        };
        let weight = || {
            let mut weights = program.weights.iter();
            let number = weights.find(|(of, _)| *of == slot)?.1;
            Some(Value::Floats(module.weight(number)))
        };
        let made = values.get(&slot).cloned();
        made.or_else(constant).or_else(weight)
    })?;
    Ok((outputs, Tape { program, parts }))
}

/// Runs a segment on the tape.
fn taped(
    program: &Program,
    segment: &Segment,
    reads: Vec<(Boundary, Value)>,
    module: &mut TrainModule,
) -> Result<Taped> {
    let mut leaves = Vec::new();
    let operands = reads.into_iter().map(|(read, value)| match value {
        Value::Floats(floats) if read.tracked => {
            let leaf: Floats = on_rank!(floats.constant(), tensor => tensor.require_grad().into());
            leaves.push((read.slot, leaf.clone()));
            (read.slot, leaf.into())
        }
        other => (read.slot, other),
    });
    let operands = operands.collect();
    let results = run(program, segment, operands, module, Pass::Taped)?;
    Ok(Taped { leaves, results })
}

/// What the steps of a segment make for others of what they read.
fn run(
    program: &Program,
    segment: &Segment,
    reads: Vec<(usize, Value)>,
    module: &mut TrainModule,
    pass: Pass,
) -> Result<Vec<(usize, Value)>> {
    let mut slots = vec![None; program.slots];
    for (slot, value) in reads {
        slots[slot] = Some(value);
    }
    module.run_segment(program, segment, &mut slots, pass)?;
    let made = segment.makes.iter();
    let made = made.filter_map(|made| Some((made.slot, slots[made.slot].take()?)));
    Ok(made.collect())
}

impl Tape {
    /// The gradients of the trained weights of `module`, from those of a loss that was computed from the outputs.
    pub fn backward(self, of_loss: Gradients, module: &mut TrainModule) -> Result<GradientsParams> {
        let Tape { program, mut parts } = self;
        let mut reached: HashMap<usize, Floats> = HashMap::new();
        let mut sum = match parts.pop() {
            Some((_, Left::Taped(last))) => taken(of_loss, &last.leaves, &mut reached, module)?,
            _ => GradientsParams::from_grads(of_loss, module),
        };
        for (segment, left) in parts.into_iter().rev() {
            let mut makes = segment.makes.iter();
            if !makes.any(|made| reached.contains_key(&made.slot)) {
                continue;
            }
            let Taped { leaves, results } = match left {
                Left::Taped(taped) => taped,
                Left::Reads(reads) => taped(&program, &segment, reads, module)?,
            };
            if let Some(root) = root(results, &mut reached)? {
                let own = taken(root.backward(), &leaves, &mut reached, module)?;
                sum = merged(sum, own, module);
            }
        }
        Ok(sum)
    }
}

/// A number whose gradient with respect to each of `results` is what has `reached` it.
fn root(
    results: Vec<(usize, Value)>,
    reached: &mut HashMap<usize, Floats>,
) -> Result<Option<Tensor<1>>> {
    let mut root: Option<Tensor<1>> = None;
    for (slot, result) in results {
        let (Value::Floats(result), Some(gradient)) = (result, reached.remove(&slot)) else {
            continue;
        };
        // An op may have no gradient.
        if !on_rank!(&result, result => result.is_tracked()) {
            continue;
        }
        let product = result.dot(gradient).map_err(Error::ReadBack)?;
        root = Some(match root {
            Some(root) => root + product,
            None => product,
        });
    }
    Ok(root)
}

/// The gradients of weights; those of `leaves` are added to what `reached` their slots.
fn taken(
    mut gradients: Gradients,
    leaves: &[(usize, Floats)],
    reached: &mut HashMap<usize, Floats>,
    module: &TrainModule,
) -> Result<GradientsParams> {
    for (slot, leaf) in leaves {
        let own = on_rank!(leaf, leaf => leaf.grad_remove(&mut gradients).map(Floats::from));
        let Some(own) = own else { continue };
        let sum = match reached.remove(slot) {
            Some(other) => own.plus(other).map_err(Error::ReadBack)?,
            None => own,
        };
        reached.insert(*slot, sum);
    }
    Ok(GradientsParams::from_grads(gradients, module))
}
