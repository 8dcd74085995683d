//! Ops computed here, on tensors that are known: shape arithmetic, masks, indices.
//!
//! This folds what depends on nothing but shapes, and it is what an executor for floats calls for
//! integers and booleans. Floats are computed in f64 and rounded to the result's type.

mod arithmetic;
mod indexing;
mod max_pool;
mod rearrange;
mod reduce;

pub use indexing::{resolve_indices, resolve_nd_indices};

use arithmetic::{Numbers, binary_numbers, operands, zip};
use indexing::take;
use max_pool::max_pool;
use rearrange::rearrange;
use reduce::{along, reduced};

use crate::ops::{Op, PoolKind, Unary, Variadic};
use crate::tensor::Tensor;
use crate::tensor_type::TensorType;

/// Most elements that are computed here; dimensions of size 0 count as 1.
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
        _ => return rearrange(op, inputs, outputs),
    };
    Some(vec![one])
}

#[cfg(test)]
mod tests;
