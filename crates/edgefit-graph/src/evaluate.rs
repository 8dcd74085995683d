//! Ops computed here, on tensors that are known: shape arithmetic, masks, indices.
//!
//! This folds what depends on nothing but shapes, and it is what an executor for floats calls for
//! integers and booleans. Floats are computed in f64 and rounded to the result's type.

use std::cmp::Ordering;

use crate::infer::TensorType;
use crate::ops::{Binary, Op, PadFill, Pool, PoolKind, ReduceKind, Unary, Variadic};
use crate::tensor::{DataType, Tensor};

/// Most elements that are computed here, those of dimensions beside an empty one included.
const MOST: usize = 1 << 26;

/// Most elements that a maximum of windows looks at.
const MOST_TAPS: usize = 1 << 22;

/// The outputs of `op`, of the types `outputs`, for its inputs; absent optional ones are `None`.
///
/// `None` for an op that is not computed here, and for a result that does not exist, such as a
/// division by zero or an index outside of the tensor.
pub fn evaluate(
    op: &Op,
    inputs: &[Option<&Tensor>],
    outputs: &[TensorType],
) -> Option<Vec<Tensor>> {
    let ty = outputs.first()?;
    let width = |ty: &TensorType| {
        ty.dims
            .iter()
            .fold(1usize, |width, &size| width.saturating_mul(size.max(1)))
    };
    if outputs.iter().any(|ty| width(ty) > MOST) {
        return None;
    }
    let input = |index: usize| inputs.get(index).copied().flatten();
    let x = input(0);
    let one = match op {
        Op::Constant(tensor) => tensor.clone(),
        Op::ConstantOfShape(made) => take(&made.value, vec![0; ty.elements()], ty)?,
        Op::Range(range) => {
            let at = |index: usize| range.start + range.delta * index as f64;
            Numbers::Floats((0..range.count).map(at).collect()).into_tensor(ty)?
        }
        Op::Cast(_) => Numbers::of(x?)?.into_tensor(ty)?,
        Op::Unary(Unary::Identity)
        | Op::Reshape(_)
        | Op::Flatten(_)
        | Op::Squeeze(_)
        | Op::Unsqueeze(_) => x?.reshaped(&ty.dims)?,
        Op::Unary(unary) => Numbers::of(x?)?.map(*unary)?.into_tensor(ty)?,
        Op::Binary(binary) => {
            let [a, b] = operands([x?, input(1)?], ty)?;
            binary_numbers(*binary, a, b)?.into_tensor(ty)?
        }
        Op::Variadic(variadic) => {
            let each = inputs
                .iter()
                .map(|input| Some(operands([(*input)?], ty)?[0].clone()));
            let each: Vec<Numbers> = each.collect::<Option<_>>()?;
            let binary = |a, b| match variadic {
                Variadic::Max => zip(a, b, i64::max, f64::max),
                Variadic::Min => zip(a, b, i64::min, f64::min),
                Variadic::Sum => zip(a, b, i64::wrapping_add, |a, b| a + b),
                Variadic::Mean => None,
            };
            each.into_iter()
                .map(Some)
                .reduce(|a, b| binary(a?, b?))??
                .into_tensor(ty)?
        }
        Op::Where => {
            let [condition, a, b] = operands([x?, input(1)?, input(2)?], ty)?;
            let Numbers::Ints(condition) = condition else {
                return None;
            };
            let mut condition = condition.into_iter();
            let mut choose = move || condition.next().is_some_and(|value| value != 0);
            match (a, b) {
                (Numbers::Ints(a), Numbers::Ints(b)) => {
                    let pairs = a.into_iter().zip(b);
                    Numbers::Ints(pairs.map(|(a, b)| if choose() { a } else { b }).collect())
                }
                (a, b) => {
                    let pairs = a.floats().into_iter().zip(b.floats());
                    Numbers::Floats(pairs.map(|(a, b)| if choose() { a } else { b }).collect())
                }
            }
            .into_tensor(ty)?
        }
        Op::Reduce(reduce) => reduced(reduce.kind, x?, &reduce.axes(x?.dims().len()).ok()?, ty)?,
        Op::ArgReduce(arg) => {
            let axis = arg.axis(x?.dims().len()).ok()?;
            let order = |a: f64, b: f64| if arg.smallest { b > a } else { a > b };
            along(x?, axis, ty, |line| {
                let better = |best: usize, index: usize| {
                    let equal = arg.last && line[index] == line[best];
                    if order(line[index], line[best]) || equal {
                        index
                    } else {
                        best
                    }
                };
                vec![(0..line.len()).fold(0, better) as f64]
            })?
        }
        Op::TopK(top) => {
            let axis = top.axis(x?.dims().len()).ok()?;
            let ranked = |line: &[f64]| {
                let mut order: Vec<usize> = (0..line.len()).collect();
                order.sort_by(|&a, &b| {
                    // NaN is above every number.
                    let nan = || line[a].is_nan().cmp(&line[b].is_nan());
                    let ascending = line[a].partial_cmp(&line[b]).unwrap_or_else(nan);
                    if top.largest {
                        ascending.reverse()
                    } else {
                        ascending
                    }
                });
                order.truncate(top.k);
                order
            };
            let values = along(x?, axis, ty, |line| {
                ranked(line).into_iter().map(|index| line[index]).collect()
            })?;
            let indices = along(x?, axis, outputs.get(1)?, |line| {
                ranked(line).into_iter().map(|index| index as f64).collect()
            })?;
            return Some(vec![values, indices]);
        }
        Op::Pool(pool) if pool.kind == PoolKind::Max => return max_pool(pool, x?, outputs),
        Op::CumSum(sum) => {
            let axis = sum.axis(x?.dims().len()).ok()?;
            along(x?, axis, ty, |line| {
                let mut line = line.to_vec();
                if sum.reverse {
                    line.reverse();
                }
                let mut running = 0.0;
                for value in &mut line {
                    let before = running;
                    running += *value;
                    *value = if sum.exclusive { before } else { running };
                }
                if sum.reverse {
                    line.reverse();
                }
                line
            })?
        }
        Op::Transpose(transpose) => {
            let x = x?;
            let permutation = transpose.permutation(x.dims().len()).ok()?;
            let strides = strides(x.dims());
            let steps: Vec<usize> = permutation.iter().map(|&axis| strides[axis]).collect();
            take(x, offsets(&ty.dims, &steps, 0), ty)?
        }
        Op::Expand(_) => take(x?, spread(x?.dims(), &ty.dims), ty)?,
        Op::Tile(_) => {
            let (dims, strides) = (x?.dims(), strides(x?.dims()));
            let lines: Vec<Vec<usize>> = (0..dims.len())
                .map(|axis| {
                    (0..ty.dims[axis])
                        .map(|at| at % dims[axis] * strides[axis])
                        .collect()
                })
                .collect();
            take(x?, sums(&lines), ty)?
        }
        Op::Slice(slice) => {
            let strides = strides(x?.dims());
            let picked = slice.picked(x?.dims()).ok()?.into_iter().zip(strides);
            let lines: Vec<Vec<usize>> = picked
                .map(|(picked, stride)| picked.indices().map(|at| at * stride).collect())
                .collect();
            take(x?, sums(&lines), ty)?
        }
        Op::Gather(gather) => {
            let dims = x?.dims();
            let axis = gather.axis(dims.len()).ok()?;
            let inner: usize = dims[axis + 1..].iter().product();
            let chosen = positions(input(1)?, dims[axis])?;
            let lines = [
                (0..dims[..axis].iter().product())
                    .map(|at| at * dims[axis] * inner)
                    .collect(),
                chosen.into_iter().map(|at| at * inner).collect(),
                (0..inner).collect::<Vec<usize>>(),
            ];
            take(x?, sums(&lines), ty)?
        }
        Op::GatherNd(_) => {
            let (rows, width) = rows(x?.dims(), input(1)?)?;
            take(x?, blocks(&rows, width), ty)?
        }
        Op::ScatterNd(_) => {
            let (x, updates) = (x?, input(2)?);
            let (rows, width) = rows(x.dims(), input(1)?)?;
            let width = width * x.dtype().size();
            let mut bytes = x.bytes().to_vec();
            for (update, row) in rows.into_iter().enumerate() {
                let new = updates.bytes().get(update * width..)?.get(..width)?;
                bytes
                    .get_mut(row * width..)?
                    .get_mut(..width)?
                    .copy_from_slice(new);
            }
            Tensor::new(ty.dtype, ty.dims.clone(), bytes.into()).ok()?
        }
        Op::Pad(pad) if !matches!(pad.fill, PadFill::Constant(_)) => {
            let (dims, strides) = (x?.dims(), strides(x?.dims()));
            let amounts = pad.amounts(dims.len()).ok()?.into_iter().enumerate();
            let lines = amounts
                .map(|(axis, (before, after))| {
                    let places = -before..dims[axis] as i64 + after;
                    let source = |at| Some(pad.source(at, dims[axis])? * strides[axis]);
                    places.map(source).collect()
                })
                .collect::<Option<Vec<Vec<usize>>>>()?;
            take(x?, sums(&lines), ty)?
        }
        Op::Concat(concat) => {
            let parts: Vec<&Tensor> = inputs.iter().copied().collect::<Option<_>>()?;
            let axis = concat.axis(ty.dims.len()).ok()?;
            let outer: usize = ty.dims[..axis].iter().product();
            let mut bytes = Vec::with_capacity(ty.bytes());
            for index in 0..outer {
                for part in &parts {
                    let length = part.bytes().len() / outer;
                    bytes.extend_from_slice(&part.bytes()[index * length..][..length]);
                }
            }
            Tensor::new(ty.dtype, ty.dims.clone(), bytes.into()).ok()?
        }
        Op::Split(split) => {
            let x = x?;
            let (axis, sizes) = split.pieces(x.dims()).ok()?;
            let strides = strides(x.dims());
            let mut start = 0;
            return sizes
                .into_iter()
                .zip(outputs)
                .map(|(size, ty)| {
                    let from = start * strides[axis];
                    start += size;
                    take(x, offsets(&ty.dims, &strides, from), ty)
                })
                .collect();
        }
        _ => return None,
    };
    Some(vec![one])
}

/// Indices that may be negative as positions in a dimension of `size` elements; `None` if one
/// lies outside.
pub fn positions(indices: &Tensor, size: usize) -> Option<Vec<usize>> {
    let indices = indices.to_i64().ok()?.into_iter();
    indices.map(|index| position(index, size)).collect()
}

fn position(index: i64, size: usize) -> Option<usize> {
    let index = if index < 0 {
        index.checked_add(size as i64)?
    } else {
        index
    };
    usize::try_from(index).ok().filter(|&index| index < size)
}

/// The places that the rows of `indices` name in a tensor of shape `dims`, as numbers of blocks,
/// and the number of elements of a block; `None` if one lies outside.
pub fn rows(dims: &[usize], indices: &Tensor) -> Option<(Vec<usize>, usize)> {
    let &depth = indices.dims().last()?;
    let (named, block) = dims.split_at_checked(depth)?;
    let strides = strides(named);
    let values = indices.to_i64().ok()?;
    let place = |row: &[i64]| {
        row.iter().enumerate().try_fold(0, |place, (axis, &index)| {
            Some(place + position(index, named[axis])? * strides[axis])
        })
    };
    let rows = match depth {
        0 => None,
        depth => values.chunks(depth).map(place).collect::<Option<_>>(),
    };
    Some((rows?, block.iter().product()))
}

/// The elements of the blocks `rows` of `width` elements each.
fn blocks(rows: &[usize], width: usize) -> Vec<usize> {
    rows.iter()
        .flat_map(|row| row * width..(row + 1) * width)
        .collect()
}

/// Elements as numbers; booleans are 0 and 1.
#[derive(Debug, Clone)]
enum Numbers {
    Ints(Vec<i64>),
    Floats(Vec<f64>),
}

impl Numbers {
    fn of(tensor: &Tensor) -> Option<Self> {
        match tensor.dtype() {
            DataType::F64 => Some(Numbers::Floats(tensor.to_f64().ok()?)),
            float if float.is_float() => {
                let values = tensor.to_f32().ok()?;
                Some(Numbers::Floats(values.into_iter().map(f64::from).collect()))
            }
            _ => Some(Numbers::Ints(tensor.to_i64().ok()?)),
        }
    }

    fn floats(self) -> Vec<f64> {
        match self {
            Numbers::Ints(values) => values.into_iter().map(|value| value as f64).collect(),
            Numbers::Floats(values) => values,
        }
    }

    /// As a tensor of type `ty`; floats are cut off towards zero if it is one of integers.
    fn into_tensor(self, ty: &TensorType) -> Option<Tensor> {
        match (self, ty.dtype) {
            (Numbers::Ints(values), DataType::Bool) => {
                let values: Vec<i64> = values
                    .into_iter()
                    .map(|value| (value != 0).into())
                    .collect();
                Tensor::from_i64(ty.dtype, ty.dims.clone(), &values)
            }
            (Numbers::Floats(values), DataType::Bool) => {
                let values: Vec<i64> = values.into_iter().map(|v| (v != 0.0).into()).collect();
                Tensor::from_i64(ty.dtype, ty.dims.clone(), &values)
            }
            (numbers, dtype) if dtype.is_float() => {
                Tensor::from_f64(dtype, ty.dims.clone(), &numbers.floats())
            }
            (Numbers::Ints(values), dtype) => Tensor::from_i64(dtype, ty.dims.clone(), &values),
            (Numbers::Floats(values), dtype) => {
                let values: Vec<i64> = values.into_iter().map(|value| value as i64).collect();
                Tensor::from_i64(dtype, ty.dims.clone(), &values)
            }
        }
    }

    fn map(self, op: Unary) -> Option<Self> {
        match self {
            Numbers::Ints(values) => {
                let apply: Box<dyn Fn(i64) -> i64> = match op {
                    Unary::Neg => Box::new(i64::wrapping_neg),
                    Unary::Abs => Box::new(i64::wrapping_abs),
                    Unary::Sign => Box::new(i64::signum),
                    Unary::Relu => Box::new(|value| value.max(0)),
                    Unary::Not => Box::new(|value| (value == 0).into()),
                    Unary::Clip { min, max } => {
                        Box::new(move |value| value.max(min as i64).min(max as i64))
                    }
                    _ => return None,
                };
                Some(Numbers::Ints(values.into_iter().map(apply).collect()))
            }
            Numbers::Floats(values) => {
                let apply: Box<dyn Fn(f64) -> f64> = match op {
                    Unary::Neg => Box::new(|value| -value),
                    Unary::Abs => Box::new(f64::abs),
                    Unary::Sign => {
                        Box::new(|value| if value == 0.0 { value } else { value.signum() })
                    }
                    Unary::Relu => Box::new(|value| value.max(0.0)),
                    Unary::Clip { min, max } => Box::new(move |value| value.max(min).min(max)),
                    Unary::Sqrt => Box::new(f64::sqrt),
                    Unary::Exp => Box::new(f64::exp),
                    Unary::Log => Box::new(f64::ln),
                    Unary::Reciprocal => Box::new(f64::recip),
                    Unary::Sin => Box::new(f64::sin),
                    Unary::Cos => Box::new(f64::cos),
                    Unary::Tanh => Box::new(f64::tanh),
                    Unary::Ceil => Box::new(f64::ceil),
                    Unary::Floor => Box::new(f64::floor),
                    Unary::Round => Box::new(f64::round_ties_even),
                    _ => return None,
                };
                Some(Numbers::Floats(values.into_iter().map(apply).collect()))
            }
        }
    }
}

/// The tensors broadcast to the shape of `ty`.
fn operands<const N: usize>(tensors: [&Tensor; N], ty: &TensorType) -> Option<[Numbers; N]> {
    let mut spread_out = tensors.iter().map(|tensor| {
        let sources = spread(tensor.dims(), &ty.dims);
        Some(match Numbers::of(tensor)? {
            Numbers::Ints(values) => {
                Numbers::Ints(sources.into_iter().map(|at| values[at]).collect())
            }
            Numbers::Floats(values) => {
                Numbers::Floats(sources.into_iter().map(|at| values[at]).collect())
            }
        })
    });
    let all: Option<Vec<Numbers>> = spread_out.by_ref().collect();
    all?.try_into().ok()
}

fn zip(
    a: Numbers,
    b: Numbers,
    ints: impl Fn(i64, i64) -> i64,
    floats: impl Fn(f64, f64) -> f64,
) -> Option<Numbers> {
    Some(match (a, b) {
        (Numbers::Ints(a), Numbers::Ints(b)) => {
            Numbers::Ints(a.into_iter().zip(b).map(|(a, b)| ints(a, b)).collect())
        }
        (a, b) => {
            let pairs = a.floats().into_iter().zip(b.floats());
            Numbers::Floats(pairs.map(|(a, b)| floats(a, b)).collect())
        }
    })
}

fn binary_numbers(op: Binary, a: Numbers, b: Numbers) -> Option<Numbers> {
    let compare = |a: Numbers, b: Numbers, holds: fn(Ordering) -> bool| {
        zip(
            a,
            b,
            |a, b| holds(a.cmp(&b)).into(),
            |a, b| f64::from(u8::from(a.partial_cmp(&b).is_some_and(holds))),
        )
    };
    let no_zero = |numbers: &Numbers| match numbers {
        Numbers::Ints(values) => !values.contains(&0),
        Numbers::Floats(_) => true,
    };
    match op {
        Binary::Add => zip(a, b, i64::wrapping_add, |a, b| a + b),
        Binary::Sub => zip(a, b, i64::wrapping_sub, |a, b| a - b),
        Binary::Mul => zip(a, b, i64::wrapping_mul, |a, b| a * b),
        Binary::Div if no_zero(&b) => zip(a, b, i64::wrapping_div, |a, b| a / b),
        Binary::Mod { fmod: true } if no_zero(&b) => zip(a, b, i64::wrapping_rem, |a, b| a % b),
        Binary::Mod { fmod: false } if no_zero(&b) => zip(
            a,
            b,
            |a, b| match a.wrapping_rem(b) {
                rest if rest != 0 && (rest < 0) != (b < 0) => rest.wrapping_add(b),
                rest => rest,
            },
            |a, b| a - b * (a / b).floor(),
        ),
        Binary::Pow => zip(
            a,
            b,
            |a, b| match u32::try_from(b) {
                Ok(exponent) => a.wrapping_pow(exponent),
                Err(_) => (a as f64).powf(b as f64) as i64,
            },
            f64::powf,
        ),
        Binary::Equal => compare(a, b, Ordering::is_eq),
        Binary::Less => compare(a, b, Ordering::is_lt),
        Binary::LessOrEqual => compare(a, b, Ordering::is_le),
        Binary::Greater => compare(a, b, Ordering::is_gt),
        Binary::GreaterOrEqual => compare(a, b, Ordering::is_ge),
        Binary::And => zip(a, b, |a, b| a & b, |_, _| f64::NAN),
        Binary::Or => zip(a, b, |a, b| a | b, |_, _| f64::NAN),
        Binary::Xor => zip(a, b, |a, b| a ^ b, |_, _| f64::NAN),
        Binary::Div | Binary::Mod { .. } | Binary::PRelu => None,
    }
}

fn reduced(kind: ReduceKind, x: &Tensor, axes: &[usize], ty: &TensorType) -> Option<Tensor> {
    let mut kept = x.dims().to_vec();
    axes.iter().for_each(|&axis| kept[axis] = 1);
    // Where each element of x goes: the offset of its place with the reduced dimensions held.
    let mut steps = strides(&kept);
    axes.iter().for_each(|&axis| steps[axis] = 0);
    let goals = offsets(x.dims(), &steps, 0);
    let floats = x.dtype().is_float();
    let values = Numbers::of(x)?.floats();
    let start = match kind {
        ReduceKind::Sum | ReduceKind::Mean => 0.0,
        ReduceKind::Prod => 1.0,
        ReduceKind::Max => f64::NEG_INFINITY,
        ReduceKind::Min => f64::INFINITY,
        _ => return None,
    };
    // Sums of integers beyond 2⁵³ would not be exact.
    if !floats && values.iter().any(|value| value.abs() > 1e12) {
        return None;
    }
    let mut results = vec![start; ty.elements()];
    let count = values.len() as f64 / results.len().max(1) as f64;
    for (value, goal) in values.into_iter().zip(goals) {
        let result = &mut results[goal];
        *result = match kind {
            ReduceKind::Prod => *result * value,
            ReduceKind::Max => result.max(value),
            ReduceKind::Min => result.min(value),
            _ => *result + value,
        };
    }
    if kind == ReduceKind::Mean {
        results.iter_mut().for_each(|result| *result /= count);
    }
    Numbers::Floats(results).into_tensor(ty)
}

/// Applies `f` to each line of `x` along `axis`; the lines it returns make the result.
fn along(
    x: &Tensor,
    axis: usize,
    ty: &TensorType,
    f: impl Fn(&[f64]) -> Vec<f64>,
) -> Option<Tensor> {
    let values = Numbers::of(x)?.floats();
    let dims = x.dims();
    let (outer, size) = (dims[..axis].iter().product::<usize>(), dims[axis]);
    let inner: usize = dims[axis + 1..].iter().product();
    let mut results = vec![0.0; ty.elements()];
    let length = results.len() / (outer * inner).max(1);
    for first in 0..outer {
        for last in 0..inner {
            let line: Vec<f64> = (0..size)
                .map(|at| values[(first * size + at) * inner + last])
                .collect();
            for (at, value) in f(&line).into_iter().enumerate().take(length) {
                results[(first * length + at) * inner + last] = value;
            }
        }
    }
    Numbers::Floats(results).into_tensor(ty)
}

/// The maxima of windows, and on request where they are, counted through the whole tensor.
fn max_pool(pool: &Pool, x: &Tensor, outputs: &[TensorType]) -> Option<Vec<Tensor>> {
    let (dims, values) = (x.dims(), Numbers::of(x)?.floats());
    let extents = pool.extents(dims).ok()?;
    let spatial = &dims[2..];
    let plane: usize = spatial.iter().product();
    let taps = extents
        .iter()
        .fold(outputs.first()?.elements(), |taps, extent| {
            taps.saturating_mul(extent.kernel)
        });
    if plane == 0 || taps > MOST_TAPS {
        return None;
    }
    let row_major = strides(spatial);
    let mut counted = row_major.clone();
    if pool.column_major {
        counted = spatial.iter().rev().copied().collect();
        counted = strides(&counted).into_iter().rev().collect();
    }
    // For each position of the window, the elements that lie in it and not in the padding.
    let windows: Vec<(Vec<usize>, Vec<usize>)> = {
        let lines: Vec<Vec<usize>> = extents.iter().map(|e| (0..e.output).collect()).collect();
        let taps: Vec<Vec<usize>> = extents.iter().map(|e| (0..e.kernel).collect()).collect();
        let within = |position: &[usize], tap: &[usize]| -> Option<(usize, usize)> {
            let mut place = (0, 0);
            for (axis, extent) in extents.iter().enumerate() {
                let at = position[axis] * extent.stride + tap[axis] * extent.dilation;
                let at = at
                    .checked_sub(extent.before)
                    .filter(|&at| at < spatial[axis])?;
                place = (place.0 + at * row_major[axis], place.1 + at * counted[axis]);
            }
            Some(place)
        };
        let taps = product(&taps);
        let positions = product(&lines).into_iter();
        positions
            .map(|position| taps.iter().filter_map(|tap| within(&position, tap)).unzip())
            .collect()
    };
    let (mut maxima, mut places) = (Vec::new(), Vec::new());
    for (number, values) in values.chunks(plane).enumerate() {
        for (sources, counts) in &windows {
            let larger = |best: usize, tap: usize| {
                if values[sources[tap]] > values[sources[best]] {
                    tap
                } else {
                    best
                }
            };
            let best = (1..sources.len()).fold(0, larger);
            maxima.push(values[*sources.get(best)?]);
            places.push((number * plane + counts[best]) as f64);
        }
    }
    let mut made = vec![Numbers::Floats(maxima).into_tensor(outputs.first()?)?];
    if let Some(ty) = outputs.get(1) {
        made.push(Numbers::Floats(places).into_tensor(ty)?);
    }
    Some(made)
}

/// All combinations of one entry of each line, the last line running fastest.
fn product(lines: &[Vec<usize>]) -> Vec<Vec<usize>> {
    lines.iter().fold(vec![Vec::new()], |all, line| {
        let longer = |start: &Vec<usize>, entry: &usize| {
            let mut longer = start.clone();
            longer.push(*entry);
            longer
        };
        all.iter()
            .flat_map(|start| line.iter().map(move |entry| longer(start, entry)))
            .collect()
    })
}

/// Distance of neighbours along each dimension.
fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis];
    }
    strides
}

/// For each element of a tensor of shape `dims`, `start` and its coordinates times `steps`.
fn offsets(dims: &[usize], steps: &[usize], start: usize) -> Vec<usize> {
    let lines: Vec<Vec<usize>> = dims
        .iter()
        .zip(steps)
        .map(|(&size, &step)| (0..size).map(|at| at * step).collect())
        .collect();
    let mut offsets = sums(&lines);
    offsets.iter_mut().for_each(|offset| *offset += start);
    offsets
}

/// Sums of one entry of each line, the last line running fastest.
fn sums(lines: &[Vec<usize>]) -> Vec<usize> {
    lines.iter().fold(vec![0], |sums, line| {
        sums.iter()
            .flat_map(|sum| line.iter().map(move |entry| sum + entry))
            .collect()
    })
}

/// For each element of a tensor of shape `to`, the element that a tensor of shape `from` has there
/// when it is broadcast.
fn spread(from: &[usize], to: &[usize]) -> Vec<usize> {
    let missing = to.len().saturating_sub(from.len());
    let own = strides(from);
    let steps: Vec<usize> = (0..to.len())
        .map(|axis| match axis.checked_sub(missing) {
            Some(axis) if from[axis] != 1 => own[axis],
            _ => 0,
        })
        .collect();
    offsets(to, &steps, 0)
}

/// The elements of `x` at `sources`, as a tensor of type `ty`.
fn take(x: &Tensor, sources: Vec<usize>, ty: &TensorType) -> Option<Tensor> {
    let size = x.dtype().size();
    let bytes: Vec<u8> = sources
        .into_iter()
        .flat_map(|at| &x.bytes()[at * size..][..size])
        .copied()
        .collect();
    Tensor::new(x.dtype(), ty.dims.clone(), bytes.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Attribute;
    use crate::graph::{Graph, Node};
    use crate::ops::OpReader;

    /// What `node` makes of `inputs`, which are also known to it by name.
    fn run(node: Node, inputs: &[Tensor]) -> Vec<Tensor> {
        let mut graph = Graph::new("g", 17);
        for (name, tensor) in node.inputs.iter().zip(inputs) {
            graph.initializers.insert(name.clone(), tensor.clone());
        }
        let op = OpReader::new(&graph).read(&node).unwrap();
        let types: Vec<TensorType> = inputs.iter().map(TensorType::of).collect();
        let types: Vec<Option<&TensorType>> = types.iter().map(Some).collect();
        let outputs = op.infer(&types, node.outputs.len()).unwrap();
        let inputs: Vec<Option<&Tensor>> = inputs.iter().map(Some).collect();
        evaluate(&op, &inputs, &outputs).unwrap()
    }

    fn ints(dims: &[usize], values: &[i64]) -> Tensor {
        Tensor::from_values(dims.to_vec(), values)
    }

    #[test]
    fn shape_arithmetic() {
        let shape = ints(&[4], &[2, 3, 4, 5]);
        let second = run(
            Node::new("Gather", "", &["s", "i"], &["y"]),
            &[shape.clone(), ints(&[], &[-3])],
        );
        assert_eq!(second, [ints(&[], &[3])]);
        let tail = run(
            Node::new("Slice", "", &["s", "a", "b"], &["y"]),
            &[shape.clone(), ints(&[1], &[1]), ints(&[1], &[i64::MAX])],
        );
        assert_eq!(tail, [ints(&[3], &[3, 4, 5])]);
        let product = run(
            Node::new("ReduceProd", "", &["s"], &["y"]).with("keepdims", Attribute::Int(0)),
            std::slice::from_ref(&shape),
        );
        assert_eq!(product, [ints(&[], &[120])]);
        let joined = run(
            Node::new("Concat", "", &["a", "b"], &["y"]).with("axis", Attribute::Int(1)),
            &[ints(&[2, 1], &[1, 2]), ints(&[2, 2], &[3, 4, 5, 6])],
        );
        assert_eq!(joined, [ints(&[2, 3], &[1, 3, 4, 2, 5, 6])]);
    }

    #[test]
    fn integers_divide_towards_zero_and_mod_takes_the_divisors_sign() {
        let (a, b) = (ints(&[3], &[-7, 7, -7]), ints(&[3], &[2, -2, -2]));
        let divided = run(
            Node::new("Div", "", &["a", "b"], &["y"]),
            &[a.clone(), b.clone()],
        );
        assert_eq!(divided, [ints(&[3], &[-3, -3, 3])]);
        let rest = run(Node::new("Mod", "", &["a", "b"], &["y"]), &[a, b]);
        assert_eq!(rest, [ints(&[3], &[1, -1, -1])]);
    }

    #[test]
    fn pieces_and_places() {
        let x = ints(&[2, 3], &[3, 1, 2, 4, 6, 5]);
        let split = run(
            Node::new("Split", "", &["x"], &["a", "b"]).with("axis", Attribute::Int(1)),
            std::slice::from_ref(&x),
        );
        assert_eq!(
            split,
            [ints(&[2, 2], &[3, 1, 4, 6]), ints(&[2, 1], &[2, 5])]
        );
        let top = run(
            Node::new("TopK", "", &["x", "k"], &["v", "i"]),
            &[x.clone(), ints(&[1], &[2])],
        );
        assert_eq!(
            top,
            [ints(&[2, 2], &[3, 2, 6, 5]), ints(&[2, 2], &[0, 2, 1, 2])]
        );
        let turned = run(
            Node::new("Transpose", "", &["x"], &["y"]),
            std::slice::from_ref(&x),
        );
        assert_eq!(turned, [ints(&[3, 2], &[3, 4, 1, 6, 2, 5])]);
        let wide = run(
            Node::new("Tile", "", &["x", "r"], &["y"]),
            &[ints(&[2], &[1, 2]), ints(&[1], &[2])],
        );
        assert_eq!(wide, [ints(&[4], &[1, 2, 1, 2])]);
    }

    #[test]
    fn nothing_comes_of_what_does_not_exist() {
        assert_eq!(positions(&ints(&[2], &[-3, 2]), 3), Some(vec![0, 2]));
        assert_eq!(positions(&ints(&[1], &[3]), 3), None);
        assert_eq!(positions(&ints(&[1], &[i64::MIN]), 3), None);
        let numbers = |value| Numbers::Ints(vec![value]);
        assert!(binary_numbers(Binary::Div, numbers(1), numbers(0)).is_none());
    }
}
