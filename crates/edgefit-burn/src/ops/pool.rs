use burn::tensor::module::{avg_pool2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use edgefit_graph::ops::{Extent, Pool, PoolKind};

use super::Operands;
use crate::value::Value;

pub(super) fn forward(pool: &Pool, operands: &mut Operands) -> Result<Value, String> {
    let x = operands.take(0)?;
    let dims = x.dims();
    let &[down, along] = pool.extents(&dims)?.as_slice() else {
        return Err("pooling is supported over two dimensions".into());
    };
    let extents = [down, along];
    let kernel = extents.map(|extent| extent.kernel);
    let stride = extents.map(|extent| extent.stride);
    let spatial = [dims[2], dims[3]];
    // Ceil mode is nothing but more padding at the end.
    let padding: [(usize, usize); 2] = std::array::from_fn(|axis| {
        (
            extents[axis].before,
            end_padding(extents[axis], spatial[axis]),
        )
    });
    let widened = (0..2).any(|axis| padding[axis].1 > extents[axis].after);
    Ok(match pool.kind {
        PoolKind::Max => {
            let options = MaxPoolOptions::new(kernel)
                .with_stride(stride)
                .with_padding_pairs(padding)
                .with_dilation(extents.map(|extent| extent.dilation));
            max_pool2d(x.try_into()?, options).into()
        }
        PoolKind::Average { count_include_pad } => {
            if extents.iter().any(|extent| extent.dilation != 1) {
                return Err("dilated average pooling is not supported".into());
            }
            if widened && count_include_pad {
                return Err(
                    "average pooling in ceil mode that counts padding is not supported".into(),
                );
            }
            let options = AvgPoolOptions::new(kernel)
                .with_stride(stride)
                .with_padding_pairs(padding)
                .with_count_include_pad(count_include_pad);
            avg_pool2d(x.try_into()?, options).into()
        }
    })
}

/// Padding behind `size` elements that makes exactly `extent.output` whole windows.
fn end_padding(extent: Extent, size: usize) -> usize {
    let reach = (extent.kernel - 1) * extent.dilation + 1;
    let covered = (extent.output - 1) * extent.stride + reach;
    covered.saturating_sub(size + extent.before)
}
