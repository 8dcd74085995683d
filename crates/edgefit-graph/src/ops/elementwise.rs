//! Elementwise ops of one, two or more operands.

use super::context::Context;
use crate::error::Result;
use crate::tensor::DataType;

/// Functions of one element.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Unary {
    Identity,
    Relu,
    LeakyRelu {
        alpha: f32,
    },
    /// x, and alpha·(eˣ − 1) below 0.
    Elu {
        alpha: f32,
    },
    /// max(min, min(max, x)); the upper limit wins where the two cross.
    Clip {
        min: f64,
        max: f64,
    },
    Sigmoid,
    /// max(0, min(1, alpha·x + beta)).
    HardSigmoid {
        alpha: f32,
        beta: f32,
    },
    /// x · max(0, min(1, x/6 + 1/2)).
    HardSwish,
    Tanh,
    /// ln(1 + eˣ).
    Softplus,
    /// x · tanh(softplus(x)).
    Mish,
    /// x · Φ(x), or its approximation by tanh (Hendrycks & Gimpel 2016, arXiv 1606.08415).
    Gelu {
        tanh: bool,
    },
    Erf,
    Sqrt,
    Exp,
    Log,
    Neg,
    Abs,
    Sign,
    Reciprocal,
    Sin,
    Cos,
    Ceil,
    Floor,
    /// To the nearest integer, halves to the even one.
    Round,
    Not,
}

/// Functions of two elements, broadcast as in NumPy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    /// Remainder of the first by the second.
    Mod {
        /// Whether it takes the sign of the dividend, as C's `fmod`, rather than the divisor's.
        fmod: bool,
    },
    /// x, and slope · x below 0; the second operand is the slope.
    PRelu,
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Xor,
}

/// Functions of any number of tensors, element by element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Variadic {
    Max,
    Min,
    Sum,
    Mean,
}

impl Unary {
    pub(super) fn read(context: &Context) -> Result<Option<Self>> {
        let node = context.node;
        let op = match node.op.as_str() {
            "Identity" => Unary::Identity,
            "Relu" => Unary::Relu,
            "LeakyRelu" => Unary::LeakyRelu {
                alpha: node.float_or("alpha", 0.01)?,
            },
            "Elu" => Unary::Elu {
                alpha: node.float_or("alpha", 1.0)?,
            },
            // The limits moved from attributes to inputs at opset 11.
            "Clip" if context.opset() < 11 => Unary::Clip {
                min: node.float_or("min", f32::MIN)?.into(),
                max: node.float_or("max", f32::MAX)?.into(),
            },
            "Clip" => Unary::Clip {
                min: context
                    .constant_number(1, "lower limit")?
                    .unwrap_or(f32::MIN.into()),
                max: context
                    .constant_number(2, "upper limit")?
                    .unwrap_or(f32::MAX.into()),
            },
            "Sigmoid" => Unary::Sigmoid,
            "HardSigmoid" => Unary::HardSigmoid {
                alpha: node.float_or("alpha", 0.2)?,
                beta: node.float_or("beta", 0.5)?,
            },
            "HardSwish" => Unary::HardSwish,
            "Tanh" => Unary::Tanh,
            "Softplus" => Unary::Softplus,
            "Mish" => Unary::Mish,
            "Gelu" => Unary::Gelu {
                tanh: match node.string_or("approximate", "none")? {
                    "none" => false,
                    "tanh" => true,
                    other => {
                        return Err(
                            context.invalid(format!("approximation '{other}' is not known"))
                        );
                    }
                },
            },
            "Erf" => Unary::Erf,
            "Sqrt" => Unary::Sqrt,
            "Exp" => Unary::Exp,
            "Log" => Unary::Log,
            "Neg" => Unary::Neg,
            "Abs" => Unary::Abs,
            "Sign" => Unary::Sign,
            "Reciprocal" => Unary::Reciprocal,
            "Sin" => Unary::Sin,
            "Cos" => Unary::Cos,
            "Ceil" => Unary::Ceil,
            "Floor" => Unary::Floor,
            "Round" => Unary::Round,
            "Not" => Unary::Not,
            _ => return Ok(None),
        };
        match op {
            Unary::Clip { min, max } if min.is_nan() || max.is_nan() => {
                Err(context.invalid("its limits are not numbers"))
            }
            op => Ok(Some(op)),
        }
    }
}

impl Binary {
    pub(super) fn read(context: &Context) -> Result<Option<Self>> {
        Ok(Some(match context.node.op.as_str() {
            "Add" => Binary::Add,
            "Sub" => Binary::Sub,
            "Mul" => Binary::Mul,
            "Div" => Binary::Div,
            "Pow" => Binary::Pow,
            "Mod" => Binary::Mod {
                fmod: context.node.int_or("fmod", 0)? != 0,
            },
            "PRelu" => Binary::PRelu,
            "Equal" => Binary::Equal,
            "Less" => Binary::Less,
            "LessOrEqual" => Binary::LessOrEqual,
            "Greater" => Binary::Greater,
            "GreaterOrEqual" => Binary::GreaterOrEqual,
            "And" => Binary::And,
            "Or" => Binary::Or,
            "Xor" => Binary::Xor,
            _ => return Ok(None),
        }))
    }

    /// Whether the result is true or false for operands that are numbers.
    pub fn compares(self) -> bool {
        use Binary::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        matches!(self, Equal | Less | LessOrEqual | Greater | GreaterOrEqual)
    }

    pub(super) fn infer(
        self,
        a: (&[usize], DataType),
        b: (&[usize], DataType),
    ) -> Result<(DataType, Vec<usize>), String> {
        // A power's exponent may have a type of its own.
        if a.1 != b.1 && self != Binary::Pow {
            return Err(format!("the operands are {:?} and {:?}", a.1, b.1));
        }
        let dims = broadcast(a.0, b.0)?;
        if self == Binary::PRelu && dims != a.0 {
            return Err(format!(
                "a slope of shape {:?} does not go over {:?}",
                b.0, a.0
            ));
        }
        Ok((if self.compares() { DataType::Bool } else { a.1 }, dims))
    }
}

impl Variadic {
    pub(super) fn named(op: &str) -> Option<Self> {
        Some(match op {
            "Max" => Variadic::Max,
            "Min" => Variadic::Min,
            "Sum" => Variadic::Sum,
            "Mean" => Variadic::Mean,
            _ => return None,
        })
    }
}

/// Shape of a result whose operands have the shapes `a` and `b`.
///
/// # Errors
/// Two sizes differ and neither is 1.
pub fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let rank = a.len().max(b.len());
    let at = |dims: &[usize], axis: usize| {
        (axis + dims.len())
            .checked_sub(rank)
            .map_or(1, |index| dims[index])
    };
    (0..rank)
        .map(|axis| match (at(a, axis), at(b, axis)) {
            (left, right) if left == right => Ok(left),
            (1, size) | (size, 1) => Ok(size),
            _ => Err(format!("the shapes {a:?} and {b:?} do not broadcast")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::broadcast;

    #[test]
    fn shapes_broadcast_as_in_numpy() {
        assert_eq!(broadcast(&[2, 3, 1], &[4]).unwrap(), [2, 3, 4]);
        assert_eq!(broadcast(&[], &[5]).unwrap(), [5]);
        assert_eq!(broadcast(&[1, 0], &[3, 1]).unwrap(), [3, 0]);
        assert!(broadcast(&[2, 3], &[2]).is_err());
    }
}
