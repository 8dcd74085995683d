//! Parts of a program that are taped apart from each other.

use std::ops::Range;

use super::flow::Flow;
use crate::program::Program;

/// Steps that are taped apart from all others, so that what they keep can be computed again.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub steps: Range<usize>,
    /// Whether it runs again in the backward pass, instead of keeping its activations until then.
    pub recomputed: bool,
    /// Values that steps before it make, or the caller gives.
    pub reads: Vec<Boundary>,
    /// Values that steps after it read, or the caller.
    pub makes: Vec<Boundary>,
    /// Slots of the weights that it reads, each with its number.
    pub weights: Vec<(usize, usize)>,
    /// Slots of what it reads and no segment after it does.
    pub frees: Vec<usize>,
}

/// A value between segments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Boundary {
    pub slot: usize,
    /// Whether a gradient reaches it.
    pub tracked: bool,
}

impl Segment {
    pub(super) fn new(
        program: &Program,
        flow: &Flow,
        steps: Range<usize>,
        recomputed: bool,
    ) -> Self {
        let mut read = vec![false; program.slots];
        for step in &program.steps[steps.clone()] {
            for &slot in step.inputs.iter().flatten() {
                read[slot] = true;
            }
        }
        let boundary = |slot| Boundary {
            slot,
            tracked: flow.tracked[slot],
        };
        let of_others = (0..program.slots).filter(|&slot| {
            read[slot]
                && (flow.input[slot] || flow.made[slot].is_some_and(|made| made < steps.start))
        });
        let reads: Vec<Boundary> = of_others.map(boundary).collect();
        let for_others = (0..program.slots).filter(|&slot| {
            let own = flow.made[slot].is_some_and(|made| steps.contains(&made));
            own && flow.last_read[slot].is_some_and(|read| read >= steps.end)
        });
        let is_last = |slot: usize| flow.last_read[slot].is_some_and(|read| read < steps.end);
        let weights = program.weights.iter().copied();
        Segment {
            recomputed,
            frees: reads
                .iter()
                .map(|read| read.slot)
                .filter(|&slot| is_last(slot))
                .collect(),
            reads,
            makes: for_others.map(boundary).collect(),
            weights: weights.filter(|(slot, _)| read[*slot]).collect(),
            steps,
        }
    }
}
