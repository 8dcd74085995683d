//! The model of a program: a step is an operator, or some.

use super::builder::Builder;
use super::model::Model;
use super::operator;
use super::refusal;
use super::tensor::Tensor;
use crate::error::{Error, Result};
use crate::program::{Program, Source, TensorType};

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
