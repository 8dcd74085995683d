//! The graph itself: nodes, declared values, initializers.

use indexmap::IndexMap;

use crate::proto;
use crate::tensor::{DataType, Tensor};

pub use crate::node::Node;

/// An ONNX model.
///
/// Invariants, held by [`Graph::check`] and by every rewrite: value names are unique, a node only
/// reads graph inputs, initializers and outputs of nodes before it, every graph output exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Name of the graph.
    pub name: String,
    /// Nodes in an order in which they can run.
    pub nodes: Vec<Node>,
    /// Declared inputs. Old models also list initializers here; see [`Graph::free_inputs`].
    pub inputs: Vec<ValueInfo>,
    /// Declared outputs.
    pub outputs: Vec<ValueInfo>,
    /// Constant values by name: weights, running statistics, shapes.
    pub initializers: IndexMap<String, Tensor>,
    /// What the exporter said of intermediate values. Never trusted for sizes.
    pub value_info: Vec<ValueInfo>,
    /// Opset version by domain; `""` is the ONNX domain.
    pub opsets: IndexMap<String, i64>,
    /// Free-form key-value pairs of the model.
    pub metadata: IndexMap<String, String>,
    /// Version of the ONNX file format.
    pub ir_version: i64,
    /// Tool that wrote the model, and its version.
    pub producer: (String, String),
    pub(crate) opaque: OpaqueParts,
}

/// Parts of the file that no stage reads, kept for the round trip.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct OpaqueParts {
    pub domain: Option<String>,
    pub model_version: Option<i64>,
    pub model_doc: Option<String>,
    pub graph_doc: Option<String>,
    pub quantization: Vec<proto::TensorAnnotation>,
    pub graph_metadata: Vec<proto::StringStringEntryProto>,
}

/// A named value and what is declared of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueInfo {
    /// Name of the value.
    pub name: String,
    /// Declared type.
    pub ty: ValueType,
    /// Documentation string.
    pub doc: String,
    /// What a tensor stands for, such as `IMAGE`.
    pub(crate) denotation: Option<String>,
    pub(crate) metadata: Vec<proto::StringStringEntryProto>,
}

/// Names of the domain of ONNX's own operators.
pub(crate) const ONNX_DOMAINS: [&str; 2] = ["", "ai.onnx"];

/// Declared type of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueType {
    /// A dense tensor; `dims` is `None` when even the rank is unknown.
    Tensor {
        /// Element type.
        dtype: DataType,
        /// Shape, if declared.
        dims: Option<Vec<Dim>>,
    },
    /// Anything else (sequences, maps, or nothing declared), kept for the round trip.
    Opaque(OpaqueType),
}

/// A declared type kept as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct OpaqueType(pub(crate) Option<proto::TypeProto>);

/// One dimension of a declared shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    /// A fixed size.
    Known(usize),
    /// A named size that is bound when the model runs, such as `batch`.
    Symbol(String),
    /// Nothing is said.
    Unknown,
}

impl std::fmt::Display for Dim {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Dim::Known(size) => write!(f, "{size}"),
            Dim::Symbol(name) => f.write_str(name),
            Dim::Unknown => f.write_str("?"),
        }
    }
}

impl Graph {
    /// An empty graph of the given opset.
    pub fn new(name: impl Into<String>, opset: i64) -> Self {
        Graph {
            name: name.into(),
            nodes: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            initializers: IndexMap::new(),
            value_info: Vec::new(),
            opsets: IndexMap::from([(String::new(), opset)]),
            metadata: IndexMap::new(),
            ir_version: 8,
            producer: ("edgefit".into(), env!("CARGO_PKG_VERSION").into()),
            opaque: OpaqueParts::default(),
        }
    }

    /// Version of the ONNX operator set.
    pub fn opset(&self) -> i64 {
        ONNX_DOMAINS
            .iter()
            .find_map(|domain| self.opsets.get(*domain))
            .copied()
            .unwrap_or(1)
    }

    /// Inputs that a caller has to feed: the declared ones that no initializer stands for.
    pub fn free_inputs(&self) -> impl Iterator<Item = &ValueInfo> {
        self.inputs
            .iter()
            .filter(|input| !self.initializers.contains_key(&input.name))
    }
}

impl ValueInfo {
    /// A float value of the given shape.
    pub fn f32(name: &str, dims: Vec<Dim>) -> Self {
        ValueInfo {
            name: name.into(),
            ty: ValueType::Tensor {
                dtype: DataType::F32,
                dims: Some(dims),
            },
            doc: String::new(),
            denotation: None,
            metadata: Vec::new(),
        }
    }

    /// A value of which nothing is declared, so that whoever reads the model works it out.
    pub fn untyped(name: &str) -> Self {
        ValueInfo {
            ty: ValueType::Opaque(OpaqueType(None)),
            ..ValueInfo::f32(name, Vec::new())
        }
    }

    /// A float value of which nothing else is declared, not even its rank.
    pub fn float(name: &str) -> Self {
        ValueInfo {
            ty: ValueType::Tensor {
                dtype: DataType::F32,
                dims: None,
            },
            ..ValueInfo::f32(name, Vec::new())
        }
    }

    /// Declared shape, if the value is a tensor of known rank.
    pub fn dims(&self) -> Option<&[Dim]> {
        match &self.ty {
            ValueType::Tensor { dims, .. } => dims.as_deref(),
            ValueType::Opaque(_) => None,
        }
    }
}
