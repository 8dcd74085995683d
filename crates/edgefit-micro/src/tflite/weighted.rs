//! Convolutions and matrix products.

use super::Refused;
use super::builder::Builder;
use super::padding::Limits;
use super::schema::{Activation, Builtin, Field, Options};
use super::tensor::{Scales, Tensor};
use super::windowed::windowed;
use super::words::int_words;
use crate::ops::{Conv, Depthwise, FullyConnected, Layer};
use crate::program::Step;

/// A convolution, in groups or not.
pub(super) fn conv(builder: &mut Builder, step: &Step, op: &Conv) -> Refused<()> {
    let [height, width] = op.window.kernel;
    let dims = [
        op.output.channels,
        height,
        width,
        op.input.channels / op.groups,
    ];
    let weights = (dims.as_slice(), op.weights.as_slice(), 0);
    let version = if op.groups == 1 { 3 } else { 6 };
    let zero_point = step.signature.inputs[0].quantization.zero_point;
    let windowed = windowed(builder, step, (op.input, op.output, &op.window), zero_point)?;
    let [dilation_width, dilation_height] = windowed.dilation;
    let constants = constants(builder, step, weights, &op.layer);
    let fields = |activation: Activation| {
        [
            windowed.padding,
            windowed.stride[0],
            windowed.stride[1],
            Field::Byte(activation as i8),
            dilation_width,
            dilation_height,
        ]
    };
    let options = |activation| Options::new(Options::CONV, &fields(activation));
    let inputs = [windowed.input, constants[0], constants[1]];
    let result = (op.output.dims(), op.layer.limits);
    finish(
        builder,
        step,
        ((Builtin::Conv2d, version), &inputs),
        result,
        options,
    );
    Ok(())
}

/// A convolution of each channel for itself.
pub(super) fn depthwise(builder: &mut Builder, step: &Step, op: &Depthwise) -> Refused<()> {
    let [height, width] = op.window.kernel;
    let dims = [1, height, width, op.output.channels];
    let weights = (dims.as_slice(), op.weights.as_slice(), 3);
    let zero_point = step.signature.inputs[0].quantization.zero_point;
    let windowed = windowed(builder, step, (op.input, op.output, &op.window), zero_point)?;
    let [dilation_width, dilation_height] = windowed.dilation;
    let copies = int_words(&[op.output.channels / op.input.channels])?[0];
    let constants = constants(builder, step, weights, &op.layer);
    let options = |activation: Activation| {
        let fields = [
            windowed.padding,
            windowed.stride[0],
            windowed.stride[1],
            Field::Int(copies),
            Field::Byte(activation as i8),
            dilation_width,
            dilation_height,
        ];
        Options::new(Options::DEPTHWISE, &fields)
    };
    let inputs = [windowed.input, constants[0], constants[1]];
    let result = (op.output.dims(), op.layer.limits);
    finish(
        builder,
        step,
        ((Builtin::DepthwiseConv2d, 3), &inputs),
        result,
        options,
    );
    Ok(())
}

/// Rows times a matrix.
pub(super) fn fully_connected(
    builder: &mut Builder,
    step: &Step,
    op: &FullyConnected,
) -> Refused<()> {
    let keeps = op.rows > 1;
    let input = if keeps {
        builder.read(step, 0, &[op.rows, op.inputs])?
    } else {
        builder.read_in_any_shape(step, 0)?
    };
    let dims = [op.outputs, op.inputs];
    let weights = (dims.as_slice(), op.weights.as_slice(), 0);
    let constants = constants(builder, step, weights, &op.layer);
    let version = if keeps { 5 } else { 4 };
    let options = |activation: Activation| {
        let fields = [
            Field::Byte(activation as i8),
            Field::Byte(0),
            Field::Bool(keeps),
        ];
        Options::new(Options::FULLY_CONNECTED, &fields)
    };
    let inputs = [input, constants[0], constants[1]];
    let result = (vec![op.rows, op.outputs], op.layer.limits);
    finish(
        builder,
        step,
        ((Builtin::FullyConnected, version), &inputs),
        result,
        options,
    );
    Ok(())
}

/// Weight, whose scales go over dimension `axis`, and bias.
fn constants(
    builder: &mut Builder,
    step: &Step,
    (dims, bytes, axis): (&[usize], &[i8], usize),
    layer: &Layer,
) -> [usize; 2] {
    let scales = &step.signature.weight_scales;
    let input = step.signature.inputs[0].quantization.scale;
    let products: Vec<f32> = scales.iter().map(|scale| scale * input).collect();
    let along = |axis: usize, scales: &[f32]| Scales::Along(axis, shared(scales));
    let name = &step.node;
    let weight = Tensor::bytes(format!("{name}_weight"), dims, bytes, along(axis, scales));
    let bias = Tensor::words(
        format!("{name}_bias"),
        &[layer.bias.len()],
        &layer.bias,
        along(0, &products),
    );
    [weight, bias].map(|tensor| builder.tensor(tensor))
}

/// One scale where all are the same.
fn shared(scales: &[f32]) -> Vec<f32> {
    match scales {
        [first, rest @ ..] if rest.iter().all(|scale| scale == first) => vec![*first],
        scales => scales.to_vec(),
    }
}

/// The operator, and behind it ops that keep its limits where it cannot.
pub(super) fn finish(
    builder: &mut Builder,
    step: &Step,
    (operator, inputs): ((Builtin, i32), &[usize]),
    (dims, limits): (Vec<usize>, [i8; 2]),
    options: impl Fn(Activation) -> Options,
) {
    let output = builder.written(step, &dims);
    match Limits::of(limits, step.signature.output.quantization) {
        Limits::Fused(activation) => {
            builder.push(operator, inputs, output, Some(options(activation)));
        }
        Limits::Behind(limits) => {
            let free = Tensor {
                name: format!("{}_free", step.node),
                ..builder.model.tensors[output].clone()
            };
            let free = builder.tensor(free);
            builder.push(operator, inputs, free, Some(options(Activation::None)));
            builder.limited(free, limits, output);
        }
    }
}
