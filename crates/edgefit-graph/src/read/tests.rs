//! Tests of reading: damaged, narrow, nested and changing files.

use bytes::Bytes;
use prost::Message;

use super::tensor::tensor;
use crate::attribute::Attribute;
use crate::error::Error;
use crate::external_data::ExternalFiles;
use crate::graph::{Dim, Graph, Node, ValueInfo};
use crate::proto;
use crate::tensor::Tensor;

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
    let tensor = tensor(raw, "here", &mut ExternalFiles::none()).unwrap();
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

#[test]
fn a_copied_model_outlives_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let weights = folder.path().join("weights");
    std::fs::write(&weights, [1; 4]).unwrap();
    let entry = |key: &str, value: &str| proto::StringStringEntryProto {
        key: Some(key.into()),
        value: Some(value.into()),
    };
    let stored = proto::TensorProto {
        name: Some("stored".into()),
        dims: vec![2],
        data_type: Some(3),
        raw_data: Some(Bytes::from_static(&[1, 2])),
        ..Default::default()
    };
    let external = proto::TensorProto {
        name: Some("external".into()),
        dims: vec![4],
        data_type: Some(3),
        data_location: Some(proto::tensor_proto::DataLocation::External as i32),
        external_data: vec![entry("location", "weights")],
        ..Default::default()
    };
    let model = proto::ModelProto {
        graph: Some(proto::GraphProto {
            output: vec![proto::ValueInfoProto {
                name: Some("stored".into()),
                ..Default::default()
            }],
            initializer: vec![stored, external],
            ..Default::default()
        }),
        opset_import: vec![proto::OperatorSetIdProto {
            domain: None,
            version: Some(17),
        }],
        ..Default::default()
    };
    std::fs::write(&path, model.encode_to_vec()).unwrap();

    let graph = Graph::load_copied(&path).unwrap();
    let size = usize::try_from(std::fs::metadata(&path).unwrap().len()).unwrap();
    std::fs::write(&path, vec![0; size]).unwrap();
    std::fs::write(&weights, b"").unwrap();
    let values = |name: &str| graph.initializers[name].to_i64().unwrap();
    assert_eq!(values("stored"), [1, 2]);
    assert_eq!(values("external"), [1; 4]);
}

#[test]
fn a_model_without_outputs_or_version_is_explained() {
    let mut graph = Graph::new("small", 17);
    graph.inputs.push(ValueInfo::float("x"));
    graph.nodes.push(Node::new("Relu", "relu", &["x"], &["y"]));
    let refusal = |graph: &Graph| Graph::from_bytes(graph.to_bytes()).unwrap_err().to_string();
    assert!(refusal(&graph).contains("field 'output': names no output"));
    graph.outputs.push(ValueInfo::float("y"));
    Graph::from_bytes(graph.to_bytes()).unwrap();
    graph.opsets = [("ai.onnx.ml".to_owned(), 1)].into_iter().collect();
    let error = refusal(&graph);
    assert!(
        error.contains("no version of the ONNX operators, only of ai.onnx.ml"),
        "{error}"
    );
    graph.opsets.clear();
    assert!(refusal(&graph).contains("no version of the ONNX operators; write one"));
}

#[test]
fn a_constant_may_lie_in_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("weights"), [7; 4]).unwrap();
    let location = proto::StringStringEntryProto {
        key: Some("location".into()),
        value: Some("weights".into()),
    };
    let mut graph = Graph::new("g", 17);
    graph.outputs.push(ValueInfo::float("y"));
    let constant = Node::new("Constant", "c", &[], &["y"]);
    let inside = Attribute::Tensor(Tensor::from_values(vec![4], &[0i8; 4]));
    graph.nodes.push(constant.with("value", inside));
    let mut model = proto::ModelProto::decode(graph.to_bytes().as_slice()).unwrap();
    let stored = &mut model.graph.as_mut().unwrap().node[0].attribute[0];
    let stored = stored.t.as_mut().unwrap();
    stored.raw_data = None;
    stored.data_location = Some(proto::tensor_proto::DataLocation::External as i32);
    stored.external_data = vec![location];

    let path = folder.path().join("model.onnx");
    std::fs::write(&path, model.encode_to_vec()).unwrap();
    let read = Graph::load(&path).unwrap();
    let value = read.nodes[0].tensor("value").unwrap().unwrap();
    assert_eq!(value.to_i64().unwrap(), [7; 4]);
}

#[test]
fn a_tensor_does_not_have_any_number_of_dimensions() {
    let raw = proto::TensorProto {
        dims: vec![1; 65],
        data_type: Some(3),
        int32_data: vec![0],
        ..Default::default()
    };
    let error = tensor(raw, "here", &mut ExternalFiles::none()).unwrap_err();
    assert!(
        error.to_string().contains("here: has 65 dimensions"),
        "{error}"
    );
}

#[test]
fn a_denotation_hides_no_type_and_is_kept() {
    let mut graph = Graph::new("g", 17);
    let dims = [1, 3, 8, 8].map(Dim::Known).to_vec();
    graph.inputs.push(ValueInfo::f32("x", dims.clone()));
    graph.outputs.push(ValueInfo::float("y"));
    graph.nodes.push(Node::new("Relu", "relu", &["x"], &["y"]));
    let mut model = proto::ModelProto::decode(graph.to_bytes().as_slice()).unwrap();
    let declared = &mut model.graph.as_mut().unwrap().input[0].r#type;
    declared.as_mut().unwrap().denotation = Some("IMAGE".into());
    let read = Graph::from_bytes(model.encode_to_vec()).unwrap();
    assert_eq!(read.inputs[0].dims(), Some(dims.as_slice()));
    let written = proto::ModelProto::decode(read.to_bytes().as_slice()).unwrap();
    assert_eq!(written, model);
}
