//! `NodeProto` and `AttributeProto` → [`Node`] and [`Attribute`].

use indexmap::IndexMap;

use super::tensor::tensor;
use crate::attribute::{Attribute, Opaque};
use crate::error::{Error, Result};
use crate::external_data::ExternalFiles;
use crate::node::Node;
use crate::proto::{self, attribute_proto::AttributeType};

pub(super) fn node(node: proto::NodeProto, external: &mut ExternalFiles) -> Result<Node> {
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
        let branch = matches!(name.as_str(), "then_branch" | "else_branch");
        let value = if raw.g.is_some() && decoded.op == "If" && branch {
            // One of them may be known to run.
            Attribute::Opaque(Opaque(Box::new(raw)))
        } else {
            attribute(raw, &at, external)?
        };
        if decoded.attributes.insert(name, value).is_some() {
            return Err(Error::invalid(at, "appears twice"));
        }
    }
    Ok(decoded)
}

fn attribute(
    raw: proto::AttributeProto,
    at: &str,
    external: &mut ExternalFiles,
) -> Result<Attribute> {
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
            Attribute::Tensor(tensor(value, at, external)?)
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
