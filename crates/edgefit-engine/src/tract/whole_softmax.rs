//! A Softmax that tract does not fold into a table of bytes.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{EvalContext, EvalOp, Op, StaticName, TypedOp};
use tract_onnx::tract_core::ops::nn::Softmax;
use tract_onnx::tract_core::ops::quant::DequantizeLinearF32;
use tract_onnx::tract_core::{as_op, op_as_typed_op, op_out_of_plan};

/// A Softmax or LogSoftmax that claims no axes. tract takes its own for one that computes each element by itself, and
/// makes DequantizeLinear, Softmax and QuantizeLinear a table of what each byte becomes.
#[derive(Debug, Clone, Hash, PartialEq, Eq)]
struct WholeSoftmax(Softmax);

impl Op for WholeSoftmax {
    fn name(&self) -> StaticName {
        self.0.name()
    }

    op_as_typed_op!();
}

impl EvalOp for WholeSoftmax {
    op_out_of_plan!();

    fn eval(&self, context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        self.0.eval(context, inputs)
    }
}

impl TypedOp for WholeSoftmax {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        self.0.output_facts(inputs)
    }

    as_op!();
}

/// `model` with every Softmax computed over its axes, where tract would fold it between integers.
pub(super) fn with_whole_softmaxes(mut model: TypedModel) -> TypedModel {
    let nodes = &mut model.nodes;
    if nodes.iter().any(|node| node.op_is::<DequantizeLinearF32>()) {
        for node in nodes {
            if let Some(softmax) = node.op_as::<Softmax>().cloned() {
                node.op = Box::new(WholeSoftmax(softmax));
            }
        }
    }
    model
}
