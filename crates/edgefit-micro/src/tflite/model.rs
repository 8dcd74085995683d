//! [`Model`]: tensors and operators, before they are written.

use std::collections::HashMap;

use super::operator;
use super::schema::{Builtin, Field, Options};
use super::tensor::{Scales, Tensor};
use super::{Refused, refusal};
use crate::error::{Error, Result};
use crate::program::{Program, Quantization, Source, Step, TensorType};

/// Tensors and operators.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub tensors: Vec<Tensor>,
    pub operators: Vec<Operator>,
    pub input: usize,
    pub output: usize,
}

impl Model {
    /// Number of operators that only bring dimensions into another order.
    pub fn transpositions(&self) -> usize {
        let is_one = |operator: &&Operator| operator.code == Builtin::Transpose;
        self.operators.iter().filter(is_one).count()
    }

    /// A new tensor.
    pub fn tensor(&mut self, tensor: Tensor) -> usize {
        self.tensors.push(tensor);
        self.tensors.len() - 1
    }

    /// A new operator: its number and version, what it reads and writes, and its options.
    pub fn push(
        &mut self,
        (code, version): (Builtin, i32),
        inputs: &[usize],
        output: usize,
        options: Option<Options>,
    ) {
        self.operators.push(Operator {
            code,
            version,
            inputs: inputs.to_vec(),
            output,
            options,
        });
    }
}

/// An operator on tensors.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operator {
    pub code: Builtin,
    /// Of the operator, that with which it takes these types.
    pub version: i32,
    pub inputs: Vec<usize>,
    pub output: usize,
    pub options: Option<Options>,
}

/// A program on its way into a model.
#[derive(Default)]
pub(super) struct Builder {
    pub model: Model,
    /// The tensor of each value.
    values: HashMap<usize, usize>,
    /// Tensors with the bytes of another in another shape or with another scale.
    renamed: HashMap<(usize, Vec<usize>, [u32; 2]), usize>,
}

/// The model of `program`.
pub(super) fn model(program: &Program) -> Result<Model> {
    let mut builder = Builder::default();
    let ty = |port: &crate::Port| TensorType {
        dims: port.dims.clone(),
        quantization: port.quantization,
    };
    let input = builder.tensor(Tensor::value("input", &ty(&program.input)));
    builder.model.input = input;
    builder.values.insert(program.input.value, input);
    let mut refusals = Vec::new();
    for step in &program.steps {
        if let Err(reason) = operator::step(&mut builder, step) {
            refusals.push(refusal(&step.node, operator::name(&step.op), reason));
            // What reads it is no fault of its own.
            let tensor = Tensor::value(&step.node, &step.signature.output);
            let tensor = builder.tensor(tensor);
            builder.values.insert(step.output, tensor);
        }
    }
    if !refusals.is_empty() {
        return Err(Error::Unsupported(refusals));
    }
    let value = &Source::Value(program.output.value);
    builder.model.output = builder
        .reading(value, &ty(&program.output), "output")
        .map_err(|problem| Error::Border {
            place: "graph output".into(),
            problem,
        })?;
    Ok(builder.model)
}

impl Builder {
    /// A new tensor.
    pub fn tensor(&mut self, tensor: Tensor) -> usize {
        self.model.tensor(tensor)
    }

    /// The tensor that a step writes, with the shape `dims`.
    pub fn written(&mut self, step: &Step, dims: &[usize]) -> usize {
        let ty = TensorType {
            dims: dims.to_vec(),
            quantization: step.signature.output.quantization,
        };
        let tensor = self.tensor(Tensor::value(&step.node, &ty));
        self.values.insert(step.output, tensor);
        tensor
    }

    /// Input `at` of a step, in the shape `dims`.
    pub fn read(&mut self, step: &Step, at: usize, dims: &[usize]) -> Refused<usize> {
        let source = step.inputs.get(at).ok_or("an input is missing")?;
        let given = step.signature.inputs.get(at).ok_or("an input is missing")?;
        let ty = TensorType {
            dims: dims.to_vec(),
            quantization: given.quantization,
        };
        self.reading(source, &ty, &step.node)
    }

    /// Input `at` of a step, in the shape that it has there.
    pub fn read_plain(&mut self, step: &Step, at: usize) -> Refused<usize> {
        let dims = step.signature.inputs.get(at).map(|ty| ty.dims.clone());
        self.read(step, at, &dims.ok_or("an input is missing")?)
    }

    /// Input `at` of a step, in whatever shape it has.
    pub fn read_in_any_shape(&mut self, step: &Step, at: usize) -> Refused<usize> {
        let tensor = match step.inputs.get(at) {
            Some(Source::Value(value)) => self.values.get(value),
            _ => None,
        };
        match tensor.map(|&tensor| self.model.tensors[tensor].dims.clone()) {
            Some(dims) => self.read(step, at, &dims),
            None => self.read_plain(step, at),
        }
    }

    fn reading(&mut self, source: &Source, ty: &TensorType, name: &str) -> Refused<usize> {
        let value = match source {
            Source::Constant(bytes) => {
                let name = format!("{name}_constant");
                let scales = Scales::One(ty.quantization);
                return Ok(self.tensor(Tensor::bytes(name, &ty.dims, bytes, scales)));
            }
            Source::Value(value) => value,
        };
        let tensor = *self
            .values
            .get(value)
            .ok_or("it reads what nothing writes")?;
        let own = &self.model.tensors[tensor];
        if own.dims == ty.dims && own.scales == Scales::One(ty.quantization) {
            return Ok(tensor);
        }
        let Quantization { scale, zero_point } = ty.quantization;
        let key = (
            *value,
            ty.dims.clone(),
            [scale.to_bits(), zero_point.cast_unsigned().into()],
        );
        if let Some(&renamed) = self.renamed.get(&key) {
            return Ok(renamed);
        }
        let renamed = self.tensor(Tensor::value(&format!("{name}_shaped"), ty));
        let dims = int_words(&ty.dims)?;
        let shape = Tensor::words(format!("{name}_shape"), &[dims.len()], &dims, Scales::None);
        let shape = self.tensor(shape);
        self.push(
            (Builtin::Reshape, 1),
            &[tensor, shape],
            renamed,
            Some(Options::new(Options::RESHAPE, &[])),
        );
        self.renamed.insert(key, renamed);
        Ok(renamed)
    }

    /// As [`Model::push`].
    pub fn push(
        &mut self,
        operator: (Builtin, i32),
        inputs: &[usize],
        output: usize,
        options: Option<Options>,
    ) {
        self.model.push(operator, inputs, output, options);
    }

    /// `tensor` kept within the integers `limits`, by the largest and the smallest of both; written to `output`.
    pub fn limited(&mut self, tensor: usize, [low, high]: [i8; 2], output: usize) {
        let ty = self.model.tensors[tensor].clone();
        let name = ty.name.clone();
        let floor = self.tensor(Tensor {
            name: format!("{name}_floor"),
            ..ty.clone()
        });
        let options = || Some(Options::new(Options::MAXIMUM_MINIMUM, &[] as &[Field]));
        for (code, bound, from, to) in [
            (Builtin::Maximum, low, tensor, floor),
            (Builtin::Minimum, high, floor, output),
        ] {
            let bound = Tensor::bytes(format!("{name}_limit"), &[1], &[bound], ty.scales.clone());
            let bound = self.tensor(bound);
            self.push((code, 2), &[from, bound], to, options());
        }
    }
}

/// Sizes as words.
pub(super) fn int_words(sizes: &[usize]) -> Refused<Vec<i32>> {
    let words: std::result::Result<Vec<i32>, _> =
        sizes.iter().map(|&size| i32::try_from(size)).collect();
    words.map_err(|_| "a size of it does not fit 32 bits".into())
}
