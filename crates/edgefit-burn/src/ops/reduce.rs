use edgefit_graph::ops::{Reduce, ReduceKind};

use crate::value::{Value, on_rank};

/// The result has the shape `dims`.
pub(super) fn forward(reduce: &Reduce, x: Value, dims: &[usize]) -> Result<Value, String> {
    let axes = reduce.axes(x.dims().len())?;
    let reduced: Value = on_rank!(x, x => match reduce.kind {
        ReduceKind::Mean => x.mean_dims(&axes),
        ReduceKind::Sum => x.sum_dims(&axes),
        ReduceKind::Max => x.max_dims(&axes),
    }.into());
    reduced.reshape(dims)
}
