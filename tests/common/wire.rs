//! ONNX models written byte by byte, also such as no library would write.

/// A field of a protobuf message that holds another message, a string or bytes.
pub fn field(tag: u64, inside: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(tag << 3 | 2, &mut bytes);
    prost::encoding::encode_varint(inside.len() as u64, &mut bytes);
    bytes.extend_from_slice(inside);
    bytes
}

/// A field that holds a number.
pub fn number(tag: u64, value: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(tag << 3, &mut bytes);
    prost::encoding::encode_varint(value as u64, &mut bytes);
    bytes
}

/// A node of operator `op` called `name` (NodeProto: input 1, output 2, name 3, op_type 4), with
/// more fields.
pub fn node(op: &str, name: &str, inputs: &[&str], outputs: &[&str], more: &[u8]) -> Vec<u8> {
    let names = |tag, names: &[&str]| -> Vec<u8> {
        names
            .iter()
            .flat_map(|name| field(tag, name.as_bytes()))
            .collect()
    };
    let parts = [
        names(1, inputs),
        names(2, outputs),
        field(3, name.as_bytes()),
        field(4, op.as_bytes()),
        more.to_vec(),
    ];
    field(1, &parts.concat())
}

/// A float tensor (TensorProto: dims 1, data_type 2, name 8, raw_data 9).
pub fn tensor(name: &str, dims: &[i64], more: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&dim| number(1, dim)).collect();
    [dims, number(2, 1), field(8, name.as_bytes()), more.to_vec()].concat()
}

/// A tensor whose data are in another file (data_location 14, external_data 13).
pub fn external(location: &str, length: &str) -> Vec<u8> {
    let entry = |key: &str, value: &str| {
        field(
            13,
            &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat(),
        )
    };
    let place = [
        entry("location", location),
        entry("length", length),
        number(14, 1),
    ];
    field(5, &tensor("w", &[1], &place.concat()))
}

/// A model of opset 17 with a float input x of shape `dims`, an output y, and these parts.
pub fn model(dims: &[i64], parts: &[Vec<u8>]) -> Vec<u8> {
    // ValueInfoProto: name 1, type 2; TypeProto.tensor_type 1: elem_type 1, shape 2; dim 1: value 1.
    let dims: Vec<u8> = dims
        .iter()
        .flat_map(|&dim| field(1, &number(1, dim)))
        .collect();
    let shape = field(2, &field(1, &[number(1, 1), field(2, &dims)].concat()));
    let value = |tag, name: &str| field(tag, &[field(1, name.as_bytes()), shape.clone()].concat());
    let graph = [parts.concat(), value(11, "x"), value(12, "y")].concat();
    // ModelProto: ir_version 1, graph 7, opset_import 8 (version 2).
    [number(1, 8), field(7, &graph), field(8, &number(2, 17))].concat()
}
