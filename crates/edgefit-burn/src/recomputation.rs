//! Activations that are computed a second time in the backward pass instead of being kept until then: gradient
//! checkpointing, Chen et al. 2016, arXiv 1604.06174.

mod flow;
mod segment;
pub(crate) mod tape;

use std::ops::Range;

pub(crate) use flow::Flow;
pub(crate) use segment::Segment;
pub(crate) use tape::Tape;

use crate::program::Program;

/// Which parts of a step of training compute their activations a second time in the backward pass, instead of keeping
/// them until then. [`StepPlan`](crate::StepPlan) makes it; by default it is none.
///
/// The gradients are the same. A part whose results a second run would not repeat is never among them: where dropout
/// draws random numbers, or normalisation by the batch's statistics gathers running ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recomputation {
    /// Steps of the program that it was made for.
    steps: usize,
    /// Ranges of them, in order and apart.
    parts: Vec<Range<usize>>,
    /// Work that is done twice, as a share of that of the forward pass.
    share: f64,
}

impl Recomputation {
    pub(crate) fn new(steps: usize, parts: Vec<Range<usize>>, share: f64) -> Self {
        Recomputation {
            steps,
            parts,
            share,
        }
    }

    /// Whether nothing is computed twice.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Number of parts.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Multiplications of the forward pass that are done twice, as a share of all, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.share
    }

    /// All steps of `program`, in segments: what is recomputed, and what lies between. A program of another number of
    /// steps than it was made for is one segment.
    pub(crate) fn segments(&self, program: &Program, trained: &[bool]) -> Vec<Segment> {
        let flow = Flow::of(program, trained);
        let count = program.steps.len();
        let parts: &[Range<usize>] = if self.steps == count {
            &self.parts
        } else {
            &[]
        };
        let mut segments = Vec::new();
        let mut next = 0;
        for part in parts {
            if part.start > next {
                segments.push(Segment::new(program, &flow, next..part.start, false));
            }
            segments.push(Segment::new(program, &flow, part.clone(), true));
            next = part.end;
        }
        segments.push(Segment::new(program, &flow, next..count, false));
        segments
    }
}
