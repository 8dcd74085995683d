//! ONNX file → [`Graph`].

use std::fs::File;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use indexmap::IndexMap;
use memmap2::Mmap;
use prost::Message;

use crate::attribute::{Attribute, Opaque};
use crate::error::{Error, Result};
use crate::external::ExternalFiles;
use crate::footprint::bounded;
use crate::graph::{Dim, Graph, Node, OpaqueParts, OpaqueType, ValueInfo, ValueType};
use crate::proto::{self, attribute_proto::AttributeType, tensor_proto::DataLocation};
use crate::tensor::{DataType, Tensor};

/// Versions of the ONNX operator set that are read.
const OPSETS: RangeInclusive<i64> = 7..=22;

impl Graph {
    /// Reads and checks a model file.
    ///
    /// The file is mapped, so weights take memory only when something touches them. External
    /// data is looked for in the model's own folder and nowhere else.
    ///
    /// # Errors
    /// The file cannot be read, is not ONNX, or breaks an invariant of [`Graph`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = map(path)?;
        let mut folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        if folder.as_os_str().is_empty() {
            folder = PathBuf::from(".");
        }
        decode(bytes, &mut ExternalFiles::new(Some(folder))).map_err(|error| error.in_file(path))
    }

    /// Reads and checks a model that is already in memory and has no external data.
    ///
    /// # Errors
    /// As [`Graph::load`].
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self> {
        decode(bytes.into(), &mut ExternalFiles::new(None))
    }
}

impl Tensor {
    /// Reads a `TensorProto`, as the inputs and outputs beside ONNX's own test models are stored.
    ///
    /// # Errors
    /// The bytes are not one, or its data do not fill its shape.
    pub fn from_proto_bytes(bytes: impl Into<Bytes>) -> Result<Self> {
        let raw = proto::TensorProto::decode(bytes.into()).map_err(|error| Error::NotOnnx {
            detail: error.to_string(),
        })?;
        let at = format!("tensor '{}'", raw.name.as_deref().unwrap_or_default());
        tensor(raw, &at, &mut ExternalFiles::new(None))
    }
}

/// The contents of a file as a mapping.
pub(crate) fn map(path: &Path) -> Result<Bytes> {
    let fail = |source| Error::Read {
        path: path.to_path_buf(),
        source,
    };
    let file = File::open(path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    if !metadata.is_file() {
        return Err(fail(std::io::Error::other("is not a regular file")));
    }
    if metadata.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the mapping is private and read-only. A model that another process truncates while
    // it is read would raise SIGBUS; edgefit itself replaces files by rename, never in place.
    let mapping = unsafe { Mmap::map(&file) }.map_err(fail)?;
    Ok(Bytes::from_owner(mapping))
}

fn decode(bytes: Bytes, external: &mut ExternalFiles) -> Result<Graph> {
    bounded(&bytes)?;
    let model = proto::ModelProto::decode(bytes).map_err(|error| Error::NotOnnx {
        detail: error.to_string(),
    })?;
    let Some(graph) = model.graph else {
        return Err(Error::NotOnnx {
            detail: "it holds no graph".into(),
        });
    };
    if !model.functions.is_empty() {
        return Err(Error::invalid(
            "model, field 'functions'",
            "model-local functions are not supported; inline them (onnx.inliner) or export with \
             the TorchScript exporter",
        ));
    }
    if !graph.sparse_initializer.is_empty() {
        return Err(Error::invalid(
            "graph, field 'sparse_initializer'",
            "sparse initializers are not supported; store the weights dense",
        ));
    }

    let mut initializers = IndexMap::with_capacity(graph.initializer.len());
    for initializer in graph.initializer {
        let name = initializer.name.clone().unwrap_or_default();
        let at = format!("initializer '{name}'");
        if name.is_empty() {
            return Err(Error::invalid(at, "has no name"));
        }
        let tensor = tensor(initializer, &at, external)?;
        if initializers.insert(name, tensor).is_some() {
            return Err(Error::invalid(at, "appears twice; names must be unique"));
        }
    }

    let graph = Graph {
        name: graph.name.unwrap_or_default(),
        nodes: graph.node.into_iter().map(node).collect::<Result<_>>()?,
        inputs: values(graph.input, "input")?,
        outputs: values(graph.output, "output")?,
        initializers,
        value_info: values(graph.value_info, "value_info")?,
        opsets: model
            .opset_import
            .into_iter()
            .map(|opset| {
                (
                    opset.domain.unwrap_or_default(),
                    opset.version.unwrap_or_default(),
                )
            })
            .collect(),
        metadata: model
            .metadata_props
            .into_iter()
            .map(|entry| {
                (
                    entry.key.unwrap_or_default(),
                    entry.value.unwrap_or_default(),
                )
            })
            .collect(),
        ir_version: model.ir_version.unwrap_or_default(),
        producer: (
            model.producer_name.unwrap_or_default(),
            model.producer_version.unwrap_or_default(),
        ),
        opaque: OpaqueParts {
            domain: model.domain,
            model_version: model.model_version,
            model_doc: model.doc_string,
            graph_doc: graph.doc_string,
            quantization: graph.quantization_annotation,
            graph_metadata: graph.metadata_props,
        },
    };
    let opset = graph.opset();
    if !OPSETS.contains(&opset) {
        return Err(Error::invalid(
            "model, field 'opset_import'",
            format!(
                "opset {opset} is not supported; export with opset {} to {}, or convert the model \
                 (onnx.version_converter)",
                OPSETS.start(),
                OPSETS.end()
            ),
        ));
    }
    graph.check()?;
    // An empty list of axes or the like is no data.
    let empty = |input: &&ValueInfo| match &input.ty {
        ValueType::Tensor {
            dtype,
            dims: Some(dims),
        } => dtype.is_float() && dims.contains(&Dim::Known(0)),
        _ => false,
    };
    if let Some(input) = graph.free_inputs().find(empty) {
        return Err(Error::invalid(
            format!("graph input '{}'", input.name),
            "has a dimension of 0; give its size, or a name if it is open",
        ));
    }
    Ok(graph)
}

fn node(node: proto::NodeProto) -> Result<Node> {
    let mut decoded = Node {
        name: node.name.unwrap_or_default(),
        op: node.op_type.unwrap_or_default(),
        domain: node.domain.unwrap_or_default(),
        inputs: node.input,
        outputs: node.output,
        attributes: IndexMap::with_capacity(node.attribute.len()),
        doc: node.doc_string.unwrap_or_default(),
        metadata: node.metadata_props,
    };
    for raw in node.attribute {
        let name = raw.name.clone().unwrap_or_default();
        let at = format!("{}, attribute '{name}'", decoded.place());
        let value = attribute(raw, &at)?;
        if decoded.attributes.insert(name, value).is_some() {
            return Err(Error::invalid(at, "appears twice"));
        }
    }
    Ok(decoded)
}

fn attribute(raw: proto::AttributeProto, at: &str) -> Result<Attribute> {
    // Files older than IR version 2 leave the type out; the filled field tells it.
    let kind = AttributeType::try_from(raw.r#type.unwrap_or_default()).map_err(|_| {
        Error::invalid(
            at,
            format!("has the unknown type {}", raw.r#type.unwrap_or_default()),
        )
    })?;
    let kind = match kind {
        AttributeType::Undefined if raw.f.is_some() => AttributeType::Float,
        AttributeType::Undefined if raw.i.is_some() => AttributeType::Int,
        AttributeType::Undefined if raw.s.is_some() => AttributeType::String,
        AttributeType::Undefined if raw.t.is_some() => AttributeType::Tensor,
        AttributeType::Undefined if !raw.floats.is_empty() => AttributeType::Floats,
        AttributeType::Undefined if !raw.ints.is_empty() => AttributeType::Ints,
        AttributeType::Undefined if !raw.strings.is_empty() => AttributeType::Strings,
        AttributeType::Undefined if raw.g.is_some() => AttributeType::Graph,
        known => known,
    };
    Ok(match kind {
        AttributeType::Float => Attribute::Float(raw.f.unwrap_or_default()),
        AttributeType::Int => Attribute::Int(raw.i.unwrap_or_default()),
        AttributeType::String => Attribute::String(raw.s.unwrap_or_default()),
        AttributeType::Tensor => {
            let value = raw.t.unwrap_or_default();
            Attribute::Tensor(tensor(value, at, &mut ExternalFiles::new(None))?)
        }
        AttributeType::Floats => Attribute::Floats(raw.floats),
        AttributeType::Ints => Attribute::Ints(raw.ints),
        AttributeType::Strings => Attribute::Strings(raw.strings),
        AttributeType::Graph | AttributeType::Graphs => {
            return Err(Error::invalid(
                at,
                "holds a nested graph, which is not supported; export the model without control \
                 flow (trace it instead of scripting it)",
            ));
        }
        _ => Attribute::Opaque(Opaque(Box::new(raw))),
    })
}

fn values(raw: Vec<proto::ValueInfoProto>, field: &str) -> Result<Vec<ValueInfo>> {
    raw.into_iter()
        .map(|value| value_info(value, field))
        .collect()
}

fn value_info(raw: proto::ValueInfoProto, field: &str) -> Result<ValueInfo> {
    let name = raw.name.unwrap_or_default();
    let tensor = match &raw.r#type {
        Some(proto::TypeProto {
            value: Some(proto::type_proto::Value::TensorType(tensor)),
            denotation: None,
        }) => Some(tensor),
        _ => None,
    };
    let dtype = tensor.and_then(|tensor| DataType::from_code(tensor.elem_type.unwrap_or_default()));
    let ty = match (tensor, dtype) {
        (Some(tensor), Some(dtype)) => ValueType::Tensor {
            dtype,
            dims: match &tensor.shape {
                None => None,
                Some(shape) => Some(dims(shape, &format!("{field} '{name}'"))?),
            },
        },
        _ => ValueType::Opaque(OpaqueType(raw.r#type)),
    };
    Ok(ValueInfo {
        name,
        ty,
        doc: raw.doc_string.unwrap_or_default(),
        metadata: raw.metadata_props,
    })
}

fn dims(shape: &proto::TensorShapeProto, at: &str) -> Result<Vec<Dim>> {
    use proto::tensor_shape_proto::dimension::Value;
    shape
        .dim
        .iter()
        .map(|dim| match &dim.value {
            None => Ok(Dim::Unknown),
            Some(Value::DimParam(name)) if name.is_empty() => Ok(Dim::Unknown),
            Some(Value::DimParam(name)) => Ok(Dim::Symbol(name.clone())),
            // Exporters write -1 for «unknown», although the format has a way to say so.
            Some(Value::DimValue(-1)) => Ok(Dim::Unknown),
            Some(Value::DimValue(size)) => usize::try_from(*size)
                .map(Dim::Known)
                .map_err(|_| Error::invalid(at, format!("has the impossible dimension {size}"))),
        })
        .collect()
}

fn tensor(raw: proto::TensorProto, at: &str, external: &mut ExternalFiles) -> Result<Tensor> {
    let code = raw.data_type.unwrap_or_default();
    let dtype = DataType::from_code(code).ok_or_else(|| {
        Error::invalid(
            at,
            format!("has data type {code}, which is not supported; store it as float or integer"),
        )
    })?;
    let dims = raw
        .dims
        .iter()
        .map(|&dim| {
            usize::try_from(dim)
                .map_err(|_| Error::invalid(at, format!("has the impossible dimension {dim}")))
        })
        .collect::<Result<Vec<_>>>()?;
    let data = if raw.data_location == Some(DataLocation::External as i32) {
        external.slice(&raw.external_data, at)?
    } else if let Some(data) = raw.raw_data {
        data
    } else {
        typed_data(&raw, dtype)
    };
    Tensor::new(dtype, dims, data).map_err(|error| match error {
        Error::Invalid { at: shape, problem } => Error::invalid(at, format!("{shape} {problem}")),
        other => other,
    })
}

/// The typed fields of `TensorProto` as little-endian bytes.
fn typed_data(raw: &proto::TensorProto, dtype: DataType) -> Bytes {
    fn le<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Bytes {
        values
            .iter()
            .flat_map(|&value| bytes(value))
            .collect::<Vec<u8>>()
            .into()
    }
    match dtype {
        DataType::F32 => le(&raw.float_data, f32::to_le_bytes),
        DataType::F64 => le(&raw.double_data, f64::to_le_bytes),
        DataType::I64 => le(&raw.int64_data, i64::to_le_bytes),
        DataType::U64 => le(&raw.uint64_data, u64::to_le_bytes),
        DataType::U32 => le(&raw.uint64_data, |value| (value as u32).to_le_bytes()),
        DataType::I32 => le(&raw.int32_data, i32::to_le_bytes),
        // The format packs every narrow type into the low bits of int32_data.
        DataType::I16 | DataType::U16 | DataType::F16 | DataType::BF16 => {
            le(&raw.int32_data, |value| (value as u16).to_le_bytes())
        }
        DataType::I8 | DataType::U8 | DataType::Bool => {
            le(&raw.int32_data, |value| (value as u8).to_le_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_is_not_onnx() {
        for bytes in [&b""[..], b"\xff\xff\xff", b"hello", b"\x0a\x7f"] {
            let error = Graph::from_bytes(Bytes::copy_from_slice(bytes)).unwrap_err();
            assert!(matches!(error, Error::NotOnnx { .. }), "{error}");
        }
    }

    #[test]
    fn bytes_that_do_not_fill_the_shape_are_refused() {
        let graph = proto::GraphProto {
            initializer: vec![proto::TensorProto {
                name: Some("w".into()),
                dims: vec![2, 2],
                data_type: Some(1),
                raw_data: Some(Bytes::from_static(&[0; 4])),
                ..Default::default()
            }],
            ..Default::default()
        };
        let model = proto::ModelProto {
            graph: Some(graph),
            opset_import: vec![proto::OperatorSetIdProto {
                domain: None,
                version: Some(17),
            }],
            ..Default::default()
        };
        let error = Graph::from_bytes(model.encode_to_vec())
            .unwrap_err()
            .to_string();
        assert!(error.contains("initializer 'w'"), "{error}");
        assert!(
            error.contains("holds 4 bytes where 16 are needed"),
            "{error}"
        );
    }

    #[test]
    fn narrow_types_come_out_of_the_int32_field() {
        let raw = proto::TensorProto {
            dims: vec![2],
            data_type: Some(10),
            int32_data: vec![0x3c00, 0xc000],
            ..Default::default()
        };
        let tensor = tensor(raw, "here", &mut ExternalFiles::new(None)).unwrap();
        assert_eq!(tensor.to_f32().unwrap(), [1.0, -2.0]);
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_stack_overflow() {
        // AttributeProto.g (6) → GraphProto.node (1) → NodeProto.attribute (5), and again.
        let mut bytes = Vec::new();
        for _ in 0..100_000 {
            for tag in [6u8, 1, 5] {
                let mut outer = vec![(tag << 3) | 2];
                prost::encoding::encode_varint(bytes.len() as u64, &mut outer);
                if outer.len() + bytes.len() > 1 << 16 {
                    break;
                }
                outer.extend_from_slice(&bytes);
                bytes = outer;
            }
        }
        let mut model = vec![(7 << 3) | 2];
        let mut graph = vec![(1 << 3) | 2];
        prost::encoding::encode_varint(bytes.len() as u64, &mut graph);
        graph.extend_from_slice(&bytes);
        prost::encoding::encode_varint(graph.len() as u64, &mut model);
        model.extend_from_slice(&graph);
        assert!(Graph::from_bytes(model).is_err());
    }
}
