//! TopK and CumSum.

use burn::tensor::{Int, Tensor, TensorData};
use edgefit_graph::infer::TensorType;
use edgefit_graph::ops::{CumSum, Op, TopK};

use super::operands::Operands;
use crate::value::{Floats, Value, on_rank};

/// The indices are found in the host's memory, the values are gathered where gradients flow.
pub(super) fn top(
    top: TopK,
    op: &Op,
    operands: &mut Operands,
    types: &[TensorType],
) -> Result<Vec<Value>, String> {
    let found = operands.evaluate(op, types)?;
    let Some(Value::Host(found)) = found.into_iter().nth(1) else {
        return Err("it has no result".into());
    };
    let x = operands.floats(0)?;
    let axis = top.axis(x.dims().len())?;
    let dims = found.dims().to_vec();
    let values: Vec<i64> = found.to_i64().map_err(|error| error.to_string())?;
    on_rank!(x, x => {
        let mut shape = x.dims();
        shape.iter_mut().zip(&dims).for_each(|(size, wanted)| *size = *wanted);
        let data = TensorData::new(values, shape);
        let indices: Tensor<_, Int> = Tensor::from_data(data, operands.device);
        Ok(vec![x.gather(axis, indices).into(), Value::Host(found)])
    })
}

pub(super) fn cumulative(sum: CumSum, x: Floats) -> Result<Floats, String> {
    let axis = sum.axis(x.dims().len())?;
    Ok(on_rank!(x, x => {
        let forwards = |x: Tensor<_>| if sum.reverse { x.flip([axis as isize]) } else { x };
        let own = x.clone();
        let mut sums = forwards(forwards(x).cumsum(axis));
        if sum.exclusive {
            sums = sums - own;
        }
        sums.into()
    }))
}
