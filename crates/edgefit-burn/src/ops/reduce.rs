//! Reductions over dimensions.

use edgefit_graph::ops::{Reduce, ReduceKind};

use crate::value::{Floats, on_rank};

/// The reduced dimensions stay, with size 1.
pub(super) fn forward(reduce: &Reduce, x: Floats) -> Result<Floats, String> {
    let axes = reduce.axes(x.dims().len())?;
    Ok(on_rank!(x, x => match reduce.kind {
        ReduceKind::Mean => x.mean_dims(&axes),
        ReduceKind::Sum => x.sum_dims(&axes),
        ReduceKind::Max => x.max_dims(&axes),
        ReduceKind::Min => x.min_dims(&axes),
        ReduceKind::Prod => x.prod_dims(&axes),
        ReduceKind::L1 => x.abs().sum_dims(&axes),
        // At 0 the root has no slope; its smallest one is used there.
        ReduceKind::L2 => x.square().sum_dims(&axes).clamp_min(f32::MIN_POSITIVE).sqrt(),
        ReduceKind::SumSquare => x.square().sum_dims(&axes),
        ReduceKind::LogSumExp => {
            let most = x.clone().max_dims(&axes).detach();
            (x - most.clone()).exp().sum_dims(&axes).log() + most
        }
    }.into()))
}
