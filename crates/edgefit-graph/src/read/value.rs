//! `ValueInfoProto` → [`ValueInfo`].

use crate::error::{Error, Result};
use crate::graph::{Dim, OpaqueType, ValueInfo, ValueType};
use crate::proto;
use crate::tensor::DataType;

pub(super) fn values(raw: Vec<proto::ValueInfoProto>, field: &str) -> Result<Vec<ValueInfo>> {
    raw.into_iter()
        .map(|value| value_info(value, field))
        .collect()
}

fn value_info(raw: proto::ValueInfoProto, field: &str) -> Result<ValueInfo> {
    let name = raw.name.unwrap_or_default();
    let tensor = match &raw.r#type {
        Some(proto::TypeProto {
            value: Some(proto::type_proto::Value::TensorType(tensor)),
            denotation,
        }) => Some((tensor, denotation)),
        _ => None,
    };
    let dtype =
        tensor.and_then(|(tensor, _)| DataType::from_code(tensor.elem_type.unwrap_or_default()));
    let (ty, denotation) = match (tensor, dtype) {
        (Some((tensor, denotation)), Some(dtype)) => {
            let dims = match &tensor.shape {
                None => None,
                Some(shape) => Some(dims(shape, &format!("{field} '{name}'"))?),
            };
            (ValueType::Tensor { dtype, dims }, denotation.clone())
        }
        _ => (ValueType::Opaque(OpaqueType(raw.r#type)), None),
    };
    Ok(ValueInfo {
        name,
        ty,
        doc: raw.doc_string.unwrap_or_default(),
        denotation,
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
