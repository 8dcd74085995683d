//! The inputs of an op.

use burn::tensor::{Device, Int, Tensor, TensorData};
use edgefit_graph::evaluate::evaluate;
use edgefit_graph::infer::TensorType;
use edgefit_graph::ops::Op;

use crate::value::{Floats, Value};

/// The inputs of an op; absent optional ones, and those that it has read already, are `None`.
pub(crate) struct Operands<'p> {
    pub values: Vec<Option<Value>>,
    /// Shapes of the inputs in the graph, where scalars have no dimension.
    pub dims: &'p [Vec<usize>],
    pub device: &'p Device,
}

impl Operands<'_> {
    /// Moves operand `index` out.
    pub fn take(&mut self, index: usize) -> Result<Value, String> {
        self.optional(index)
            .ok_or_else(|| format!("input {index} is missing"))
    }

    /// Moves operand `index` out, if it is there.
    pub fn optional(&mut self, index: usize) -> Option<Value> {
        self.values.get_mut(index).and_then(Option::take)
    }

    /// Moves operand `index` out as floats.
    pub fn floats(&mut self, index: usize) -> Result<Floats, String> {
        self.take(index)?.into_floats(self.device)
    }

    /// Moves operand `index` out as floats, if it is there.
    pub fn optional_floats(&mut self, index: usize) -> Result<Option<Floats>, String> {
        let value = self.optional(index);
        value
            .map(|value| value.into_floats(self.device))
            .transpose()
    }

    /// Moves all operands out as floats.
    pub fn all_floats(&mut self) -> Result<Vec<Floats>, String> {
        (0..self.values.len())
            .map(|index| self.floats(index))
            .collect()
    }

    /// Moves operand `index` out as a tensor of a known rank.
    pub fn tensor<T: TryFrom<Floats, Error = String>>(
        &mut self,
        index: usize,
    ) -> Result<T, String> {
        self.floats(index)?.try_into()
    }

    /// Moves operand `index` out as a tensor in the host's memory.
    pub fn host(&mut self, index: usize) -> Result<edgefit_graph::Tensor, String> {
        self.take(index)?.to_host(&self.dims[index])
    }

    /// Runs `op` in the host's memory.
    pub fn evaluate(&self, op: &Op, types: &[TensorType]) -> Result<Vec<Value>, String> {
        let inputs = self.values.iter().zip(self.dims);
        let inputs = inputs
            .map(|(value, dims)| value.as_ref().map(|value| value.to_host(dims)).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        let inputs: Vec<Option<&edgefit_graph::Tensor>> =
            inputs.iter().map(Option::as_ref).collect();
        let outputs = evaluate(op, &inputs, types)
            .ok_or("it is not supported for these integers or booleans, or has no result")?;
        Ok(outputs.into_iter().map(Value::Host).collect())
    }
}

/// Indices as burn takes them.
pub(super) fn indices(values: Vec<usize>, device: &Device) -> Tensor<1, Int> {
    let count = values.len();
    let values: Vec<i64> = values.into_iter().map(|value| value as i64).collect();
    Tensor::from_data(TensorData::new(values, [count]), device)
}
