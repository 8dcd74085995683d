//! Elements as numbers, and the elementwise ops on them.

use std::cmp::Ordering;

use super::indexing::spread;
use crate::ops::{Binary, Unary};
use crate::tensor::{DataType, Tensor};
use crate::tensor_type::TensorType;

/// Elements as numbers; booleans are 0 and 1.
#[derive(Debug, Clone)]
pub(super) enum Numbers {
    Ints(Vec<i64>),
    Floats(Vec<f64>),
}

impl Numbers {
    pub fn of(tensor: &Tensor) -> Option<Self> {
        match tensor.dtype() {
            DataType::F64 => Some(Numbers::Floats(tensor.to_f64().ok()?)),
            float if float.is_float() => {
                let values = tensor.to_f32().ok()?;
                Some(Numbers::Floats(values.into_iter().map(f64::from).collect()))
            }
            _ => Some(Numbers::Ints(tensor.to_i64().ok()?)),
        }
    }

    pub fn floats(self) -> Vec<f64> {
        match self {
            Numbers::Ints(values) => values.into_iter().map(|value| value as f64).collect(),
            Numbers::Floats(values) => values,
        }
    }

    /// As a tensor of type `ty`; floats are cut off towards zero if it is one of integers.
    pub fn into_tensor(self, ty: &TensorType) -> Option<Tensor> {
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

    pub fn map(self, op: Unary) -> Option<Self> {
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
pub(super) fn operands<const N: usize>(
    tensors: [&Tensor; N],
    ty: &TensorType,
) -> Option<[Numbers; N]> {
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

pub(super) fn zip(
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

pub(super) fn binary_numbers(op: Binary, a: Numbers, b: Numbers) -> Option<Numbers> {
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
