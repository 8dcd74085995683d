use super::Context;
use crate::error::Result;

/// Functions of one element.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Unary {
    Identity,
    Relu,
    LeakyRelu {
        alpha: f32,
    },
    Clip {
        min: f32,
        max: f32,
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
    Sqrt,
    Exp,
    Neg,
}

/// Functions of two elements, broadcast as in NumPy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
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
            // The limits moved from attributes to inputs at opset 11.
            "Clip" if context.opset() < 11 => Unary::Clip {
                min: node.float_or("min", f32::MIN)?,
                max: node.float_or("max", f32::MAX)?,
            },
            "Clip" => Unary::Clip {
                min: context
                    .constant_float(1, "lower limit")?
                    .unwrap_or(f32::MIN),
                max: context
                    .constant_float(2, "upper limit")?
                    .unwrap_or(f32::MAX),
            },
            "Sigmoid" => Unary::Sigmoid,
            "HardSigmoid" => Unary::HardSigmoid {
                alpha: node.float_or("alpha", 0.2)?,
                beta: node.float_or("beta", 0.5)?,
            },
            "HardSwish" => Unary::HardSwish,
            "Tanh" => Unary::Tanh,
            "Sqrt" => Unary::Sqrt,
            "Exp" => Unary::Exp,
            "Neg" => Unary::Neg,
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
    pub(super) fn named(op: &str) -> Option<Self> {
        Some(match op {
            "Add" => Binary::Add,
            "Sub" => Binary::Sub,
            "Mul" => Binary::Mul,
            "Div" => Binary::Div,
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
