//! Operators that edgefit cannot work with, and why.

use std::fmt;

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

/// An op that edgefit cannot work with, and everywhere it occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unsupported {
    /// Operator, with its domain unless that is the ONNX one.
    pub op: String,
    /// Names of the nodes.
    pub nodes: Vec<String>,
    /// Why, for the first of them.
    pub reason: UnsupportedReason,
}

/// Why an op is not supported. In JSON and in messages it is a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnsupportedReason {
    /// The operator is of a domain other than ONNX's own.
    NotOnnxDomain,
    /// An ONNX operator that edgefit does not have.
    UnknownOperator,
    /// A `Constant` that holds a string or a sparse tensor.
    ConstantKind,
    /// An input that has to be known before the model runs is computed by the model; the text
    /// says what the input is.
    ComputedInput(&'static str),
    /// A `Cast` to a type with this `TensorProto.DataType` code.
    CastTo(i64),
    /// `BatchNormalization` with statistics for each element.
    StatisticsPerElement,
    /// `BatchNormalization` whose statistics are read by other nodes.
    StatisticsAsOutputs,
    /// A convolution or a pool with a padding below 0.
    NegativePadding,
    /// Quantisation with a scale for each block of elements.
    BlockScales,
    /// Quantisation to floats of 8 bits or fewer.
    NarrowFloats,
    /// Quantisation to a type with this `TensorProto.DataType` code.
    QuantizedTo(i64),
    /// `GatherND` with batch dimensions.
    BatchDimensions,
    /// `ScatterND` with this reduction.
    Reduction(String),
    /// `Resize` with an antialiasing filter.
    Antialiasing,
}

impl fmt::Display for UnsupportedReason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            UnsupportedReason::NotOnnxDomain => "not an operator of the ONNX domain",
            UnsupportedReason::UnknownOperator => "this operator is not known yet",
            UnsupportedReason::ConstantKind => "a constant that is neither a tensor nor a number",
            UnsupportedReason::ComputedInput(what) => {
                return write!(f, "its {what} depends on what the model computes");
            }
            UnsupportedReason::CastTo(code) => return write!(f, "a cast to data type {code}"),
            UnsupportedReason::StatisticsPerElement => "statistics per element (spatial = 0)",
            UnsupportedReason::StatisticsAsOutputs => "its statistics are outputs",
            UnsupportedReason::NegativePadding => "negative padding",
            UnsupportedReason::BlockScales => "scales for blocks",
            UnsupportedReason::NarrowFloats => "quantisation to narrow floats",
            UnsupportedReason::QuantizedTo(code) => {
                return write!(f, "quantisation to data type {code}");
            }
            UnsupportedReason::BatchDimensions => "batch dimensions",
            UnsupportedReason::Reduction(name) => return write!(f, "the reduction '{name}'"),
            UnsupportedReason::Antialiasing => "an antialiasing filter",
        })
    }
}

impl Serialize for UnsupportedReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Unsupported {
    /// Whether nothing is wrong but that a value was not known.
    pub(crate) fn wants_constant(&self) -> bool {
        matches!(self.reason, UnsupportedReason::ComputedInput(_))
    }
}

/// Adds `more` to `all`, which has an entry for each operator.
pub(crate) fn merge(all: &mut IndexMap<String, Unsupported>, more: Vec<Unsupported>) {
    for unsupported in more {
        match all.get_mut(&unsupported.op) {
            Some(known) => known.nodes.extend(unsupported.nodes),
            None => drop(all.insert(unsupported.op.clone(), unsupported)),
        }
    }
}
