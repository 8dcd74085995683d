//! Which values of a program gradients reach, and from where to where values live.

use edgefit_graph::ops::Op;

use crate::fused_step::Fused;
use crate::program::{Program, Step, Work};

/// What flows through the steps of a program, by slot.
pub(crate) struct Flow {
    /// Whether a gradient reaches it.
    pub tracked: Vec<bool>,
    /// The step that makes it; `None` of inputs, weights and constants.
    pub made: Vec<Option<usize>>,
    /// The last step that reads it; past the end if the caller does.
    pub last_read: Vec<Option<usize>>,
    /// Whether it is an input of the program.
    pub input: Vec<bool>,
}

impl Flow {
    /// `trained` says of each weight whether it is.
    pub fn of(program: &Program, trained: &[bool]) -> Self {
        let mut flow = Flow {
            tracked: vec![false; program.slots],
            made: vec![None; program.slots],
            last_read: vec![None; program.slots],
            input: vec![false; program.slots],
        };
        for &slot in program.inputs.iter().flatten() {
            flow.input[slot] = true;
        }
        for &(slot, number) in &program.weights {
            flow.tracked[slot] = trained[number];
        }
        for (index, step) in program.steps.iter().enumerate() {
            let mut tracked = false;
            for &slot in step.inputs.iter().flatten() {
                flow.last_read[slot] = Some(index);
                tracked |= flow.tracked[slot];
            }
            for &slot in step.outputs.iter().flatten() {
                flow.made[slot] = Some(index);
                flow.tracked[slot] = tracked && !step.on_host;
            }
        }
        for &slot in &program.outputs {
            flow.last_read[slot] = Some(program.steps.len());
        }
        flow
    }

    /// Whether steps before `step` make the value, or the caller gives it, and a step from there on reads it.
    pub fn crosses(&self, slot: usize, step: usize) -> bool {
        let is_there = match self.made[slot] {
            Some(made) => made < step,
            None => self.input[slot],
        };
        is_there && self.last_read[slot].is_some_and(|read| read >= step)
    }

    /// Whether running `step` again gives what it gave: it draws no random numbers, and no running statistics move on.
    pub fn repeats(&self, step: &Step) -> bool {
        let trains = |input: usize| {
            let slot = step.inputs.get(input).copied().flatten();
            slot.is_some_and(|slot| self.tracked[slot])
        };
        match &step.work {
            Work::Op(Op::Dropout { .. }) => false,
            Work::Op(Op::BatchNormalization(op)) => !op.training_mode && !trains(1),
            Work::Fused(Fused::Convolution(fused)) => fused.normalization.is_none() || !trains(3),
            Work::Fused(_) => true,
            Work::Op(_) => true,
        }
    }
}
