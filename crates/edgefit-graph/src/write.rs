//! [`Graph`] → ONNX file.

use std::path::Path;

use edgefit_base::file::write_atomically;
use prost::Message;

use crate::attribute::Attribute;
use crate::error::Result;
use crate::graph::{Dim, Graph, Node, ValueInfo, ValueType};
use crate::proto::{self, attribute_proto::AttributeType, tensor_proto::DataLocation};
use crate::tensor::Tensor;

/// Protobuf cannot hold a message of 2 GiB; weights beyond this go into a file of their own.
const INLINE_LIMIT: usize = (1 << 31) - (16 << 20);

impl Graph {
    /// The model as the bytes of a self-contained ONNX file.
    ///
    /// ```
    /// use edgefit_graph::{Graph, Node, ValueInfo};
    ///
    /// let mut graph = Graph::new("relu", 17);
    /// graph.inputs.push(ValueInfo::float("x"));
    /// graph.outputs.push(ValueInfo::float("y"));
    /// graph.nodes.push(Node::new("Relu", "relu", &["x"], &["y"]));
    /// assert_eq!(Graph::from_bytes(graph.to_bytes())?, graph);
    /// # Ok::<(), edgefit_graph::Error>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_proto(&mut |tensor| tensor_proto(tensor))
            .encode_to_vec()
    }

    /// Writes the model to a temporary file that is then renamed to `path`, so that `path` never
    /// holds half a model.
    ///
    /// A model whose weights exceed protobuf's 2 GiB gets a second file, `<name>.data`, in the same
    /// folder. See [`Graph::load`] for an example.
    ///
    /// # Errors
    /// The folder does not exist, is not writable, or the disk is full.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_with_limit(path.as_ref(), INLINE_LIMIT)
    }

    pub(crate) fn save_with_limit(&self, path: &Path, inline_limit: usize) -> Result<()> {
        let weights: usize = self
            .initializers
            .values()
            .map(|tensor| tensor.bytes().len())
            .sum();
        if weights <= inline_limit {
            return Ok(write_atomically(path, |file| {
                file.write_all(&self.to_bytes())
            })?);
        }
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(".data");
        let location = name.to_string_lossy().into_owned();
        let mut offset = 0;
        let model = self.to_proto(&mut |tensor| {
            let mut external = proto::TensorProto {
                data_location: Some(DataLocation::External as i32),
                external_data: [
                    ("location", location.clone()),
                    ("offset", offset.to_string()),
                    ("length", tensor.bytes().len().to_string()),
                ]
                .map(|(key, value)| entry(key, &value))
                .into(),
                ..tensor_proto(tensor)
            };
            external.raw_data = None;
            offset += tensor.bytes().len();
            external
        });
        write_atomically(&path.with_file_name(&name), |file| {
            self.initializers
                .values()
                .try_for_each(|tensor| file.write_all(tensor.bytes()))
        })?;
        Ok(write_atomically(path, |file| {
            file.write_all(&model.encode_to_vec())
        })?)
    }

    fn to_proto(
        &self,
        weights: &mut dyn FnMut(&Tensor) -> proto::TensorProto,
    ) -> proto::ModelProto {
        let graph = proto::GraphProto {
            name: Some(self.name.clone()),
            node: self.nodes.iter().map(node_proto).collect(),
            initializer: self
                .initializers
                .iter()
                .map(|(name, tensor)| proto::TensorProto {
                    name: Some(name.clone()),
                    ..weights(tensor)
                })
                .collect(),
            input: self.inputs.iter().map(value_proto).collect(),
            output: self.outputs.iter().map(value_proto).collect(),
            value_info: self.value_info.iter().map(value_proto).collect(),
            doc_string: self.opaque.graph_doc.clone(),
            quantization_annotation: self.opaque.quantization.clone(),
            metadata_props: self.opaque.graph_metadata.clone(),
            sparse_initializer: Vec::new(),
        };
        proto::ModelProto {
            ir_version: Some(self.ir_version),
            opset_import: self
                .opsets
                .iter()
                .map(|(domain, version)| proto::OperatorSetIdProto {
                    domain: Some(domain.clone()),
                    version: Some(*version),
                })
                .collect(),
            producer_name: Some(self.producer.0.clone()),
            producer_version: Some(self.producer.1.clone()),
            domain: self.opaque.domain.clone(),
            model_version: self.opaque.model_version,
            doc_string: self.opaque.model_doc.clone(),
            graph: Some(graph),
            metadata_props: self
                .metadata
                .iter()
                .map(|(key, value)| entry(key, value))
                .collect(),
            ..Default::default()
        }
    }
}

fn entry(key: &str, value: &str) -> proto::StringStringEntryProto {
    proto::StringStringEntryProto {
        key: Some(key.into()),
        value: Some(value.into()),
    }
}

fn tensor_proto(tensor: &Tensor) -> proto::TensorProto {
    proto::TensorProto {
        dims: tensor.dims().iter().map(|&dim| dim as i64).collect(),
        data_type: Some(tensor.dtype().code()),
        raw_data: Some(tensor.bytes().clone()),
        ..Default::default()
    }
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn node_proto(node: &Node) -> proto::NodeProto {
    proto::NodeProto {
        input: node.inputs.clone(),
        output: node.outputs.clone(),
        name: text(&node.name),
        op_type: Some(node.op.clone()),
        domain: text(&node.domain),
        attribute: node
            .attributes
            .iter()
            .map(|(name, value)| attribute_proto(name, value))
            .collect(),
        doc_string: text(&node.doc),
        metadata_props: node.metadata.clone(),
        ..Default::default()
    }
}

fn attribute_proto(name: &str, value: &Attribute) -> proto::AttributeProto {
    let mut raw = proto::AttributeProto {
        name: Some(name.to_owned()),
        ..Default::default()
    };
    let mut kind = |kind: AttributeType| raw.r#type = Some(kind as i32);
    match value {
        Attribute::Float(value) => {
            kind(AttributeType::Float);
            raw.f = Some(*value);
        }
        Attribute::Int(value) => {
            kind(AttributeType::Int);
            raw.i = Some(*value);
        }
        Attribute::String(value) => {
            kind(AttributeType::String);
            raw.s = Some(value.clone());
        }
        Attribute::Tensor(value) => {
            kind(AttributeType::Tensor);
            raw.t = Some(tensor_proto(value));
        }
        Attribute::Floats(values) => {
            kind(AttributeType::Floats);
            raw.floats = values.clone();
        }
        Attribute::Ints(values) => {
            kind(AttributeType::Ints);
            raw.ints = values.clone();
        }
        Attribute::Strings(values) => {
            kind(AttributeType::Strings);
            raw.strings = values.clone();
        }
        Attribute::Opaque(kept) => return (*kept.0).clone(),
    }
    raw
}

fn value_proto(value: &ValueInfo) -> proto::ValueInfoProto {
    use proto::tensor_shape_proto::{Dimension, dimension::Value};
    let ty = match &value.ty {
        ValueType::Opaque(kept) => kept.0.clone(),
        ValueType::Tensor { dtype, dims } => {
            let shape = dims.as_ref().map(|dims| proto::TensorShapeProto {
                dim: dims
                    .iter()
                    .map(|dim| Dimension {
                        denotation: None,
                        value: match dim {
                            Dim::Known(size) => Some(Value::DimValue(*size as i64)),
                            Dim::Symbol(name) => Some(Value::DimParam(name.clone())),
                            Dim::Unknown => None,
                        },
                    })
                    .collect(),
            });
            let tensor = proto::type_proto::Tensor {
                elem_type: Some(dtype.code()),
                shape,
            };
            Some(proto::TypeProto {
                value: Some(proto::type_proto::Value::TensorType(tensor)),
                denotation: value.denotation.clone(),
            })
        }
    };
    proto::ValueInfoProto {
        name: Some(value.name.clone()),
        r#type: ty,
        doc_string: text(&value.doc),
        metadata_props: value.metadata.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Graph {
        let mut graph = Graph::new("sample", 17);
        graph.inputs.push(ValueInfo::f32(
            "x",
            vec![Dim::Symbol("batch".into()), Dim::Known(3), Dim::Unknown],
        ));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        graph
            .initializers
            .insert("w".into(), Tensor::from_values(vec![3], &[1f32, 2.0, 3.0]));
        graph
            .initializers
            .insert("shape".into(), Tensor::from_values(vec![], &[7i64]));
        graph.nodes.push(
            Node::new("Mul", "scale", &["x", "w"], &["y"])
                .with("i", Attribute::Int(-3))
                .with("fs", Attribute::Floats(vec![0.5]))
                .with("s", "text".into())
                .with("t", Attribute::Tensor(Tensor::from_values(vec![1], &[9i8]))),
        );
        graph.metadata.insert("key".into(), "value".into());
        graph
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let graph = sample();
        assert_eq!(Graph::from_bytes(graph.to_bytes()).unwrap(), graph);
    }

    #[test]
    fn large_weights_go_into_a_second_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.onnx");
        let graph = sample();
        graph.save_with_limit(&path, 8).unwrap();
        assert_eq!(
            std::fs::metadata(folder.path().join("model.onnx.data"))
                .unwrap()
                .len(),
            20
        );
        assert_eq!(Graph::load(&path).unwrap(), graph);
    }
}
