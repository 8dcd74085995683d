//! A bound on the memory that decoding a model file takes, checked before it is decoded.
//!
//! An empty submessage takes two bytes in a file and hundreds in memory. A walk over the wire
//! format, which allocates nothing, adds up what the decoder would need, so that a file made of
//! such messages is refused.

use std::mem::size_of;

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::error::{Error, Result};
use crate::proto;

/// Most memory of decoded structure for each byte of the file; ordinary nodes stay far below, see
/// the tests.
const MOST_PER_BYTE: usize = 64;

/// Bytes of memory that every file may take.
const ALWAYS_ALLOWED: usize = 1 << 20;

/// Deepest nesting that is walked below the model, and that prost decodes.
const DEPTH: usize = 100;

/// The messages of a model that can be repeated.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Dimension,
    Function,
    SparseTensor,
    TrainingInfo,
    DeviceConfiguration,
    Sharding,
    ShardedDimension,
    /// Anything small, and every string.
    Leaf,
}

impl Message {
    /// What field `tag` of this message holds, if it is a message or a string.
    fn field(self, tag: u32) -> Message {
        match (self, tag) {
            (Message::Model, 7) | (Message::TrainingInfo, 1 | 2) => Message::Graph,
            (Message::Model, 20) => Message::TrainingInfo,
            (Message::Model, 25) => Message::Function,
            (Message::Graph, 1) | (Message::Function, 7) => Message::Node,
            (Message::Node, 10) => Message::DeviceConfiguration,
            (Message::DeviceConfiguration, 2) => Message::Sharding,
            (Message::Sharding, 4) => Message::ShardedDimension,
            (Message::Graph, 5) | (Message::Attribute, 5 | 10) | (Message::SparseTensor, 1 | 2) => {
                Message::Tensor
            }
            (Message::Graph, 15) | (Message::Attribute, 22 | 23) => Message::SparseTensor,
            (Message::Graph, 11..=13) | (Message::Function, 12) => Message::ValueInfo,
            (Message::Node, 5) | (Message::Function, 11) => Message::Attribute,
            (Message::Attribute, 6 | 11) => Message::Graph,
            (Message::ValueInfo, 2) | (Message::Attribute, 14 | 15) => Message::Type,
            (Message::Type, 1 | 8) => Message::TensorType,
            (Message::TensorType, 2) => Message::Shape,
            (Message::Shape, 1) => Message::Dimension,
            _ => Message::Leaf,
        }
    }

    fn size(self) -> usize {
        match self {
            Message::Model => size_of::<proto::ModelProto>(),
            Message::Graph => size_of::<proto::GraphProto>(),
            Message::Node => size_of::<proto::NodeProto>(),
            Message::Attribute => size_of::<proto::AttributeProto>(),
            Message::Tensor => size_of::<proto::TensorProto>(),
            Message::ValueInfo => size_of::<proto::ValueInfoProto>(),
            Message::Type => size_of::<proto::TypeProto>(),
            Message::TensorType => size_of::<proto::type_proto::Tensor>(),
            Message::Shape => size_of::<proto::TensorShapeProto>(),
            Message::Dimension => size_of::<proto::tensor_shape_proto::Dimension>(),
            Message::Function => size_of::<proto::FunctionProto>(),
            Message::SparseTensor => size_of::<proto::SparseTensorProto>(),
            Message::TrainingInfo => size_of::<proto::TrainingInfoProto>(),
            Message::DeviceConfiguration => size_of::<proto::NodeDeviceConfigurationProto>(),
            Message::Sharding => size_of::<proto::ShardingSpecProto>(),
            Message::ShardedDimension => size_of::<proto::ShardedDimProto>(),
            Message::Leaf => size_of::<proto::StringStringEntryProto>(),
        }
    }
}

/// Refuses a file whose decoded structure would be out of proportion to its size.
///
/// Damage that the decoder finds by itself is left to it, unless what it decodes before that is too much.
pub(crate) fn check_decoded_size(bytes: &[u8]) -> Result<()> {
    let most = bytes
        .len()
        .saturating_mul(MOST_PER_BYTE)
        .saturating_add(ALWAYS_ALLOWED);
    let needed = needed(bytes);
    if needed <= most {
        return Ok(());
    }
    Err(Error::NotOnnx {
        detail: format!(
            "its {} bytes would take {needed} bytes of memory, most of them for empty messages",
            bytes.len()
        ),
    })
}

/// Memory for what the decoder makes of a model, encoded in `bytes`, up to where they are damaged.
fn needed(mut bytes: &[u8]) -> usize {
    let mut sum = Message::Model.size();
    let length = bytes.len();
    // Whether all of it was walked is for the decoder to say.
    let _ = add_fields(&mut bytes, length, Message::Model, DEPTH, &mut sum);
    sum
}

/// Adds up the memory of the fields of `message`, which are the next `length` of the bytes; `None` where the
/// decoder stops. Like it, this reads a field to its end before it asks whether that is the message's, too.
fn add_fields(
    bytes: &mut &[u8],
    length: usize,
    message: Message,
    depth: usize,
    sum: &mut usize,
) -> Option<()> {
    let end = bytes.len().checked_sub(length)?;
    while bytes.len() > end {
        let (tag, wire_type) = decode_key(bytes).ok()?;
        let child = message.field(tag);
        if wire_type == WireType::LengthDelimited {
            *sum += child.size();
        }
        if wire_type == WireType::LengthDelimited && !matches!(child, Message::Leaf) {
            let length = usize::try_from(decode_varint(bytes).ok()?).ok()?;
            add_fields(bytes, length, child, depth.checked_sub(1)?, sum)?;
        } else {
            skip_field(wire_type, tag, bytes, DecodeContext::default()).ok()?;
        }
    }
    (bytes.len() == end).then_some(())
}

#[cfg(test)]
mod tests {
    use prost::encoding::encode_varint;

    use super::*;
    use crate::graph::Graph;

    /// Field `tag` holding `inside`.
    fn field(tag: u64, inside: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_varint((tag << 3) | 2, &mut bytes);
        encode_varint(inside.len() as u64, &mut bytes);
        bytes.extend_from_slice(inside);
        bytes
    }

    fn empty(tag: u64) -> Vec<u8> {
        field(tag, &[]).repeat(200_000)
    }

    fn assert_refused(bytes: Vec<u8>) {
        let error = Graph::from_bytes(bytes).unwrap_err().to_string();
        assert!(error.contains("empty messages"), "{error}");
    }

    #[test]
    fn a_file_of_empty_messages_is_refused_before_it_is_decoded() {
        let of_attribute = |tag| field(7, &field(1, &field(5, &empty(tag))));
        let attributes = field(7, &field(1, &empty(5)));
        for bytes in [field(7, &empty(1)), attributes, field(7, &empty(11))] {
            assert_refused(bytes);
        }
        // Sparse tensors, and what training begins with.
        for bytes in [field(7, &empty(15)), of_attribute(22), of_attribute(23)] {
            assert_refused(bytes);
        }
        assert_refused(empty(20));
    }

    #[test]
    fn what_is_decoded_before_the_damage_counts() {
        let graph = field(7, &empty(1));
        // No key; a group that ends at once, which is no damage, and one that never does.
        for tail in [&[0xff][..], &[0x7b, 0x7c], &[0x7b]] {
            assert_refused([graph.as_slice(), tail].concat());
        }
        // A node that is longer than the graph around it.
        assert_refused([vec![(7 << 3) | 2, 1], field(1, &empty(5))].concat());
    }

    #[test]
    fn the_deepest_messages_that_are_decoded_count() {
        let mut graph = Vec::new();
        let mut attribute = empty(11);
        for _ in 0..33 {
            graph = field(1, &field(5, &attribute));
            attribute = field(6, &graph);
        }
        assert_refused(field(7, &graph));
    }

    #[test]
    fn ordinary_structure_is_far_below_the_bound() {
        let graph = crate::proto::ModelProto {
            graph: Some(crate::proto::GraphProto {
                node: vec![
                    crate::proto::NodeProto {
                        op_type: Some("Relu".into()),
                        input: vec!["activation_12".into()],
                        output: vec!["activation_13".into()],
                        ..Default::default()
                    };
                    50_000
                ],
                ..Default::default()
            }),
            ..Default::default()
        };
        let bytes = prost::Message::encode_to_vec(&graph);
        let needed = needed(&bytes);
        assert!(
            needed < bytes.len() * MOST_PER_BYTE / 4,
            "{needed} of {}",
            bytes.len()
        );
    }
}
