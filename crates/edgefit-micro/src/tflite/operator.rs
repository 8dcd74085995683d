//! Steps as operators.

use edgefit_graph::ops::Unary;

use super::Refused;
use super::builder::Builder;
use super::padding::Padding;
use super::schema::{Activation, Builtin, ElementType, Field, Options};
use super::tensor::{Scales, Tensor};
use super::weighted::{self, finish};
use super::windowed::{pad, windowed};
use super::words::int_words;
use crate::ops::{Image, Op, ResizeNearest, Transpose, Window};
use crate::program::{Quantization, Step};

/// What an op is called where it is refused.
pub(super) fn name(op: &Op) -> &'static str {
    match op {
        Op::Conv(_) | Op::Depthwise(_) => "Conv",
        Op::FullyConnected(_) => "Gemm",
        Op::Add(_) => "Add",
        Op::Mul(_) => "Mul",
        Op::AveragePool(_) => "AveragePool",
        Op::MaxPool(_) => "MaxPool",
        Op::Mean(_) => "GlobalAveragePool",
        Op::Pad(_) => "Pad",
        Op::Concat(_) => "Concat",
        Op::Transpose(_) => "Transpose",
        Op::ResizeNearest(_) => "Resize",
        Op::Softmax(_) => "Softmax",
        Op::CopyRows(_) => "a part of an image",
        Op::Table(_) => "a function of one element",
    }
}

/// Adds the operators of one step.
pub(super) fn step(builder: &mut Builder, step: &Step) -> Refused<()> {
    match &step.op {
        Op::Conv(op) => weighted::conv(builder, step, op),
        Op::Depthwise(op) => weighted::depthwise(builder, step, op),
        Op::FullyConnected(op) => weighted::fully_connected(builder, step, op),
        Op::Add(op) => both(builder, step, (Builtin::Add, 2, Options::ADD), op.limits),
        Op::Mul(op) => {
            let [a, b] = [0, 1].map(|at| scale(step, at));
            let grows = a * b / step.signature.output.quantization.scale >= 1.0;
            let version = if grows { 3 } else { 2 };
            both(
                builder,
                step,
                (Builtin::Mul, version, Options::MUL),
                op.limits,
            )
        }
        Op::AveragePool(op) => {
            let padding = Padding::of(op.input, op.output, &op.window);
            if matches!(padding, Padding::Explicit(_)) {
                return Err(
                    "LiteRT shares the padding of a mean between both sides; pad in front of it, with \
                     count_include_pad, or drop the padding"
                        .into(),
                );
            }
            pool(
                builder,
                step,
                Builtin::AveragePool2d,
                (op.input, op.output, &op.window),
            )
        }
        Op::MaxPool(op) => pool(
            builder,
            step,
            Builtin::MaxPool2d,
            (op.input, op.output, &op.window),
        ),
        Op::Mean(_) => mean(builder, step),
        Op::Pad(op) => {
            let input = builder.read_plain(step, 0)?;
            let output = builder.written(step, &step.signature.output.dims);
            let from = &step.signature.inputs[0].dims;
            let before = [vec![0; from.len().saturating_sub(3)], op.before.to_vec()].concat();
            let before = &before[before.len() - from.len()..];
            let sizes = from.iter().zip(&step.signature.output.dims).zip(before);
            let amounts = sizes.map(|((from, to), &before)| [before, to - from - before]);
            let amounts: Vec<[usize; 2]> = amounts.collect();
            pad(builder, (input, output, &step.node), &amounts, op.fill)
        }
        Op::Concat(op) => concatenation(builder, step, op.repeats),
        Op::Transpose(op) => transposition(builder, step, op),
        Op::ResizeNearest(op) => resize(builder, step, op),
        Op::Softmax(_) => {
            let input = builder.read_plain(step, 0)?;
            let output = builder.written(step, &step.signature.output.dims);
            let options = Options::new(Options::SOFTMAX, &[Field::Float(1.0)]);
            builder.push((Builtin::Softmax, 2), &[input], output, Some(options));
            Ok(())
        }
        Op::CopyRows(_) => {
            Err("LiteRT runs images whole; export the program without patches".into())
        }
        Op::Table(table) => function(builder, step, table),
    }
}

fn scale(step: &Step, at: usize) -> f32 {
    let inputs = &step.signature.inputs;
    inputs.get(at).map_or(1.0, |ty| ty.quantization.scale)
}

/// A sum or product of two values.
fn both(
    builder: &mut Builder,
    step: &Step,
    (code, version, table): (Builtin, i32, u8),
    limits: [i8; 2],
) -> Refused<()> {
    let inputs = [builder.read_plain(step, 0)?, builder.read_plain(step, 1)?];
    let options = |activation: Activation| Options::new(table, &[Field::Byte(activation as i8)]);
    let result = (step.signature.output.dims.clone(), limits);
    finish(builder, step, ((code, version), &inputs), result, options);
    Ok(())
}

fn pool(
    builder: &mut Builder,
    step: &Step,
    code: Builtin,
    (input, output, window): (Image, Image, &Window),
) -> Refused<()> {
    if window.dilation != [1, 1] {
        return Err("LiteRT has no pools with dilation; write it without".into());
    }
    // What a maximum never takes.
    let windowed = windowed(builder, step, (input, output, window), i8::MIN)?;
    let kernel = int_words(&[window.kernel[1], window.kernel[0]])?;
    let fields = [
        windowed.padding,
        windowed.stride[0],
        windowed.stride[1],
        Field::Int(kernel[0]),
        Field::Int(kernel[1]),
        Field::Byte(Activation::None as i8),
    ];
    let to = builder.written(step, &output.dims());
    let options = Options::new(Options::POOL, &fields);
    builder.push((code, 2), &[windowed.input], to, Some(options));
    Ok(())
}

/// The mean over all dimensions between the first and the last.
fn mean(builder: &mut Builder, step: &Step) -> Refused<()> {
    let input = builder.read_plain(step, 0)?;
    let rank = step.signature.inputs[0].dims.len();
    let axes = int_words(&(1..rank.saturating_sub(1)).collect::<Vec<_>>())?;
    let axes = Tensor::words(
        format!("{}_axes", step.node),
        &[axes.len()],
        &axes,
        Scales::None,
    );
    let axes = builder.tensor(axes);
    let dims = &step.signature.output.dims;
    let output = builder.written(step, dims);
    let options = Options::new(Options::REDUCER, &[Field::Bool(dims.len() == rank)]);
    builder.push((Builtin::Mean, 2), &[input, axes], output, Some(options));
    Ok(())
}

fn concatenation(builder: &mut Builder, step: &Step, repeats: usize) -> Refused<()> {
    let mut inputs = Vec::new();
    for at in 0..step.inputs.len() {
        inputs.push(builder.read_plain(step, at)?);
    }
    let dims = &step.signature.output.dims;
    let joins = |&axis: &usize| {
        let of = |tensor: &usize| builder.model.tensors[*tensor].dims[axis];
        dims[..axis].iter().product::<usize>() == repeats
            && inputs.iter().map(of).sum::<usize>() == dims[axis]
    };
    let axis = (0..dims.len()).find(joins);
    let axis = int_words(&[axis.ok_or("its dimension is not one of its inputs")?])?[0];
    let output = builder.written(step, dims);
    let fields = [Field::Int(axis), Field::Byte(Activation::None as i8)];
    let options = Options::new(Options::CONCATENATION, &fields);
    builder.push((Builtin::Concatenation, 2), &inputs, output, Some(options));
    Ok(())
}

fn transposition(builder: &mut Builder, step: &Step, op: &Transpose) -> Refused<()> {
    // The dimensions as they lie in the input: those that are furthest apart first.
    let mut order: Vec<usize> = (0..4).collect();
    order.sort_by_key(|&axis| std::cmp::Reverse((op.strides[axis], op.dims[axis] == 1)));
    let from: Vec<usize> = order.iter().map(|&axis| op.dims[axis]).collect();
    let place = |axis: usize| order.iter().position(|&at| at == axis).unwrap_or(axis);
    let permutation = int_words(&(0..4).map(place).collect::<Vec<_>>())?;
    let input = builder.read(step, 0, &from)?;
    let permutation = Tensor::words(
        format!("{}_permutation", step.node),
        &[4],
        &permutation,
        Scales::None,
    );
    let permutation = builder.tensor(permutation);
    let output = builder.written(step, &op.dims);
    let options = Options::new(Options::TRANSPOSE, &[]);
    builder.push(
        (Builtin::Transpose, 2),
        &[input, permutation],
        output,
        Some(options),
    );
    Ok(())
}

/// The nearest elements, by an op that chooses the same ones.
fn resize(builder: &mut Builder, step: &Step, op: &ResizeNearest) -> Refused<()> {
    /// Whether corners meet, and whether positions are centres.
    const WAYS: [[bool; 2]; 3] = [[false, false], [false, true], [true, false]];
    let sizes = [(op.input.height, &op.rows), (op.input.width, &op.columns)];
    let is_it = |way: &&[bool; 2]| {
        sizes.iter().all(|(size, places)| {
            let each = places.iter().enumerate();
            each.into_iter()
                .all(|(at, &place)| nearest((at, places.len()), *size, **way) == usize::from(place))
        })
    };
    let [corners, centres] = *WAYS.iter().find(is_it).ok_or(
        "LiteRT rounds to other elements; export it with coordinate_transformation_mode asymmetric and nearest_mode floor",
    )?;
    let input = builder.read(step, 0, &op.input.dims())?;
    let words = int_words(&[op.rows.len(), op.columns.len()])?;
    let size = Tensor::words(format!("{}_size", step.node), &[2], &words, Scales::None);
    let size = builder.tensor(size);
    let dims = [1, op.rows.len(), op.columns.len(), op.input.channels];
    let output = builder.written(step, &dims);
    let fields = [Field::Bool(corners), Field::Bool(centres)];
    let version = if corners || centres { 3 } else { 2 };
    builder.push(
        (Builtin::ResizeNearestNeighbor, version),
        &[input, size],
        output,
        Some(Options::new(Options::RESIZE_NEAREST_NEIGHBOR, &fields)),
    );
    Ok(())
}

/// The element that `ResizeNearestNeighbor` takes.
pub(super) fn nearest(
    (at, positions): (usize, usize),
    size: usize,
    [corners, centres]: [bool; 2],
) -> usize {
    let scale = if corners && positions > 1 {
        (size - 1) as f32 / (positions - 1) as f32
    } else {
        size as f32 / positions as f32
    };
    let offset = if centres { 0.5 } else { 0.0 };
    let place = (at as f32 + offset) * scale;
    let place = if corners {
        place.round()
    } else {
        place.floor()
    };
    (place as usize).min(size - 1)
}

/// A function of one element: an op of that name where LiteRT's has the same scale, else its table.
fn function(builder: &mut Builder, step: &Step, table: &[i8]) -> Refused<()> {
    let dims = step.signature.output.dims.clone();
    let to = step.signature.output.quantization;
    let fixed = |scale: f32, zero_point: i8| to == Quantization { scale, zero_point };
    let known = match step.signature.functions.as_slice() {
        [] => Some((Builtin::Quantize, 2, Some(Options::QUANTIZE))),
        [Unary::Sigmoid] if fixed(1.0 / 256.0, -128) => Some((Builtin::Logistic, 2, None)),
        [Unary::Tanh] if fixed(1.0 / 128.0, 0) => Some((Builtin::Tanh, 2, None)),
        [Unary::HardSwish] => Some((Builtin::HardSwish, 1, Some(Options::HARD_SWISH))),
        [Unary::Relu] => Some((Builtin::Relu, 2, None)),
        [Unary::Clip { min: 0.0, max: 6.0 }] => Some((Builtin::Relu6, 2, None)),
        _ => None,
    };
    let input = builder.read(step, 0, &dims)?;
    if let Some((code, version, options)) = known {
        let output = builder.written(step, &dims);
        let options = options.map(|table| Options::new(table, &[]));
        builder.push((code, version), &[input], output, options);
        return Ok(());
    }
    let words = |name: &str| Tensor {
        name: format!("{}_{name}", step.node),
        dims: dims.clone(),
        element: ElementType::Int32,
        data: None,
        scales: Scales::None,
    };
    let [wide, place] = ["wide", "place"].map(|name| builder.tensor(words(name)));
    let first = Tensor::words(format!("{}_first", step.node), &[1], &[128], Scales::None);
    let entries = Tensor::bytes(
        format!("{}_table", step.node),
        &[256],
        table,
        Scales::One(to),
    );
    let [first, entries] = [first, entries].map(|tensor| builder.tensor(tensor));
    let output = builder.written(step, &dims);
    let cast = [
        Field::Byte(ElementType::Int8 as i8),
        Field::Byte(ElementType::Int32 as i8),
    ];
    let cast = Options::new(Options::CAST, &cast);
    builder.push((Builtin::Cast, 1), &[input], wide, Some(cast));
    let sum = Options::new(Options::ADD, &[Field::Byte(Activation::None as i8)]);
    builder.push((Builtin::Add, 1), &[wide, first], place, Some(sum));
    let gather = Options::new(Options::GATHER, &[Field::Int(0), Field::Int(0)]);
    builder.push(
        (Builtin::Gather, 2),
        &[entries, place],
        output,
        Some(gather),
    );
    Ok(())
}
