//! A bound on the memory that decoding a model file takes, checked before it is decoded.
//!
//! An empty submessage takes two bytes in a file and hundreds in memory. A walk over the wire
//! format, which allocates nothing, adds up what the decoder would need, so that a file made of
//! such messages is refused.

use std::mem::size_of;

use prost::encoding::{WireType, decode_key, decode_varint};

use crate::error::{Error, Result};
use crate::proto;

/// Most memory of decoded structure for each byte of the file; ordinary nodes stay far below, see
/// the tests.
const MOST_PER_BYTE: usize = 64;

/// Bytes of memory that every file may take.
const ALWAYS_ALLOWED: usize = 1 << 20;

/// Deepest nesting that is walked; prost refuses deeper messages itself.
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
    /// Anything small, and every string.
    Leaf,
}

impl Message {
    /// What field `tag` of this message holds, if it is a message or a string.
    fn field(self, tag: u32) -> Message {
        match (self, tag) {
            (Message::Model, 7) => Message::Graph,
            (Message::Model, 25) => Message::Function,
            (Message::Graph, 1) | (Message::Function, 7) => Message::Node,
            (Message::Graph, 5) | (Message::Attribute, 5 | 10) => Message::Tensor,
            (Message::Graph, 11..=13) | (Message::Function, 12) => Message::ValueInfo,
            (Message::Node, 5) | (Message::Function, 11) => Message::Attribute,
            (Message::Attribute, 6 | 11) => Message::Graph,
            (Message::ValueInfo, 2) | (Message::Attribute, 14 | 15) => Message::Type,
            (Message::Type, 1) => Message::TensorType,
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
            Message::Leaf => size_of::<proto::StringStringEntryProto>(),
        }
    }
}

/// Refuses a file whose decoded structure would be out of proportion to its size.
///
/// Damage that the decoder finds by itself is left to it.
pub(crate) fn check_decoded_size(bytes: &[u8]) -> Result<()> {
    let most = bytes
        .len()
        .saturating_mul(MOST_PER_BYTE)
        .saturating_add(ALWAYS_ALLOWED);
    match needed(bytes, Message::Model, DEPTH) {
        Some(needed) if needed > most => Err(Error::NotOnnx {
            detail: format!(
                "its {} bytes would take {needed} bytes of memory, most of them for empty messages",
                bytes.len()
            ),
        }),
        _ => Ok(()),
    }
}

/// Memory for `message`, encoded in `bytes`, and all that is in it; `None` if it is damaged.
fn needed(mut bytes: &[u8], message: Message, depth: usize) -> Option<usize> {
    let mut sum = message.size();
    let deeper = depth.checked_sub(1)?;
    while !bytes.is_empty() {
        let (tag, wire_type) = decode_key(&mut bytes).ok()?;
        match wire_type {
            WireType::Varint => drop(decode_varint(&mut bytes).ok()?),
            WireType::ThirtyTwoBit => bytes = bytes.get(4..)?,
            WireType::SixtyFourBit => bytes = bytes.get(8..)?,
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
                let (inside, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                sum += match message.field(tag) {
                    Message::Leaf => Message::Leaf.size(),
                    child => needed(inside, child, deeper)?,
                };
            }
            WireType::StartGroup | WireType::EndGroup => return None,
        }
    }
    Some(sum)
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

    #[test]
    fn a_file_of_empty_messages_is_refused_before_it_is_decoded() {
        let empty = |tag| field(tag, &[]).repeat(200_000);
        let attributes = field(7, &field(1, &empty(5)));
        for bytes in [field(7, &empty(1)), attributes, field(7, &empty(11))] {
            let error = Graph::from_bytes(bytes).unwrap_err().to_string();
            assert!(error.contains("empty messages"), "{error}");
        }
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
        let needed = needed(&bytes, Message::Model, DEPTH).unwrap();
        assert!(
            needed < bytes.len() * MOST_PER_BYTE / 4,
            "{needed} of {}",
            bytes.len()
        );
    }
}
