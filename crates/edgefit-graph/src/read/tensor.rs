//! `TensorProto` → [`Tensor`].

use bytes::Bytes;
use prost::Message;

use crate::error::{Error, Result};
use crate::external_data::ExternalFiles;
use crate::proto::{self, tensor_proto::DataLocation};
use crate::tensor::{DataType, Tensor, Value, little_endian};
use crate::tensor_type::check_rank;

impl Tensor {
    /// Reads a `TensorProto`, as the inputs and outputs of ONNX's own test models are stored.
    ///
    /// # Errors
    /// The bytes are not one, or its data do not fill its shape.
    pub fn from_proto_bytes(bytes: impl Into<Bytes>) -> Result<Self> {
        let raw = proto::TensorProto::decode(bytes.into()).map_err(|error| Error::NotOnnx {
            detail: error.to_string(),
        })?;
        let at = format!("tensor '{}'", raw.name.as_deref().unwrap_or_default());
        tensor(raw, &at, &mut ExternalFiles::none())
    }
}

pub(super) fn tensor(
    raw: proto::TensorProto,
    at: &str,
    external: &mut ExternalFiles,
) -> Result<Tensor> {
    let code = raw.data_type.unwrap_or_default();
    let dtype = DataType::from_code(code).ok_or_else(|| {
        Error::invalid(
            at,
            format!("has data type {code}, which is not supported; store it as float or integer"),
        )
    })?;
    check_rank(raw.dims.len(), at)?;
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
    fn le<T: Copy, V: Value>(values: &[T], narrow: impl Fn(T) -> V) -> Bytes {
        let values: Vec<V> = values.iter().map(|&value| narrow(value)).collect();
        little_endian(&values)
    }
    match dtype {
        DataType::F32 => little_endian(&raw.float_data),
        DataType::F64 => little_endian(&raw.double_data),
        DataType::I64 => little_endian(&raw.int64_data),
        DataType::U64 => little_endian(&raw.uint64_data),
        DataType::U32 => le(&raw.uint64_data, |value| value as u32),
        DataType::I32 => little_endian(&raw.int32_data),
        // The format packs every narrow type into the low bits of int32_data.
        DataType::I16 | DataType::U16 | DataType::F16 | DataType::BF16 => {
            le(&raw.int32_data, |value| value as u16)
        }
        DataType::I8 | DataType::U8 | DataType::Bool => le(&raw.int32_data, |value| value as u8),
    }
}
