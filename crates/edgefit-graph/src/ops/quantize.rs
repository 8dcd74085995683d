//! `QuantizeLinear` and `DequantizeLinear`.

use super::axis::axis_index;
use super::context::Context;
use crate::error::Result;
use crate::tensor::{DataType, Tensor};
use crate::unsupported::UnsupportedReason;

/// Floats to integers, `saturate(round(x / scale) + zero point)`, halves to the even one; or back.
///
/// Inputs: x, scale, optional zero point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantize {
    axis: i64,
    /// Integer type.
    pub dtype: DataType,
}

impl Quantize {
    pub(super) fn read(context: &Context) -> Result<Self> {
        if context.node.int_or("block_size", 0)? != 0 {
            return Err(context.unsupported(UnsupportedReason::BlockScales));
        }
        let zero_point = match context.node.input(2) {
            Some(_) => context.constant(2, "zero point")?.map(Tensor::dtype),
            None => match context.node.int_or("output_dtype", 0)? {
                0 => None,
                code => {
                    let dtype = i32::try_from(code).ok().and_then(DataType::from_code);
                    let unknown = || context.unsupported(UnsupportedReason::QuantizedTo(code));
                    Some(dtype.ok_or_else(unknown)?)
                }
            },
        };
        let dtype = zero_point.unwrap_or(DataType::U8);
        if dtype.is_float() {
            return Err(context.unsupported(UnsupportedReason::NarrowFloats));
        }
        Ok(Quantize {
            axis: context.node.int_or("axis", 1)?,
            dtype,
        })
    }

    /// Shape to which scale and zero point, of shape `scale`, are brought so that they broadcast
    /// over `x`.
    ///
    /// # Errors
    /// There is neither one scale nor one for each slice.
    pub fn scale_dims(&self, x: &[usize], scale: &[usize]) -> Result<Vec<usize>, String> {
        let mut dims = vec![1; x.len()];
        match scale {
            [] | [1] => Ok(dims),
            &[slices] => {
                let axis = axis_index(self.axis, x.len())?;
                dims[axis] = slices;
                if slices == x[axis] {
                    Ok(dims)
                } else {
                    let fits = x.iter().position(|&size| size == slices);
                    let fix = fits.map_or(String::new(), |fits| {
                        format!("; set its attribute axis, which is 1 if it is left out, to {fits}")
                    });
                    Err(format!(
                        "{slices} scales do not go over axis {axis} of {x:?}{fix}"
                    ))
                }
            }
            _ => Err(format!("a scale of shape {scale:?}")),
        }
    }

    /// Smallest and largest integer.
    pub fn limits(&self) -> (i64, i64) {
        match self.dtype {
            DataType::I8 => (i8::MIN.into(), i8::MAX.into()),
            DataType::U8 => (u8::MIN.into(), u8::MAX.into()),
            DataType::I16 => (i16::MIN.into(), i16::MAX.into()),
            DataType::U16 => (u16::MIN.into(), u16::MAX.into()),
            _ => (i32::MIN.into(), i32::MAX.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::known_constants::KnownConstants;
    use super::*;
    use crate::attribute::Attribute;
    use crate::graph::{Graph, Node};

    #[test]
    fn a_type_that_is_not_known_is_refused() {
        let graph = Graph::new("g", 21);
        let read = |code| {
            let node = Node::new("QuantizeLinear", "q", &["x", "s"], &["y"]);
            Quantize::read(&Context {
                constants: &KnownConstants::new(&graph),
                node: &node.with("output_dtype", Attribute::Int(code)),
            })
        };
        assert_eq!(read(5).unwrap().dtype, DataType::I16);
        let error = read(22).unwrap_err().to_string();
        assert!(error.contains("quantisation to data type 22"), "{error}");
    }
}
