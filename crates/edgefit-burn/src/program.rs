//! A graph made ready to run on inputs of one shape.

use std::fmt;
use std::ops::Range;

use burn::tensor::Device;
use edgefit_graph::infer::TensorType;
use edgefit_graph::ops::{BatchNormalization, Op};

use crate::error::{Error, Result};
use crate::fused_step::Fused;
use crate::ops::{self, Operands};
use crate::value::{Floats, Value};

/// A graph made ready to run on inputs of one shape: values are numbered, ops typed, shape
/// arithmetic folded, and the last use of each value is known.
#[derive(Debug)]
pub(crate) struct Program {
    pub key: Vec<Input>,
    pub steps: Vec<Step>,
    pub inputs: Vec<Option<usize>>,
    pub outputs: Vec<usize>,
    pub slots: usize,
    /// Slots of weights, each with its number.
    pub weights: Vec<(usize, usize)>,
    pub constants: Vec<(usize, Value)>,
}

/// What a program knows of an input.
#[derive(Debug, PartialEq)]
pub(crate) enum Input {
    Shape(Vec<usize>),
    /// Integers and booleans, of which shapes may be made.
    Known(edgefit_graph::Tensor),
}

/// What a step computes.
#[derive(Debug)]
pub(crate) enum Work {
    /// A node.
    Op(Op),
    /// Several of them.
    Fused(Fused),
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Work::Op(op) => {
                let named = format!("{op:?}");
                let end = named.find(|c: char| !c.is_alphanumeric());
                f.write_str(&named[..end.unwrap_or(named.len())])
            }
            Work::Fused(Fused::Activation(activation)) => write!(f, "fused {activation:?}"),
            Work::Fused(Fused::Attention(attention)) => {
                write!(f, "fused attention, operands {:?}", attention.operands)
            }
            Work::Fused(Fused::Convolution(fused)) => {
                write!(f, "fused convolution, {:?}", fused.activation)
            }
            Work::Fused(Fused::FakeQuantize(fake)) => {
                write!(f, "fused rounding, {} to {}", fake.least, fake.most)
            }
            Work::Fused(Fused::Linear(layer)) => {
                write!(f, "fused linear layer, {:?}", layer.activation)
            }
        }
    }
}

/// A node that runs, or several at once.
#[derive(Debug)]
pub(crate) struct Step {
    pub node: String,
    pub work: Work,
    pub inputs: Vec<Option<usize>>,
    pub input_dims: Vec<Vec<usize>>,
    pub outputs: Vec<Option<usize>>,
    pub types: Vec<TensorType>,
    /// Whether it runs in the host's memory.
    pub on_host: bool,
    /// Weights that hold the running mean and variance, of normalisation over the batch.
    pub statistics: [Option<usize>; 2],
    /// Slots that nothing reads after this step.
    pub dead: Vec<usize>,
}

/// What differs between eval and train mode.
pub(crate) trait Mode {
    /// Value of the weight at `index` in [`Network::weights`].
    fn weight(&self, index: usize) -> Floats;

    /// Normalises the first of `operands`: x, scale, bias, mean, variance; `statistics` are the
    /// indices of mean and variance among the weights, if they are weights.
    fn batch_normalization(
        &mut self,
        op: &BatchNormalization,
        operands: &mut Operands,
        statistics: [Option<usize>; 2],
    ) -> Result<Value, String>;

    /// Drops out elements of `x`.
    fn dropout(&mut self, ratio: f32, x: Floats) -> Floats;
}

impl Program {
    pub fn run(
        &self,
        inputs: Vec<Value>,
        device: &Device,
        mode: &mut impl Mode,
    ) -> Result<Vec<Value>> {
        let mut slots: Vec<Option<Value>> = vec![None; self.slots];
        for (slot, input) in self.inputs.iter().zip(inputs) {
            if let Some(slot) = slot {
                slots[*slot] = Some(input);
            }
        }
        for &(slot, number) in &self.weights {
            slots[slot] = Some(mode.weight(number).into());
        }
        self.run_steps(0..self.steps.len(), &mut slots, device, mode)?;
        self.values_of_outputs(|slot| slots[slot].clone())
    }

    /// The outputs, of which `value` knows those that a slot holds.
    pub fn values_of_outputs(&self, value: impl Fn(usize) -> Option<Value>) -> Result<Vec<Value>> {
        let outputs = self.outputs.iter().enumerate();
        let outputs = outputs.map(|(index, &slot)| {
            value(slot).ok_or_else(|| Error::Node {
                node: format!("graph output {}", index + 1),
                problem: "nothing computed it".into(),
            })
        });
        outputs.collect()
    }

    /// Runs some of the steps on `slots`, which hold what they read but for constants.
    pub fn run_steps(
        &self,
        steps: Range<usize>,
        slots: &mut [Option<Value>],
        device: &Device,
        mode: &mut impl Mode,
    ) -> Result<()> {
        for (slot, value) in &self.constants {
            slots[*slot] = Some(value.clone());
        }
        for step in &self.steps[steps] {
            let values = step
                .run(slots, device, mode)
                .map_err(|problem| Error::Node {
                    node: step.node.clone(),
                    problem,
                })?;
            for (slot, value) in step.outputs.iter().zip(values) {
                if let Some(slot) = slot {
                    slots[*slot] = Some(value);
                }
            }
            for &slot in &step.dead {
                slots[slot] = None;
            }
        }
        Ok(())
    }
}

impl Step {
    fn run(
        &self,
        slots: &mut [Option<Value>],
        device: &Device,
        mode: &mut impl Mode,
    ) -> Result<Vec<Value>, String> {
        // A value that dies here is moved, so that burn may write into its memory.
        let operand = |slot: &Option<usize>| {
            let slot = (*slot)?;
            let uses = self
                .inputs
                .iter()
                .filter(|other| **other == Some(slot))
                .count();
            if uses == 1 && self.dead.contains(&slot) {
                slots[slot].take()
            } else {
                slots[slot].clone()
            }
        };
        let mut operands = Operands {
            values: self.inputs.iter().map(operand).collect(),
            dims: &self.input_dims,
            device,
        };
        let op = match &self.work {
            Work::Op(op) => op,
            Work::Fused(fused) => {
                let value = ops::run_fused(fused, &mut operands, mode, self)?;
                return Ok(vec![value]);
            }
        };
        match op {
            _ if self.on_host => operands.evaluate(op, &self.types),
            Op::BatchNormalization(op) if !op.training_mode => {
                let value = mode.batch_normalization(op, &mut operands, self.statistics)?;
                Ok(vec![value])
            }
            Op::Dropout { ratio } => {
                let x = operands.floats(0)?;
                let mask = self.types.get(1).and_then(|ty| {
                    let all = vec![1; ty.elements()];
                    edgefit_graph::Tensor::from_i64(ty.dtype, ty.dims.clone(), &all)
                });
                let x = mode.dropout(*ratio, x).into();
                Ok([Some(x), mask.map(Value::Host)]
                    .into_iter()
                    .flatten()
                    .collect())
            }
            op => ops::forward(op, operands, &self.types),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_without_a_value_is_an_error() {
        let program = Program {
            key: Vec::new(),
            steps: Vec::new(),
            inputs: Vec::new(),
            outputs: vec![0, 1],
            slots: 2,
            weights: Vec::new(),
            constants: Vec::new(),
        };
        let one = edgefit_graph::Tensor::from_values(vec![1], &[1i64]);
        let first = |slot| (slot == 0).then(|| Value::Host(one.clone()));
        let error = program.values_of_outputs(first).unwrap_err().to_string();
        assert!(error.starts_with("graph output 2"), "{error}");
    }
}
