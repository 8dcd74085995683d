//! [`Program`]: a model as a list of integer ops over buffers of bytes.

use std::collections::{BTreeMap, HashSet};

use edgefit_graph::ops::Unary;
use edgefit_graph::{Preprocessing, StandardScaler};
use serde::Serialize;

use crate::ops::Op;

/// A model as a list of integer ops.
///
/// Values are buffers of signed bytes whose channels come last. Ops run in order; each writes one value
/// that no op before it wrote, or a part of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// Bytes of each value.
    pub values: Vec<usize>,
    /// The ops.
    pub steps: Vec<Step>,
    /// What the caller writes.
    pub input: Port,
    /// How it comes to the program.
    pub input_by: InputBy,
    /// What the caller reads.
    pub output: Port,
    /// Names of the classes, in the order of the output.
    pub labels: Vec<String>,
    /// How an image becomes the input.
    pub preprocessing: Option<Preprocessing>,
    /// How an array becomes the input.
    pub scaler: Option<StandardScaler>,
}

/// How the input comes to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InputBy {
    /// It lies in the arena as a whole.
    #[default]
    Whole,
    /// A function of the firmware gives the part that is asked for. All that reads the input are copies out of it.
    Parts,
}

/// An op with the values that it reads and writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The node that it is from.
    pub node: String,
    /// What is computed.
    pub op: Op,
    /// What it reads.
    pub inputs: Vec<Source>,
    /// The value that it writes.
    pub output: usize,
    /// What it means for the model.
    pub signature: Signature,
}

/// What a file that carries shapes and scales says of a step; the arithmetic needs none of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Signature {
    /// Types of the inputs.
    pub inputs: Vec<TensorType>,
    /// Type of the output.
    pub output: TensorType,
    /// Scale of the weights of each output channel.
    pub weight_scales: Vec<f32>,
    /// The functions that a table computes one after another; none, where it only changes the scale.
    pub functions: Vec<Unary>,
}

/// Shape and scale of a value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TensorType {
    /// Sizes as they lie in memory.
    pub dims: Vec<usize>,
    /// What the integers stand for.
    pub quantization: Quantization,
}

/// Where an op reads bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// From a value.
    Value(usize),
    /// From a constant.
    Constant(Vec<i8>),
}

impl Source {
    /// The value, if it is one.
    pub(crate) fn value(&self) -> Option<usize> {
        match self {
            Source::Value(value) => Some(*value),
            Source::Constant(_) => None,
        }
    }
}

/// When each value is read for the last time.
pub(crate) fn last_reads(steps: &[Step]) -> BTreeMap<usize, usize> {
    let mut last = BTreeMap::new();
    for (time, step) in steps.iter().enumerate() {
        let read = step.inputs.iter().filter_map(Source::value);
        last.extend(read.map(|value| (value, time)));
    }
    last
}

/// A value as the caller sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// The value.
    pub value: usize,
    /// Sizes as they lie in memory.
    pub dims: Vec<usize>,
    /// For each of them, which dimension of the model it is.
    pub order: Vec<usize>,
    /// What its integers stand for.
    pub quantization: Quantization,
}

/// What integers stand for: `(integer − zero_point) · scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantization {
    /// The scale.
    pub scale: f32,
    /// The integer that stands for 0.
    pub zero_point: i8,
}

impl Default for Quantization {
    fn default() -> Self {
        Quantization {
            scale: 1.0,
            zero_point: 0,
        }
    }
}

impl Quantization {
    /// The integer for `value`, rounded as ONNX's QuantizeLinear does, halves to the even one.
    pub fn quantize(self, value: f32) -> i8 {
        let integer = (value / self.scale).round_ties_even() + f32::from(self.zero_point);
        // A cast saturates.
        integer as i8
    }

    /// What `integer` stands for.
    pub fn dequantize(self, integer: i8) -> f32 {
        f32::from(i16::from(integer) - i16::from(self.zero_point)) * self.scale
    }
}

impl Port {
    /// The bytes of `values`, which are in the order of the model.
    pub fn quantize(&self, values: &[f32]) -> Vec<i8> {
        let places = self.places();
        let at = places
            .iter()
            .map(|&at| values.get(at).copied().unwrap_or(0.0));
        at.map(|value| self.quantization.quantize(value)).collect()
    }

    /// The values of `bytes` in the order of the model.
    pub fn dequantize(&self, bytes: &[i8]) -> Vec<f32> {
        let mut values = vec![0.0; bytes.len()];
        for (&at, &byte) in self.places().iter().zip(bytes) {
            values[at] = self.quantization.dequantize(byte);
        }
        values
    }

    /// Shape of the value in the model.
    pub fn model_dims(&self) -> Vec<usize> {
        let mut dims = vec![1; self.dims.len()];
        for (&size, &axis) in self.dims.iter().zip(&self.order) {
            dims[axis] = size;
        }
        dims
    }

    /// For each byte, where its value lies in the model's order.
    fn places(&self) -> Vec<usize> {
        places(&self.dims, &self.order)
    }
}

/// For each element of a value whose sizes in memory are `memory`, each of them dimension `order` of the model:
/// where it lies in the model's order.
pub(crate) fn places(memory: &[usize], order: &[usize]) -> Vec<usize> {
    let mut dims = vec![1; memory.len()];
    for (&size, &axis) in memory.iter().zip(order) {
        dims[axis] = size;
    }
    let stride = |axis: usize| dims[axis + 1..].iter().product::<usize>();
    let mut places = vec![0];
    for (&size, &axis) in memory.iter().zip(order) {
        let stride = stride(axis);
        let steps = |&place: &usize| (0..size).map(move |at| place + at * stride);
        places = places.iter().flat_map(steps).collect();
    }
    places
}

impl Program {
    /// What the program makes of `input`, each value in memory of its own until it is read for the last time.
    ///
    /// # Panics
    /// If `input` does not have the bytes of the program's input.
    pub fn run(&self, input: &[i8]) -> Vec<i8> {
        assert_eq!(input.len(), self.values[self.input.value], "bytes of input");
        let mut values: Vec<Vec<i8>> = vec![Vec::new(); self.values.len()];
        values[self.input.value] = input.to_vec();
        let mut last_reads = last_reads(&self.steps);
        last_reads.remove(&self.output.value);
        for (time, step) in self.steps.iter().enumerate() {
            // Parts of it may be there already.
            let mut output = std::mem::take(&mut values[step.output]);
            output.resize(self.values[step.output], 0);
            let inputs: Vec<&[i8]> = step
                .inputs
                .iter()
                .map(|source| match source {
                    Source::Value(value) => values[*value].as_slice(),
                    Source::Constant(bytes) => bytes,
                })
                .collect();
            step.op.run(&inputs, &mut output);
            values[step.output] = output;
            for value in step.inputs.iter().filter_map(Source::value) {
                if last_reads.get(&value) == Some(&time) {
                    values[value] = Vec::new();
                }
            }
        }
        std::mem::take(&mut values[self.output.value])
    }

    /// Bytes of the weights and other constants; those that several steps share, once.
    pub fn constant_bytes(&self) -> u64 {
        let mut seen = HashSet::new();
        let mut bytes = 0;
        let of = |step: &Step| {
            let constants = step.inputs.iter().map(|source| match source {
                Source::Value(_) => 0,
                Source::Constant(bytes) => bytes.len() as u64,
            });
            step.op.constant_bytes() + constants.sum::<u64>()
        };
        for step in &self.steps {
            if step.op.weighted().is_none_or(|both| seen.insert(both)) {
                bytes += of(step);
            }
        }
        bytes
    }
}

#[cfg(test)]
impl Program {
    /// Tables, each of the value before it, of `bytes` each; the output is the first that is made.
    pub(crate) fn of_tables(count: usize, bytes: usize) -> Self {
        let step = |at: usize| Step {
            node: format!("table {at}"),
            op: Op::Table((i8::MIN..=i8::MAX).rev().collect()),
            inputs: vec![Source::Value(at)],
            output: at + 1,
            signature: Signature::default(),
        };
        let port = |value: usize| Port {
            value,
            dims: vec![1, bytes],
            order: vec![0, 1],
            quantization: Quantization::default(),
        };
        Program {
            values: vec![bytes; count + 1],
            steps: (0..count).map(step).collect(),
            input: port(0),
            input_by: InputBy::Whole,
            output: port(1),
            labels: Vec::new(),
            preprocessing: None,
            scaler: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_is_read_stays() {
        assert_eq!(Program::of_tables(3, 2).run(&[-128, 5]), [127, -6]);
    }

    #[test]
    fn a_port_moves_channels_and_back() {
        let port = Port {
            value: 0,
            dims: vec![1, 2, 3, 2],
            order: vec![0, 2, 3, 1],
            quantization: Quantization {
                scale: 1.0,
                zero_point: -1,
            },
        };
        assert_eq!(port.model_dims(), [1, 2, 2, 3]);
        let values: Vec<f32> = (0u8..12).map(f32::from).collect();
        let bytes = port.quantize(&values);
        assert_eq!(bytes[..4], [-1, 5, 0, 6]);
        assert_eq!(port.dequantize(&bytes), values);
    }

    #[test]
    fn integers_saturate_and_halves_go_to_the_even_one() {
        let quantization = Quantization {
            scale: 0.5,
            zero_point: 3,
        };
        let made = [0.25, 0.75, 1e9, -1e9, f32::NAN].map(|value| quantization.quantize(value));
        assert_eq!(made, [3, 5, 127, -128, 0]);
        assert_eq!(quantization.dequantize(5), 1.0);
    }
}
