//! Cast.

use burn::tensor::Tensor;
use edgefit_graph::DataType;

use super::operands::Operands;
use crate::value::{Floats, Value, on_rank};

/// Floats, or integers made floats, as 32-bit floats that hold what `to` can; the gradient goes
/// straight through the rounding.
pub(super) fn forward(to: DataType, operands: &mut Operands) -> Result<Floats, String> {
    let x = operands.floats(0)?;
    if !matches!(to, DataType::F16 | DataType::BF16) {
        return Ok(x);
    }
    let dims = x.dims();
    let values = x.to_vec().map_err(|error| error.to_string())?;
    let values: Vec<f64> = values.into_iter().map(f64::from).collect();
    let rounded = edgefit_graph::Tensor::from_f64(to, dims, &values);
    let rounded = Value::Host(rounded.ok_or("it has no result")?).into_floats(operands.device)?;
    on_rank!(x, x => {
        let difference = Tensor::sub(rounded.try_into()?, x.clone()).detach();
        Ok((x + difference).into())
    })
}
