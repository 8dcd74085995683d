//! Max and average pooling.

use burn::tensor::module::{avg_pool1d, avg_pool2d, conv1d, max_pool1d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor};
use edgefit_graph::ops::{Extent, Pool, PoolKind};

use super::planes::plane_means;
use crate::value::{Floats, on_rank};

/// Pooling over any number of dimensions: over the last two at once, and then over each of the
/// others, since a maximum of maxima is a maximum and a sum of sums a sum.
pub(super) fn forward(pool: &Pool, x: Floats, device: &Device) -> Result<Floats, String> {
    let dims = x.dims();
    let extents = pool.extents(&dims)?;
    let shape = [&dims[..2], &outputs(&extents)].concat();
    if let [height, width] = *extents
        && is_whole([height, width], &dims[2..])
        && matches!(pool.kind, PoolKind::Average { .. })
    {
        return Ok(plane_means(x.try_into()?).into());
    }
    let PoolKind::Average { count_include_pad } = pool.kind else {
        return over_windows(x, &extents, PoolKind::Max)?.reshape(&shape);
    };
    // Padding counts as zeros first; where it should not, or where a window reaches past it, the
    // mean is of fewer elements.
    let included = PoolKind::Average {
        count_include_pad: true,
    };
    let mean = over_windows(x, &extents, included)?.reshape(&shape)?;
    let padding = if count_include_pad {
        Padding::Counted
    } else {
        Padding::LeftOut
    };
    let window: usize = extents.iter().map(|extent| extent.kernel).product();
    let counts = counts(&extents, &dims[2..], padding);
    if (count_include_pad && pool.whole_windows) || counts.iter().all(|&count| count == window) {
        return Ok(mean);
    }
    let factor = |&count: &usize| window as f32 / count as f32;
    let factor_dims = [&[1, 1], &shape[2..]].concat();
    scaled(
        mean,
        Floats::new(counts.iter().map(factor).collect(), &factor_dims, device)?,
    )
}

/// Whether a single window is just the whole plane.
fn is_whole(extents: [Extent; 2], plane: &[usize]) -> bool {
    extents.iter().zip(plane).all(|(extent, &size)| {
        let padded = extent.before + extent.after > 0;
        !padded && extent.kernel == size && extent.dilation == 1 && extent.output == 1
    })
}

fn scaled(x: Floats, factors: Floats) -> Result<Floats, String> {
    on_rank!(x, x => {
        Ok(Tensor::mul(x, factors.try_into()?).into())
    })
}

fn outputs(extents: &[Extent]) -> Vec<usize> {
    extents.iter().map(|extent| extent.output).collect()
}

/// Whether a mean counts the elements of the padding.
#[derive(Clone, Copy, PartialEq)]
enum Padding {
    Counted,
    LeftOut,
}

/// How many elements each mean is of.
fn counts(extents: &[Extent], spatial: &[usize], padding: Padding) -> Vec<usize> {
    extents
        .iter()
        .zip(spatial)
        .fold(vec![1], |counts, (extent, &size)| {
            // Counted from the front of the padding.
            let (first, last) = if padding == Padding::Counted {
                (0, extent.before + size + extent.after)
            } else {
                (extent.before, extent.before + size)
            };
            let along: Vec<usize> = (0..extent.output)
                .map(|index| {
                    let start = index * extent.stride;
                    (0..extent.kernel)
                        .map(|element| start + element * extent.dilation)
                        .filter(|read| (first..last).contains(read))
                        .count()
                        .max(1)
                })
                .collect();
            counts
                .iter()
                .flat_map(|count| along.iter().map(move |along| count * along))
                .collect()
        })
}

fn over_windows(x: Floats, extents: &[Extent], kind: PoolKind) -> Result<Floats, String> {
    let dims = x.dims();
    let spatial = &dims[2..];
    let mut sizes = spatial.to_vec();
    let planes: usize = dims[..2].iter().product();
    let mut x = x;
    let mut first_single = 0;
    let dilated = extents.iter().any(|extent| extent.dilation != 1);
    if let [.., down, along] = *extents
        && (kind == PoolKind::Max || !dilated)
    {
        let rank = extents.len();
        let outer: usize = sizes[..rank - 2].iter().product();
        let plane = [planes, outer, sizes[rank - 2], sizes[rank - 1]];
        let tensor: Tensor<4> = x.reshape(&plane)?.try_into()?;
        x = plane_pool(tensor, [down, along], kind).into();
        sizes[rank - 2] = down.output;
        sizes[rank - 1] = along.output;
        first_single = 2;
    }
    for axis in (0..extents.len() - first_single).rev() {
        // (planes and dimensions before, this one, dimensions behind) with this one last.
        let outer: usize = planes * sizes[..axis].iter().product::<usize>();
        let inner: usize = sizes[axis + 1..].iter().product();
        let lines: Tensor<3> = x.reshape(&[outer, sizes[axis], inner])?.try_into()?;
        let pooled = line_pool(lines.swap_dims(1, 2), extents[axis], kind);
        x = pooled.swap_dims(1, 2).into();
        sizes[axis] = extents[axis].output;
    }
    Ok(x)
}

fn plane_pool(x: Tensor<4>, extents: [Extent; 2], kind: PoolKind) -> Tensor<4> {
    let size = [x.dims()[2], x.dims()[3]];
    let kernel = extents.map(|extent| extent.kernel);
    let stride = extents.map(|extent| extent.stride);
    let padding = std::array::from_fn(|axis| padding(extents[axis], size[axis]));
    match kind {
        PoolKind::Max => max_pool2d(
            x,
            MaxPoolOptions::new(kernel)
                .with_stride(stride)
                .with_padding_pairs(padding)
                .with_dilation(extents.map(|extent| extent.dilation)),
        ),
        PoolKind::Average { .. } => avg_pool2d(
            x,
            AvgPoolOptions::new(kernel)
                .with_stride(stride)
                .with_padding_pairs(padding)
                .with_count_include_pad(true),
        ),
    }
}

fn line_pool(x: Tensor<3>, extent: Extent, kind: PoolKind) -> Tensor<3> {
    let padding = [padding(extent, x.dims()[2])];
    match kind {
        PoolKind::Max => max_pool1d(
            x,
            MaxPoolOptions::new([extent.kernel])
                .with_stride([extent.stride])
                .with_padding_pairs(padding)
                .with_dilation([extent.dilation]),
        ),
        PoolKind::Average { .. } if extent.dilation != 1 => {
            // burn has no dilated mean; a convolution of each line with equal weights is one.
            let [lines, channels, size] = x.dims();
            let weight = x
                .ones_like()
                .narrow(0, 0, 1)
                .narrow(1, 0, 1)
                .narrow(2, 0, 1);
            let weight = weight.expand([1, 1, extent.kernel]) / extent.kernel as f64;
            let options =
                ConvOptions::new_with_padding([extent.stride], padding, [extent.dilation], 1);
            let x = x.reshape([lines * channels, 1, size]);
            conv1d(x, weight, None, options).reshape([lines, channels, extent.output])
        }
        PoolKind::Average { .. } => avg_pool1d(
            x,
            AvgPoolOptions::new([extent.kernel])
                .with_stride([extent.stride])
                .with_padding_pairs(padding)
                .with_count_include_pad(true),
        ),
    }
}

/// Padding around `size` elements that makes exactly `extent.output` whole windows; ceil mode is
/// nothing but more padding at the end.
fn padding(extent: Extent, size: usize) -> (usize, usize) {
    let reach = (extent.kernel - 1) * extent.dilation + 1;
    let covered = (extent.output - 1) * extent.stride + reach;
    (extent.before, covered.saturating_sub(size + extent.before))
}
