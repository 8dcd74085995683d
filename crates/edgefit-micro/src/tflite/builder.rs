//! [`Builder`]: a program on its way into a model.

use std::collections::HashMap;

use super::Refused;
use super::model::Model;
use super::schema::{Builtin, Field, Options};
use super::tensor::{Scales, Tensor};
use super::words::int_words;
use crate::program::{Quantization, Source, Step, TensorType};

/// A program on its way into a model.
#[derive(Default)]
pub(super) struct Builder {
    pub model: Model,
    /// The tensor of each value.
    pub values: HashMap<usize, usize>,
    /// Tensors with the bytes of another in another shape or with another scale.
    renamed: HashMap<(usize, Vec<usize>, [u32; 2]), usize>,
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

    pub fn reading(&mut self, source: &Source, ty: &TensorType, name: &str) -> Refused<usize> {
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
