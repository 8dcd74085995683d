//! Convolutions and matrix products.

use edgefit_graph::ops::{Extent, Gemm};
use edgefit_graph::quantized::Scaling;
use edgefit_graph::{DataType, Tensor};

use super::view::{Builder, Made, View, channels_last};
use crate::fixed_point::Multiplier;
use crate::ops::{Conv, Depthwise, FullyConnected, Image, Layer, Op, Window};
use crate::program::Quantization;

/// Largest kernel, step, distance or padding.
const MOST_STEPS: usize = 1 << 15;

/// A constant of integers, or of floats where it has no scaling.
#[derive(Debug, Clone)]
pub(super) struct Constant<'g> {
    pub tensor: &'g Tensor,
    pub scaling: Option<Scaling>,
}

/// Weight and bias of a layer.
pub(super) struct Weights<'g> {
    pub weight: Constant<'g>,
    pub bias: Option<Constant<'g>>,
}

/// What a layer writes.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// Shape in the model.
    pub dims: Vec<usize>,
    /// What its integers stand for.
    pub quantization: Quantization,
    /// Smallest and largest integer.
    pub limits: [i8; 2],
}

/// The window that `extents` are, along one dimension or two.
pub(crate) fn window(extents: &[Extent]) -> Result<Window, String> {
    let along = |pick: fn(&Extent) -> usize, missing: usize| -> Result<[usize; 2], String> {
        let picked: Vec<usize> = extents.iter().map(pick).collect();
        match picked[..] {
            [along] if along <= MOST_STEPS => Ok([missing, along]),
            [height, width] if height.max(width) <= MOST_STEPS => Ok([height, width]),
            [_] | [_, _] => Err(format!("its window has steps above {MOST_STEPS}")),
            _ => Err(format!(
                "it goes over {} dimensions; there are kernels for one and two",
                picked.len()
            )),
        }
    };
    Ok(Window {
        kernel: along(|extent| extent.kernel, 1)?,
        stride: along(|extent| extent.stride, 1)?,
        dilation: along(|extent| extent.dilation, 1)?,
        before: along(|extent| extent.before, 0)?,
    })
}

/// The image of which `dims`, of the model, are batch, channels, and one or two more.
pub(crate) fn image(dims: &[usize]) -> Result<Image, String> {
    let (batch, channels, height, width) = match *dims {
        [batch, channels, width] => (batch, channels, 1, width),
        [batch, channels, height, width] => (batch, channels, height, width),
        _ => {
            return Err(format!(
                "a value of shape {dims:?} is no image; there are kernels for 3 and 4 dimensions"
            ));
        }
    };
    if batch != 1 {
        return Err(format!(
            "its value of shape {dims:?} holds {batch} samples; a program runs one at a time"
        ));
    }
    Ok(Image {
        height,
        width,
        channels,
    })
}

/// A convolution of `view` in `groups`.
pub(super) fn conv(
    builder: &mut Builder,
    node: &str,
    view: &View,
    (groups, extents, weights): (usize, &[Extent], &Weights),
    written: &Written,
) -> Result<View, String> {
    let order = channels_last(view.dims.len());
    let view = builder.arranged(node, view, &order)?;
    let (input, output) = (image(&view.dims)?, image(&written.dims)?);
    let window = window(extents)?;
    let integers = integers(&weights.weight)?;
    let inputs = input.channels / groups;
    let taps = window.kernel[0] * window.kernel[1];
    // From (out, in, tap).
    let from = |out: usize, of: usize, tap: usize| integers[(out * inputs + of) * taps + tap];
    let layer = layer(&view, weights, (&integers, 0), written)?;
    let is_depthwise = inputs == 1 && groups > 1;
    let op = if is_depthwise {
        let taps = 0..taps;
        let each = taps.flat_map(|tap| (0..output.channels).map(move |out| (out, tap)));
        Op::Depthwise(Depthwise {
            input,
            output,
            window,
            weights: each.map(|(out, tap)| from(out, 0, tap)).collect(),
            layer,
        })
    } else {
        let mut ordered = Vec::with_capacity(integers.len());
        for out in 0..output.channels {
            for tap in 0..taps {
                ordered.extend((0..inputs).map(|of| from(out, of, tap)));
            }
        }
        Op::Conv(Conv {
            input,
            output,
            window,
            groups,
            weights: ordered,
            layer,
        })
    };
    let made = Made {
        weight_scales: scales(&weights.weight, output.channels, 0)?,
        ..Made::of(output.dims(), written.quantization)
    };
    Ok(View {
        source: builder.apply(node, op, &view, made)?,
        quantization: written.quantization,
        dims: written.dims.clone(),
        order,
    })
}

/// A product with a matrix that is stored (out, in) where `gemm` says so, else (in, out).
pub(super) fn fully_connected(
    builder: &mut Builder,
    node: &str,
    view: &View,
    (gemm, weights): (Option<&Gemm>, &Weights),
    written: &Written,
) -> Result<View, String> {
    if gemm.is_some_and(|gemm| gemm.trans_a || gemm.alpha != 1.0 || gemm.beta != 1.0) {
        return Err(
            "it transposes its input or scales; write it as a plain Gemm (alpha 1, beta 1, transA 0)".into(),
        );
    }
    let &[rows, columns] = weights.weight.tensor.dims() else {
        return Err("its weight is no matrix".into());
    };
    let transposed = gemm.is_some_and(|gemm| gemm.trans_b);
    let (outputs, inputs) = if transposed {
        (rows, columns)
    } else {
        (columns, rows)
    };
    let in_order: Vec<usize> = (0..view.dims.len()).collect();
    let view = builder.arranged(node, view, &in_order)?;
    let mut integers = integers(&weights.weight)?;
    if !transposed {
        let stored = integers.clone();
        let each = (0..outputs).flat_map(|out| (0..inputs).map(move |of| of * outputs + out));
        integers = each.map(|at| stored[at]).collect();
    }
    let axis = usize::from(!transposed);
    let mut layer = layer(&view, weights, (&integers, axis), written)?;
    let weight_scales = scales(&weights.weight, outputs, axis)?;
    if let [first, rest @ ..] = weight_scales.as_slice()
        && rest.iter().all(|scale| scale == first)
    {
        // `GetQuantizedConvolutionMultipler` multiplies one scale in 32 bits.
        let unit = f64::from(view.quantization.scale * first);
        let factor = Multiplier::of(unit / f64::from(written.quantization.scale));
        layer.multipliers.fill(factor);
    }
    let op = Op::FullyConnected(FullyConnected {
        rows: view.elements() / inputs,
        inputs,
        outputs,
        weights: integers,
        layer,
    });
    let made = Made {
        weight_scales,
        ..Made::of(written.dims.clone(), written.quantization)
    };
    Ok(View {
        source: builder.apply(node, op, &view, made)?,
        quantization: written.quantization,
        order: (0..written.dims.len()).collect(),
        dims: written.dims.clone(),
    })
}

/// The weights as they are stored.
fn integers(weight: &Constant) -> Result<Vec<i8>, String> {
    let scaling = weight.scaling.as_ref();
    let is_symmetric = |scaling: &&Scaling| scaling.zero_points.iter().all(|&zero| zero == 0);
    if weight.tensor.dtype() != DataType::I8 || scaling.filter(is_symmetric).is_none() {
        return Err(
            "its weight is not of signed 8-bit integers with the zero point 0; quantise with --scheme tflite"
                .into(),
        );
    }
    let bytes = weight.tensor.bytes().iter();
    Ok(bytes.map(|&byte| byte as i8).collect())
}

/// How sums become bytes. The `integers` of the weight are in the order of its output channels; scales go
/// over dimension `axis` of the stored one.
fn layer(
    view: &View,
    Weights { weight, bias }: &Weights,
    (integers, axis): (&[i8], usize),
    written: &Written,
) -> Result<Layer, String> {
    let outputs = weight.tensor.dims()[axis];
    let scales = scales(weight, outputs, axis)?;
    let input = view.quantization;
    let unit = |channel: usize| f64::from(input.scale) * f64::from(scales[channel]);
    let bias = match bias {
        None => vec![0.0; outputs],
        Some(bias) => bias_in(bias, outputs, unit)?,
    };
    let fits = |(weights, bias): (&[i8], &f64)| {
        let weights = weights.iter().map(|&weight| f64::from(weight).abs());
        weights.sum::<f64>() * 255.0 + bias.abs() <= f64::from(i32::MAX)
    };
    let channels = integers.chunks_exact((integers.len() / outputs).max(1));
    if !channels.zip(&bias).all(fits) {
        return Err(
            "its sums of products and the bias can leave 32 bits; quantise it anew with edgefit quantize --scheme \
             tflite"
                .into(),
        );
    }
    let factor = |channel| unit(channel) / f64::from(written.quantization.scale);
    Ok(Layer {
        input_zero_point: input.zero_point,
        output_zero_point: written.quantization.zero_point,
        bias: bias.iter().map(|&value| value as i32).collect(),
        multipliers: (0..outputs).map(|at| Multiplier::of(factor(at))).collect(),
        limits: written.limits,
    })
}

/// One scale for each of `outputs` channels.
fn scales(weight: &Constant, outputs: usize, axis: usize) -> Result<Vec<f32>, String> {
    let scaling = weight.scaling.as_ref().ok_or("its weight has no scale")?;
    let is_axis = |given: i64| {
        let rank = weight.tensor.dims().len() as i64;
        given.rem_euclid(rank) == axis as i64
    };
    match (&scaling.scales[..], scaling.axis) {
        (&[scale], _) => Ok(vec![scale; outputs]),
        (scales, Some(given)) if scales.len() == outputs && is_axis(given) => Ok(scales.to_vec()),
        _ => Err("the scales of its weight do not go over its output channels".into()),
    }
}

/// The bias in the units of the products, which is what the quantiser stores.
fn bias_in(
    bias: &Constant,
    outputs: usize,
    unit: impl Fn(usize) -> f64,
) -> Result<Vec<f64>, String> {
    let unreadable = |_| "its bias cannot be read".to_owned();
    if bias.tensor.elements() != outputs {
        return Err(format!(
            "its bias is not one number for each of {outputs} channels"
        ));
    }
    let Some(scaling) = &bias.scaling else {
        let floats = bias.tensor.to_f32().map_err(unreadable)?;
        let each = floats.iter().enumerate();
        return Ok(each
            .map(|(channel, &value)| (f64::from(value) / unit(channel)).round())
            .collect());
    };
    let integers = bias.tensor.to_i64().map_err(unreadable)?;
    let pick = |at: usize, count: usize| if count == 1 { 0 } else { at };
    let made = integers.iter().enumerate().map(|(channel, &integer)| {
        let at = pick(channel, scaling.scales.len());
        let scale = f64::from(*scaling.scales.get(at)?);
        let above = integer as f64 - *scaling.zero_points.get(at)? as f64;
        let unit = unit(channel);
        // The product of two 32-bit scales, rounded, stands for itself.
        let same = (scale / unit - 1.0).abs() < 1e-5;
        Some(if same {
            above
        } else {
            (above * scale / unit).round()
        })
    });
    made.collect::<Option<_>>()
        .ok_or_else(|| "its bias has fewer scales than channels".into())
}
