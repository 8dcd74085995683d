//! What the readers of single ops need: the node, the opset and the known constants.

use super::known_constants::KnownConstants;
use crate::error::{Error, Result};
use crate::graph::Node;
use crate::tensor::{DataType, Tensor};
use crate::tensor_type::MAX_RANK;
use crate::unsupported::{Unsupported, UnsupportedReason};

/// A node and the graph it stands in, as the readers of ops see it.
pub(super) struct Context<'a> {
    pub constants: &'a KnownConstants<'a>,
    pub node: &'a Node,
}

impl Context<'_> {
    pub fn opset(&self) -> i64 {
        self.constants.opset()
    }

    pub fn unsupported(&self, reason: UnsupportedReason) -> Error {
        unsupported(self.node, reason)
    }

    pub fn invalid(&self, problem: impl Into<String>) -> Error {
        Error::invalid(self.node.place(), problem)
    }

    /// The constant behind input `index`; `None` when the input is absent.
    pub fn constant(&self, index: usize, what: &'static str) -> Result<Option<&Tensor>> {
        match self.node.input(index) {
            None => Ok(None),
            Some(name) => match self.constants.get(name) {
                Some(tensor) => Ok(Some(tensor)),
                None => Err(self.unsupported(UnsupportedReason::ComputedInput(what))),
            },
        }
    }

    /// The single number behind input `index`, of any type.
    pub fn constant_number(&self, index: usize, what: &'static str) -> Result<Option<f64>> {
        let Some(tensor) = self.constant(index, what)? else {
            return Ok(None);
        };
        // Some exporters write an empty tensor for a limit that is not there.
        if tensor.elements() == 0 {
            return Ok(None);
        }
        let numbers: Vec<f64> = match tensor.dtype() {
            DataType::F64 => tensor.to_f64()?,
            float if float.is_float() => tensor.to_f32()?.into_iter().map(f64::from).collect(),
            _ => {
                let integers = tensor.to_i64()?.into_iter();
                integers.map(|number| number as f64).collect()
            }
        };
        match numbers[..] {
            [number] => Ok(Some(number)),
            _ => Err(self.invalid(format!("its {what} is not a single number"))),
        }
    }

    /// The integers behind input `index`.
    pub fn constant_ints(&self, index: usize, what: &'static str) -> Result<Option<Vec<i64>>> {
        self.constant(index, what)?.map(Tensor::to_i64).transpose()
    }

    /// The floats behind input `index`.
    pub fn constant_floats(&self, index: usize, what: &'static str) -> Result<Option<Vec<f32>>> {
        self.constant(index, what)?.map(Tensor::to_f32).transpose()
    }

    /// The sizes behind input `index`, which has to be there.
    pub fn constant_sizes(&self, index: usize, what: &'static str) -> Result<Vec<usize>> {
        let sizes = self.constant_ints(index, what)?;
        let sizes = sizes.ok_or_else(|| self.invalid(format!("its {what} is missing")))?;
        let sizes: Option<Vec<usize>> = sizes
            .iter()
            .map(|&size| usize::try_from(size).ok())
            .collect();
        sizes.ok_or_else(|| self.invalid(format!("its {what} holds a negative number")))
    }

    /// The list of sizes in attribute `name`, each at least `least`.
    pub fn sizes(&self, name: &str, least: i64) -> Result<Option<Vec<usize>>> {
        let Some(values) = self.node.ints(name)? else {
            return Ok(None);
        };
        if let Some(bad) = values.iter().find(|&&value| value < least) {
            return Err(self.invalid(format!("attribute '{name}' holds {bad}")));
        }
        Ok(Some(values.iter().map(|&value| value as usize).collect()))
    }

    /// Axes that moved from an attribute to input 1 at opset `since`.
    pub fn axes(&self, since: i64) -> Result<Option<Vec<i64>>> {
        let axes = if self.opset() < since {
            self.node.ints("axes")?.map(<[i64]>::to_vec)
        } else {
            self.constant_ints(1, "list of axes")?
        };
        match axes {
            Some(axes) if axes.len() > MAX_RANK => {
                Err(self.invalid(format!("lists {} axes", axes.len())))
            }
            axes => Ok(axes),
        }
    }

    /// The integer attribute `name`, for which ONNX has no default.
    pub fn required_int(&self, name: &str) -> Result<i64> {
        if !self.node.attributes.contains_key(name) {
            return Err(self.invalid(format!(
                "has no attribute '{name}', for which ONNX has no default; set it, or export the model again"
            )));
        }
        self.node.int_or(name, 0)
    }

    pub fn cast_type(&self) -> Result<DataType> {
        let code = self.required_int("to")?;
        let dtype = i32::try_from(code).ok().and_then(DataType::from_code);
        dtype.ok_or_else(|| self.unsupported(UnsupportedReason::CastTo(code)))
    }

    pub fn dropout_ratio(&self) -> Result<f32> {
        let ratio = if self.opset() < 12 {
            self.node.float_or("ratio", 0.5)?
        } else {
            self.constant_number(1, "ratio")?.unwrap_or(0.5) as f32
        };
        if (0.0..1.0).contains(&ratio) {
            Ok(ratio)
        } else {
            Err(self.invalid(format!("the dropout ratio {ratio} is not in 0 … 1")))
        }
    }
}

/// The error for a `node` that is not supported because of `reason`.
pub(super) fn unsupported(node: &Node, reason: UnsupportedReason) -> Error {
    Error::Unsupported(vec![Unsupported {
        op: match node.domain.as_str() {
            "" => node.op.clone(),
            domain => format!("{domain}.{}", node.op),
        },
        nodes: vec![node.label().to_owned()],
        reason,
    }])
}
