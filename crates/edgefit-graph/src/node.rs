//! [`Node`]: one operation of a graph, and typed access to its attributes.

use indexmap::IndexMap;

use crate::attribute::Attribute;
use crate::error::{Error, Result};
use crate::proto;
use crate::tensor::Tensor;

/// One operation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// Name; may be empty, see [`Node::label`].
    pub name: String,
    /// Operator, such as `Conv`.
    pub op: String,
    /// Operator domain; `""` is the ONNX domain.
    pub domain: String,
    /// Names of the values read; `""` stands for an optional input that is absent.
    pub inputs: Vec<String>,
    /// Names of the values made; `""` stands for an output that nothing reads.
    pub outputs: Vec<String>,
    /// Attributes by name.
    pub attributes: IndexMap<String, Attribute>,
    /// Documentation string.
    pub doc: String,
    pub(crate) metadata: Vec<proto::StringStringEntryProto>,
}

impl Node {
    /// A node of the ONNX domain.
    pub fn new(op: &str, name: &str, inputs: &[&str], outputs: &[&str]) -> Self {
        Node {
            name: name.into(),
            op: op.into(),
            inputs: inputs.iter().map(|&input| input.into()).collect(),
            outputs: outputs.iter().map(|&output| output.into()).collect(),
            ..Node::default()
        }
    }

    /// The same node with one more attribute.
    #[must_use]
    pub fn with(mut self, name: &str, value: Attribute) -> Self {
        self.attributes.insert(name.into(), value);
        self
    }

    /// Its name, or that of its first output where it has none.
    pub fn label(&self) -> &str {
        if self.name.is_empty() {
            self.outputs.first().map_or("", String::as_str)
        } else {
            &self.name
        }
    }

    /// Whether the operator is one of ONNX's own.
    pub fn is_onnx(&self) -> bool {
        matches!(self.domain.as_str(), "" | "ai.onnx")
    }

    /// Where this node is, for an error message.
    pub fn place(&self) -> String {
        format!("node '{}' ({})", self.label(), self.op)
    }

    /// The name of input `index`, unless it is absent.
    pub fn input(&self, index: usize) -> Option<&str> {
        self.inputs
            .get(index)
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    /// Names of the inputs that are present.
    pub fn present_inputs(&self) -> impl Iterator<Item = &str> {
        self.inputs
            .iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    /// Names of the outputs that are present.
    pub fn present_outputs(&self) -> impl Iterator<Item = &str> {
        self.outputs
            .iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    /// The integer attribute `name`, or `default` when it is absent.
    pub fn int_or(&self, name: &str, default: i64) -> Result<i64> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Int(value)) => Ok(*value),
            Some(_) => Err(self.attribute_kind(name, "an integer")),
        }
    }

    /// The float attribute `name`, or `default` when it is absent.
    pub fn float_or(&self, name: &str, default: f32) -> Result<f32> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Float(value)) => Ok(*value),
            Some(_) => Err(self.attribute_kind(name, "a float")),
        }
    }

    /// The integer list attribute `name`, if present.
    pub fn ints(&self, name: &str) -> Result<Option<&[i64]>> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Ints(values)) => Ok(Some(values)),
            Some(_) => Err(self.attribute_kind(name, "a list of integers")),
        }
    }

    /// The string attribute `name`, or `default` when it is absent.
    pub fn string_or<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::String(bytes)) => {
                std::str::from_utf8(bytes).map_err(|_| self.attribute_kind(name, "UTF-8 text"))
            }
            Some(_) => Err(self.attribute_kind(name, "a string")),
        }
    }

    /// The tensor attribute `name`, if present.
    pub fn tensor(&self, name: &str) -> Result<Option<&Tensor>> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Tensor(tensor)) => Ok(Some(tensor)),
            Some(_) => Err(self.attribute_kind(name, "a tensor")),
        }
    }

    fn attribute_kind(&self, name: &str, expected: &str) -> Error {
        Error::invalid(
            format!("{}, attribute '{name}'", self.place()),
            format!("is not {expected}"),
        )
    }
}
