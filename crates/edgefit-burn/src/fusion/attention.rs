//! Scaled dot-product attention: product → softmax → product, with the scaling before or behind the first one.

use edgefit_graph::ops::Op;

use super::{Chains, Input};
use crate::fused_step::Fused;
use crate::ops::{Attention, AttentionOperands};

/// What is found on the way back from the softmax.
struct Found {
    scale: f64,
    steps: Vec<usize>,
}

impl Found {
    /// What `slot` is a multiple of, if only one step reads it.
    fn unscaled(&mut self, chains: &Chains, (slot, dims): Input) -> Input {
        let scaled = slot.and_then(|slot| {
            let producer = chains.producer(slot)?;
            chains.sole_reader(producer)?;
            let inputs = (0..2).map(|input| chains.input(producer, input));
            let (from, factor) = inputs
                .filter(|(_, other)| *other == dims)
                .find_map(|(from, _)| Some((from?, chains.factor(producer, from?)?)))?;
            Some((producer, from, factor))
        });
        match scaled {
            Some((producer, from, factor)) => {
                self.scale *= factor;
                self.steps.push(producer);
                (Some(from), dims)
            }
            None => (slot, dims),
        }
    }
}

/// Fuses the attention whose softmax is step `softmax`, if it is one.
pub(super) fn fuse(chains: &mut Chains, softmax: usize) {
    if let Some((steps, attention, inputs)) = found(chains, softmax) {
        chains.replace(&steps, Fused::Attention(attention), inputs);
    }
}

fn found(chains: &Chains, softmax: usize) -> Option<(Vec<usize>, Attention, Vec<Input>)> {
    match chains.op(softmax)? {
        Op::Softmax(op) if !op.log && matches!(op.axis, -1 | 3) => {}
        _ => return None,
    }
    let mut found = Found {
        scale: 1.0,
        steps: vec![softmax],
    };
    let scores = chains.input(softmax, 0);
    let scores = found.unscaled(chains, scores);
    let first = chains.producer(scores.0?)?;
    let second = chains.sole_reader(softmax)?;
    chains.sole_reader(first)?;
    let products = [first, second].map(|step| matches!(chains.op(step), Some(Op::MatMul(_))));
    if products != [true; 2] || chains.input(second, 0).0 != chains.result(softmax) {
        return None;
    }
    let q = chains.input(first, 0);
    let q = found.unscaled(chains, q);
    let k = chains.input(first, 1);
    let k = found.unscaled(chains, k);
    let v = chains.input(second, 1);
    let [samples, heads, positions, width] = *q.1 else {
        return None;
    };
    let [_, _, _, others] = *k.1 else {
        return None;
    };
    if k.1 != [samples, heads, width, others] || v.1 != [samples, heads, others, width] {
        return None;
    }
    let mut steps = found.steps;
    steps.extend([first, second]);
    let mut operands = AttentionOperands::Apart;
    let mut inputs = vec![q, k, v];
    if let Some((packed, more)) = packed(chains, &inputs).filter(|_| positions == others) {
        steps.extend(more);
        operands = AttentionOperands::Packed;
        inputs = vec![packed];
    }
    steps.sort_unstable();
    let scale = found.scale;
    Some((steps, Attention { scale, operands }, inputs))
}

/// The tensor that Q, Kᵀ and V are parts of, and the steps that cut it.
fn packed(chains: &Chains, parts: &[Input]) -> Option<(Input, Vec<usize>)> {
    let mut steps = Vec::new();
    let mut whole: Option<Input> = None;
    for (part, (slot, _)) in parts.iter().enumerate() {
        let mut producer = chains.producer((*slot)?)?;
        if part == 1 {
            let Some(Op::Transpose(transpose)) = chains.op(producer) else {
                return None;
            };
            let exchanged = transpose.permutation(4).ok()? == [0, 1, 3, 2];
            chains.sole_reader(producer)?;
            steps.push(producer);
            let from = chains.input(producer, 0).0.filter(|_| exchanged)?;
            producer = chains.producer(from)?;
        }
        chains.sole_reader(producer)?;
        steps.push(producer);
        let of = match chains.op(producer)? {
            Op::Gather(gather) => {
                let index = chains.numbers.get(&chains.input(producer, 1).0?)?;
                let of = chains.input(producer, 0);
                // The index takes away the first dimension, and only that.
                let is_first = gather.axis(of.1.len()).ok()? == 0;
                let kept = is_first && of.1.get(1..)? == chains.dims(producer)?;
                (*index == part as f64 && kept).then_some(of)?
            }
            Op::Squeeze(_) | Op::Reshape(_) => {
                let piece = chains.input(producer, 0);
                let split = chains.producer(piece.0?)?;
                let outputs = &chains.steps[split].as_ref()?.outputs;
                let cut = matches!(chains.op(split), Some(Op::Split(_))) && outputs.len() == 3;
                let in_place = outputs.get(part) == Some(&piece.0);
                let alone = chains.readers.get(&piece.0?)?.len() == 1;
                let kept =
                    piece.1.first() == Some(&1) && piece.1.get(1..)? == chains.dims(producer)?;
                steps.push(split);
                (cut && in_place && alone && kept).then(|| chains.input(split, 0))?
            }
            _ => return None,
        };
        if whole.get_or_insert_with(|| of.clone()).0 != of.0 {
            return None;
        }
    }
    steps.sort_unstable();
    steps.dedup();
    let whole = whole.filter(|(_, dims)| dims.len() == 5 && dims[0] == 3)?;
    let readers = chains.readers.get(&whole.0?)?;
    readers
        .iter()
        .all(|reader| steps.contains(reader))
        .then_some((whole, steps))
}
