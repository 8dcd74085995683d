//! Steps that one kernel computes together: a convolution with its normalisation and activation, and the like.
//!
//! Exporters write them as chains of nodes. Only a value that nothing else reads disappears.

mod activation;
mod attention;
mod convolution;
mod fake_quantize;
mod linear;

use std::collections::HashMap;

use edgefit_graph::ops::{Binary, Op, Unary};

use crate::fused_step::Fused;
use crate::ops::Activation;
use crate::program::{Step, Work};

/// `steps` with those that go together fused; `outputs` are slots that are read from outside, and `numbers` the
/// values of slots that hold a single constant.
pub(crate) fn fuse(steps: Vec<Step>, outputs: &[usize], numbers: HashMap<usize, f64>) -> Vec<Step> {
    let mut chains = Chains::new(steps, outputs);
    chains.numbers = numbers;
    for first in 0..chains.steps.len() {
        activation::fuse(&mut chains, first);
        fake_quantize::fuse(&mut chains, first);
    }
    for first in 0..chains.steps.len() {
        convolution::fuse(&mut chains, first);
        linear::fuse(&mut chains, first);
        attention::fuse(&mut chains, first);
    }
    chains.steps.into_iter().flatten().collect()
}

/// Steps, and who reads what.
struct Chains {
    /// In order; what became a part of a later step is gone.
    steps: Vec<Option<Step>>,
    /// Steps that read a slot, as often as they do; a slot that is read from outside has none.
    readers: HashMap<usize, Vec<usize>>,
    producers: HashMap<usize, usize>,
    numbers: HashMap<usize, f64>,
}

impl Chains {
    fn new(steps: Vec<Step>, outputs: &[usize]) -> Self {
        let mut readers: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut producers = HashMap::new();
        for (index, step) in steps.iter().enumerate() {
            for &slot in step.inputs.iter().flatten() {
                readers.entry(slot).or_default().push(index);
            }
            for &slot in step.outputs.iter().flatten() {
                producers.insert(slot, index);
            }
        }
        for output in outputs {
            readers.remove(output);
        }
        let steps = steps.into_iter().map(Some).collect();
        Chains {
            steps,
            readers,
            producers,
            numbers: HashMap::new(),
        }
    }

    /// The op of a step that is not fused.
    fn op(&self, index: usize) -> Option<&Op> {
        match &self.steps.get(index)?.as_ref()?.work {
            Work::Op(op) => Some(op),
            Work::Fused(_) => None,
        }
    }

    /// The slot of the only result of step `index`.
    fn result(&self, index: usize) -> Option<usize> {
        match self.steps.get(index)?.as_ref()?.outputs.as_slice() {
            [result] => *result,
            _ => None,
        }
    }

    /// The steps that read the only result of step `index`, if all that is done with it is known.
    fn readers(&self, index: usize) -> &[usize] {
        let result = self.result(index);
        result
            .and_then(|result| self.readers.get(&result))
            .map_or(&[], Vec::as_slice)
    }

    /// The shape of the first result of step `index`.
    fn dims(&self, index: usize) -> Option<&[usize]> {
        let types = &self.steps.get(index)?.as_ref()?.types;
        types.first().map(|ty| ty.dims.as_slice())
    }

    /// The step that makes `slot`.
    fn producer(&self, slot: usize) -> Option<usize> {
        self.producers.get(&slot).copied()
    }

    /// The step that reads the only result of step `index`, if that is all that is done with it.
    fn sole_reader(&self, index: usize) -> Option<usize> {
        match self.readers(index) {
            [reader] => Some(*reader),
            _ => None,
        }
    }

    /// The slot that step `index` reads besides `slot`, if it is `binary` of the two, in any order.
    fn other(&self, index: usize, binary: Binary, slot: usize) -> Option<usize> {
        let Op::Binary(op) = self.op(index)? else {
            return None;
        };
        match self.steps[index].as_ref()?.inputs.as_slice() {
            [Some(a), Some(b)] if *op == binary && *a == slot => Some(*b),
            [Some(a), Some(b)] if *op == binary && *b == slot => Some(*a),
            _ => None,
        }
    }

    /// The number that step `index` multiplies `slot` by, if that is what it does.
    fn factor(&self, index: usize, slot: usize) -> Option<f64> {
        if let Some(other) = self.other(index, Binary::Mul, slot) {
            return self.numbers.get(&other).copied();
        }
        let divisor = self.other(index, Binary::Div, slot)?;
        let first = self.input(index, 0).0;
        let divisor = self.numbers.get(&divisor).filter(|_| first == Some(slot))?;
        Some(1.0 / divisor)
    }

    /// The activation that is all that is done with the result of step `index`, and its step.
    fn activation_of(&self, index: usize) -> Option<(Activation, usize)> {
        let reader = self.sole_reader(index)?;
        match &self.steps.get(reader)?.as_ref()?.work {
            Work::Op(Op::Unary(Unary::Identity)) => None,
            Work::Op(Op::Unary(unary)) => Some((Activation::of(*unary)?, reader)),
            Work::Fused(Fused::Activation(activation)) => Some((*activation, reader)),
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
        for readers in self.readers.values_mut() {
            readers.retain(|reader| !chain.contains(reader));
        }
        for slot in inputs.iter().filter_map(|(slot, _)| *slot) {
            if let Some(readers) = self.readers.get_mut(&slot) {
                readers.push(last);
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
