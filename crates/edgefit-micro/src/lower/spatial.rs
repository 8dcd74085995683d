//! Pools, padding, concatenation, resampling.

use edgefit_graph::ops::{AxisWeights, Extent, Pool, PoolKind};

use super::view::{Builder, Made, View, channels_last};
use super::weighted::{Written, image, window};
use crate::fixed_point::Multiplier;
use crate::ops::{AveragePool, Concat, Image, MaxPool, Mean, Op, Pad, ResizeNearest};
use crate::program::Source;

/// A pool; a mean that counts padding reads it from a value that has it.
pub(super) fn pool(
    builder: &mut Builder,
    node: &str,
    view: &View,
    (pool, extents): (&Pool, &[Extent]),
    written: &Written,
) -> Result<View, String> {
    let order = channels_last(view.dims.len());
    let mut view = builder.arranged(node, view, &order)?;
    let counts_padding = pool.kind
        == PoolKind::Average {
            count_include_pad: true,
        };
    let mut extents = extents.to_vec();
    if counts_padding {
        let mut amounts = vec![(0, 0); view.dims.len()];
        for (axis, extent) in extents.iter_mut().enumerate() {
            if !pool.whole_windows {
                within_padding(extent, view.dims[axis + 2])?;
            }
            // So much that every window is whole.
            let reach = (extent.kernel - 1) * extent.dilation + 1;
            let end = (extent.output - 1) * extent.stride + reach;
            let after = end.saturating_sub(extent.before + view.dims[axis + 2]);
            amounts[axis + 2] = (extent.before, after);
            extent.before = 0;
        }
        view = pad(
            builder,
            node,
            &view,
            (&amounts, view.quantization.zero_point),
        )?;
    }
    let input = image(&view.dims)?;
    let output = image(&written.dims)?;
    let window = window(&extents)?;
    let op = match pool.kind {
        PoolKind::Max => Op::MaxPool(MaxPool {
            input,
            output,
            window,
        }),
        PoolKind::Average { .. } => Op::AveragePool(AveragePool {
            input,
            output,
            window,
        }),
    };
    let made = Made::of(output.dims(), view.quantization);
    let made = View {
        source: builder.apply(node, op, &view, made)?,
        quantization: view.quantization,
        dims: written.dims.clone(),
        order,
    };
    builder.requantized(node, &made, written.quantization)
}

/// Refuses a window over `size` elements that reaches past the padding, which is then no part of a mean.
pub(crate) fn within_padding(extent: &Extent, size: usize) -> Result<(), String> {
    let reach = (extent.kernel - 1) * extent.dilation + 1;
    let end = (extent.output - 1) * extent.stride + reach;
    if end <= extent.before + size + extent.after {
        return Ok(());
    }
    Err("its last window reaches past the padding (ceil_mode); export it without".into())
}

/// The mean of each channel over all positions.
pub(super) fn mean(
    builder: &mut Builder,
    node: &str,
    view: &View,
    axes: &[usize],
    written: &Written,
) -> Result<View, String> {
    let rank = view.dims.len();
    if rank < 3 || !axes.iter().copied().eq(2..rank) {
        return Err(
            "it is over other dimensions than all positions; write it as GlobalAveragePool".into(),
        );
    }
    let order = channels_last(rank);
    let view = builder.arranged(node, view, &order)?;
    let channels = view.dims[1];
    let positions = view.elements() / channels;
    if view.dims[0] != 1 {
        return Err("its value holds several samples; a program runs one at a time".into());
    }
    let (from, to) = (view.quantization, written.quantization);
    let factor = f64::from(from.scale) / f64::from(to.scale);
    if positions as f64 * 255.0 * factor.max(1.0) > f64::from(1 << 30) {
        return Err(format!(
            "its sum of {positions} positions, scaled by {factor}, leaves 32 bits; quantise it anew with \
             --scheme tflite"
        ));
    }
    let op = Op::Mean(Mean {
        positions,
        channels,
        input_zero_point: from.zero_point,
        output_zero_point: to.zero_point,
        multiplier: Multiplier::of(factor).over(positions as u32),
    });
    let mut made = View {
        source: view.source.clone(),
        quantization: to,
        order: channels_last(written.dims.len()),
        dims: written.dims.clone(),
    };
    made.source = builder.apply(node, op, &view, made.ty().into())?;
    Ok(made)
}

/// `view` with `fill` before and after each dimension of the model.
pub(super) fn pad(
    builder: &mut Builder,
    node: &str,
    view: &View,
    (amounts, fill): (&[(usize, usize)], i8),
) -> Result<View, String> {
    let rank = view.dims.len();
    let mut view = view.clone();
    if rank >= 3 {
        view = builder.arranged(node, &view, &channels_last(rank))?;
    }
    let sizes = view.dims.iter().zip(amounts);
    let dims: Vec<usize> = sizes
        .map(|(size, (before, after))| size + before + after)
        .collect();
    let in_memory =
        |of: &[usize]| -> Vec<usize> { view.order.iter().map(|&axis| of[axis]).collect() };
    let before: Vec<usize> = amounts.iter().map(|&(before, _)| before).collect();
    let [from, to, before] = [&view.dims, &dims, &before].map(|of| in_memory(of));
    // All that lies in front of the last three has to stay as it is.
    let split = rank.saturating_sub(3);
    if from[..split]
        .iter()
        .chain(&to[..split])
        .any(|&size| size != 1)
    {
        return Err("it pads more than one sample; there is a kernel for images".into());
    }
    let last = |of: &[usize], missing: usize| -> [usize; 3] {
        let mut last = [missing; 3];
        let of = &of[split..];
        last[3 - of.len()..].copy_from_slice(of);
        last
    };
    let image = |[height, width, channels]: [usize; 3]| Image {
        height,
        width,
        channels,
    };
    let op = Op::Pad(Pad {
        input: image(last(&from, 1)),
        output: image(last(&to, 1)),
        before: last(&before, 0),
        fill,
    });
    let made = Made::of(in_memory(&dims), view.quantization);
    Ok(View {
        source: builder.apply(node, op, &view, made)?,
        quantization: view.quantization,
        order: view.order,
        dims,
    })
}

/// `views` one behind the other along dimension `axis`.
pub(super) fn concat(
    builder: &mut Builder,
    node: &str,
    views: &[View],
    axis: usize,
    written: &Written,
) -> Result<View, String> {
    let is_computed = |view: &&View| matches!(view.source, Source::Value(_));
    let Some(first) = views.iter().find(is_computed) else {
        return Err("all of its inputs are constants; fold them".into());
    };
    let order = first.order.clone();
    let mut inputs: Vec<View> = Vec::new();
    let mut runs = Vec::new();
    let at = order.iter().position(|&other| other == axis);
    let at = at.ok_or("its dimension does not exist")?;
    for view in views {
        let view = builder.arranged(node, view, &order)?;
        let view = builder.requantized(node, &view, written.quantization)?;
        runs.push(view.memory_dims()[at..].iter().product());
        inputs.push(view);
    }
    let repeats = first.memory_dims()[..at].iter().product();
    let op = Op::Concat(Concat { repeats, runs });
    let mut made = View {
        quantization: written.quantization,
        dims: written.dims.clone(),
        ..first.clone()
    };
    let inputs: Vec<&View> = inputs.iter().collect();
    made.source = builder.push(node, op, &inputs, made.ty().into())?;
    Ok(made)
}

/// The nearest elements, by rows and columns.
pub(super) fn resize(
    builder: &mut Builder,
    node: &str,
    view: &View,
    weights: &[AxisWeights],
    written: &Written,
) -> Result<View, String> {
    let rank = view.dims.len();
    let order = channels_last(rank);
    let view = builder.arranged(node, view, &order)?;
    let input = image(&view.dims)?;
    let along = |axis: usize, size: usize| -> Result<Vec<u16>, String> {
        let found = weights
            .iter()
            .find(|weights| rank >= 3 && weights.axis == axis);
        let places: Vec<usize> = match found.and_then(|weights| weights.kernel.first()) {
            Some((places, _)) => places.clone(),
            None => (0..size).collect(),
        };
        let short = places.into_iter().map(u16::try_from);
        short
            .collect::<Result<_, _>>()
            .map_err(|_| "its image has more than 65536 rows or columns".into())
    };
    if weights.iter().any(|weights| weights.axis < 2) {
        return Err(
            "it resamples channels or samples; there is a kernel for rows and columns".into(),
        );
    }
    if weights
        .iter()
        .any(|weights| weights.outside.contains(&true))
    {
        return Err("it reads outside of the image (tf_crop_and_resize)".into());
    }
    let rows = match rank {
        3 => vec![0],
        _ => along(2, input.height)?,
    };
    let op = Op::ResizeNearest(ResizeNearest {
        input,
        rows,
        columns: along(rank - 1, input.width)?,
    });
    let output = image(&written.dims)?;
    let made = Made::of(output.dims(), view.quantization);
    let made = View {
        source: builder.apply(node, op, &view, made)?,
        quantization: view.quantization,
        dims: written.dims.clone(),
        order,
    };
    builder.requantized(node, &made, written.quantization)
}
