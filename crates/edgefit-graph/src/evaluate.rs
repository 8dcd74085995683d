//! Ops computed here, on tensors that are known: shape arithmetic, masks, indices.
//!
//! This folds what depends on nothing but shapes, and it is what an executor for floats calls for
//! integers and booleans. Floats are computed in f64 and rounded to the result's type.

mod numbers;
mod places;
mod windows;

pub use places::{positions, rows};

use numbers::{Numbers, binary_numbers, operands, zip};
use places::{blocks, offsets, spread, strides, sums, take};
use windows::{along, max_pool, reduced};

use crate::infer::TensorType;
use crate::ops::{Op, PadFill, PoolKind, Unary, Variadic};
use crate::tensor::Tensor;

/// Most elements that are computed here, those of dimensions beside an empty one included.
const MOST: usize = 1 << 26;

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
    if outputs.iter().any(|ty| ty.span() > MOST) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Attribute;
    use crate::graph::{Graph, Node};
    use crate::ops::Binary;
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
