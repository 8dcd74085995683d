//! Steps that one kernel computes together: a convolution with its normalisation and activation, and the like.
//!
//! Exporters write them as chains of nodes. Only a value that nothing else reads disappears.

mod convolution;

use std::collections::HashMap;

use edgefit_graph::ops::{BatchNormalization, Conv, Op, Unary};

use crate::ops::Activation;
use crate::program::{Step, Work};

/// Several nodes in one step. Its inputs are those of the first node and then what the others read besides.
#[derive(Debug, Clone)]
pub(crate) enum Fused {
    Convolution(FusedConvolution),
}

/// A convolution, normalisation over the batch if there is one, and an activation. The inputs are those of the
/// convolution (three, the last of which may be absent), and scale, bias, mean and variance.
#[derive(Debug, Clone)]
pub(crate) struct FusedConvolution {
    pub conv: Conv,
    pub normalization: Option<BatchNormalization>,
    pub activation: Activation,
}

/// `steps` with those that go together fused; `outputs` are slots that are read from outside.
pub(crate) fn fuse(steps: Vec<Step>, outputs: &[usize]) -> Vec<Step> {
    let mut chains = Chains::new(steps, outputs);
    for first in 0..chains.steps.len() {
        convolution::fuse(&mut chains, first);
    }
    chains.steps.into_iter().flatten().collect()
}

/// Steps, and who reads what.
struct Chains {
    /// In order; what became a part of a later step is gone.
    steps: Vec<Option<Step>>,
    /// Steps that read a slot, as often as they do; a slot that is read from outside has none.
    readers: HashMap<usize, Vec<usize>>,
}

impl Chains {
    fn new(steps: Vec<Step>, outputs: &[usize]) -> Self {
        let mut readers: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, step) in steps.iter().enumerate() {
            for &slot in step.inputs.iter().flatten() {
                readers.entry(slot).or_default().push(index);
            }
        }
        for output in outputs {
            readers.remove(output);
        }
        let steps = steps.into_iter().map(Some).collect();
        Chains { steps, readers }
    }

    /// The op of a step that is not fused.
    fn op(&self, index: usize) -> Option<&Op> {
        match &self.steps.get(index)?.as_ref()?.work {
            Work::Op(op) => Some(op),
            Work::Fused(_) => None,
        }
    }

    /// The step that reads the only result of step `index`, if that is all that is done with it.
    fn sole_reader(&self, index: usize) -> Option<usize> {
        let step = self.steps[index].as_ref()?;
        let [Some(result)] = step.outputs.as_slice() else {
            return None;
        };
        match self.readers.get(result)?.as_slice() {
            [reader] => Some(*reader),
            _ => None,
        }
    }

    /// The activation that is all that is done with the result of step `index`, and its step.
    fn activation_of(&self, index: usize) -> Option<(Activation, usize)> {
        let reader = self.sole_reader(index)?;
        match self.op(reader)? {
            Op::Unary(Unary::Identity) => None,
            Op::Unary(unary) => Some((Activation::of(*unary)?, reader)),
            _ => None,
        }
    }

    /// Puts one step, which reads `inputs`, in the place of a chain of steps.
    fn replace(&mut self, chain: &[usize], work: Fused, inputs: Vec<Input>) {
        let (Some(&first), Some(&last)) = (chain.first(), chain.last()) else {
            return;
        };
        let Some(mut fused) = self.steps[last].take() else {
            return;
        };
        if let Some(first) = self.steps[first].as_ref() {
            fused.node = first.node.clone();
        }
        for &index in chain {
            if let Some(step) = self.steps[index].take()
                && step.statistics != [None; 2]
            {
                fused.statistics = step.statistics;
            }
        }
        fused.work = Work::Fused(work);
        (fused.inputs, fused.input_dims) = inputs.into_iter().unzip();
        self.steps[last] = Some(fused);
    }

    /// Input `input` of step `index`.
    fn input(&self, index: usize, input: usize) -> Input {
        let step = self.steps[index].as_ref();
        step.and_then(|step| {
            let slot = *step.inputs.get(input)?;
            Some((slot, step.input_dims.get(input)?.clone()))
        })
        .unwrap_or_default()
    }
}

/// The slot of an input, and its shape.
type Input = (Option<usize>, Vec<usize>);
