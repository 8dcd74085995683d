//! Ops that make a tensor from a shape or from a few numbers.

use super::context::Context;
use crate::attribute::Attribute;
use crate::error::Result;
use crate::graph::Node;
use crate::tensor::{DataType, Tensor};

/// Sizes of dimensions `start..end`, as integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    start: i64,
    end: Option<i64>,
}

/// A tensor of one value.
#[derive(Debug, Clone, PartialEq)]
pub struct ConstantOfShape {
    /// Its shape.
    pub dims: Vec<usize>,
    /// Its value, of one element.
    pub value: Tensor,
}

/// `start`, `start + delta` and so on, up to `limit` and without it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// First value.
    pub start: f64,
    /// Distance of values.
    pub delta: f64,
    /// Number of values.
    pub count: usize,
    /// Element type.
    pub dtype: DataType,
}

impl Shape {
    pub(super) fn read(context: &Context) -> Result<Self> {
        Ok(Shape {
            start: context.node.int_or("start", 0)?,
            end: if context.node.attributes.contains_key("end") {
                Some(context.node.int_or("end", 0)?)
            } else {
                None
            },
        })
    }

    /// The sizes it gives for an input of shape `x`.
    pub fn of(self, x: &[usize]) -> &[usize] {
        let rank = x.len() as i64;
        let at = |index: i64| {
            let index = if index < 0 {
                index.saturating_add(rank)
            } else {
                index
            };
            index.clamp(0, rank) as usize
        };
        let end = self.end.map_or(x.len(), at);
        &x[at(self.start).min(end)..end]
    }
}

impl ConstantOfShape {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let value = match context.node.tensor("value")? {
            Some(value) if value.elements() == 1 => value.clone(),
            Some(_) => return Err(context.invalid("attribute 'value' is not a single number")),
            None => Tensor::from_values(vec![1], &[0f32]),
        };
        Ok(ConstantOfShape {
            dims: context.constant_sizes(0, "shape")?,
            value,
        })
    }
}

impl Range {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let number = |index, what| -> Result<f64> {
            let number = context.constant_number(index, what)?;
            number.ok_or_else(|| context.invalid(format!("its {what} is missing")))
        };
        let (start, limit) = (number(0, "start")?, number(1, "limit")?);
        let delta = number(2, "delta")?;
        let dtype = context.constant(0, "start")?.map(Tensor::dtype);
        let dtype = dtype.unwrap_or(DataType::F32);
        // The difference is taken in the type of the values, which decides a last one.
        let span = match dtype {
            DataType::F32 => f64::from(limit as f32 - start as f32),
            _ => limit - start,
        };
        let count = (span / delta).ceil();
        if !count.is_finite() || count > 1e9 {
            return Err(
                context.invalid(format!("{count} values from {start} to {limit} by {delta}"))
            );
        }
        Ok(Range {
            start,
            delta,
            count: count.max(0.0) as usize,
            dtype,
        })
    }
}

/// The tensor of a `Constant` node, in whichever of its attributes it is; `None` for another node,
/// and for constants that are neither tensors nor numbers.
pub(crate) fn constant_of(node: &Node) -> Option<Tensor> {
    if node.op != "Constant" || !node.is_onnx() {
        return None;
    }
    node.attributes
        .iter()
        .find_map(|(name, attribute)| match (name.as_str(), attribute) {
            ("value", Attribute::Tensor(tensor)) => Some(tensor.clone()),
            ("value_float", Attribute::Float(value)) => {
                Some(Tensor::from_values(vec![], &[*value]))
            }
            ("value_floats", Attribute::Floats(values)) => {
                Some(Tensor::from_values(vec![values.len()], values))
            }
            ("value_int", Attribute::Int(value)) => Some(Tensor::from_values(vec![], &[*value])),
            ("value_ints", Attribute::Ints(values)) => {
                Some(Tensor::from_values(vec![values.len()], values))
            }
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::super::known_constants::KnownConstants;
    use super::*;
    use crate::graph::Graph;

    #[test]
    fn ranges_of_doubles_are_counted_in_doubles() {
        let mut graph = Graph::new("g", 17);
        for (name, value) in [("start", 0.0), ("limit", 0.3), ("delta", 0.1)] {
            let number = Tensor::from_values(vec![], &[value]);
            graph.initializers.insert(name.into(), number);
        }
        let range = Range::read(&Context {
            constants: &KnownConstants::new(&graph),
            node: &Node::new("Range", "r", &["start", "limit", "delta"], &["y"]),
        });
        assert_eq!(range.unwrap().count, 3);
    }
}
