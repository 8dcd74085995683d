//! [`Tensor`]: shape, element type and little-endian bytes.

use bytes::Bytes;
use edgefit_base::floats;
use half::{bf16, f16};

use crate::error::{Error, Result};

/// Element types that a model may store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum DataType {
    F32,
    F64,
    F16,
    BF16,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
}

impl std::fmt::Display for DataType {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            DataType::F32 => "float32",
            DataType::F64 => "float64",
            DataType::F16 => "float16",
            DataType::BF16 => "bfloat16",
            DataType::I8 => "int8",
            DataType::I16 => "int16",
            DataType::I32 => "int32",
            DataType::I64 => "int64",
            DataType::U8 => "uint8",
            DataType::U16 => "uint16",
            DataType::U32 => "uint32",
            DataType::U64 => "uint64",
            DataType::Bool => "bool",
        })
    }
}

impl DataType {
    const CODES: [(i32, DataType); 13] = [
        (1, DataType::F32),
        (2, DataType::U8),
        (3, DataType::I8),
        (4, DataType::U16),
        (5, DataType::I16),
        (6, DataType::I32),
        (7, DataType::I64),
        (9, DataType::Bool),
        (10, DataType::F16),
        (11, DataType::F64),
        (12, DataType::U32),
        (13, DataType::U64),
        (16, DataType::BF16),
    ];

    /// The type for a `TensorProto.DataType` code, if it is one that edgefit stores.
    pub fn from_code(code: i32) -> Option<Self> {
        Self::CODES
            .iter()
            .find(|(known, _)| *known == code)
            .map(|(_, dtype)| *dtype)
    }

    /// The `TensorProto.DataType` code.
    pub fn code(self) -> i32 {
        Self::CODES
            .iter()
            .find(|(_, dtype)| *dtype == self)
            .map_or(0, |(code, _)| *code)
    }

    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            DataType::I8 | DataType::U8 | DataType::Bool => 1,
            DataType::F16 | DataType::BF16 | DataType::I16 | DataType::U16 => 2,
            DataType::F32 | DataType::I32 | DataType::U32 => 4,
            DataType::F64 | DataType::I64 | DataType::U64 => 8,
        }
    }

    /// Whether gradients can flow through this type.
    pub fn is_float(self) -> bool {
        matches!(
            self,
            DataType::F32 | DataType::F64 | DataType::F16 | DataType::BF16
        )
    }
}

/// A dense tensor, row-major, its bytes little-endian and possibly borrowed from a mapped file.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    dtype: DataType,
    dims: Vec<usize>,
    data: Bytes,
}

/// Product of `dims`, or `None` when it does not fit a `usize`.
pub(crate) fn checked_elements(dims: &[usize]) -> Option<usize> {
    dims.iter()
        .try_fold(1usize, |product, &dim| product.checked_mul(dim))
}

impl Tensor {
    /// A tensor over raw little-endian `data`, row-major.
    ///
    /// ```
    /// use edgefit_graph::{DataType, Tensor};
    ///
    /// let tensor = Tensor::new(DataType::I16, vec![1, 2], vec![1, 0, 0, 1].into())?;
    /// assert_eq!(tensor.to_i64()?, [1, 256]);
    /// assert!(Tensor::new(DataType::I16, vec![3], vec![0; 4].into()).is_err());
    /// # Ok::<(), edgefit_graph::Error>(())
    /// ```
    ///
    /// # Errors
    /// The number of bytes is not what `dims` and `dtype` ask for.
    pub fn new(dtype: DataType, dims: Vec<usize>, data: Bytes) -> Result<Self> {
        let expected = checked_elements(&dims).and_then(|n| n.checked_mul(dtype.size()));
        if expected != Some(data.len()) {
            return Err(Error::invalid(
                format!("{dtype:?} tensor of shape {dims:?}"),
                match expected {
                    Some(expected) => {
                        format!("holds {} bytes where {expected} are needed", data.len())
                    }
                    None => "has more elements than memory can address".to_owned(),
                },
            ));
        }
        Ok(Tensor { dtype, dims, data })
    }

    /// A tensor of plain values, such as `f32` or `i64`, row-major.
    ///
    /// ```
    /// use edgefit_graph::{DataType, Tensor};
    ///
    /// let weight = Tensor::from_values(vec![2, 2], &[1f32, 2.0, 3.0, 4.0]);
    /// assert_eq!(weight.dtype(), DataType::F32);
    /// assert_eq!(weight.to_f32()?, [1.0, 2.0, 3.0, 4.0]);
    /// # Ok::<(), edgefit_graph::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `values` does not have the number of elements that `dims` asks for.
    pub fn from_values<T: Value>(dims: Vec<usize>, values: &[T]) -> Self {
        assert_eq!(
            checked_elements(&dims),
            Some(values.len()),
            "values for shape {dims:?}"
        );
        Tensor {
            dtype: T::DTYPE,
            dims,
            data: little_endian(values),
        }
    }

    /// A tensor of type `dtype` whose elements are `values`, wrapped around if they do not fit;
    /// `None` if the type is not one of integers or their number is not what `dims` asks for.
    pub fn from_i64(dtype: DataType, dims: Vec<usize>, values: &[i64]) -> Option<Self> {
        fn le<T: Value>(values: &[i64], narrow: impl Fn(i64) -> T) -> Bytes {
            let values: Vec<T> = values.iter().map(|&value| narrow(value)).collect();
            little_endian(&values)
        }
        let data = match dtype {
            DataType::I64 => le(values, |value| value),
            DataType::I32 => le(values, |value| value as i32),
            DataType::I16 => le(values, |value| value as i16),
            DataType::I8 => le(values, |value| value as i8),
            DataType::U64 => le(values, |value| value as u64),
            DataType::U32 => le(values, |value| value as u32),
            DataType::U16 => le(values, |value| value as u16),
            DataType::U8 | DataType::Bool => le(values, |value| value as u8),
            _ => return None,
        };
        Tensor::new(dtype, dims, data).ok()
    }

    /// A tensor of type `dtype` whose elements are `values`, rounded; `None` if the type is not
    /// one of floats or their number is not what `dims` asks for.
    pub fn from_f64(dtype: DataType, dims: Vec<usize>, values: &[f64]) -> Option<Self> {
        fn le<const N: usize>(values: &[f64], narrow: impl Fn(f64) -> [u8; N]) -> Bytes {
            values
                .iter()
                .flat_map(|&value| narrow(value))
                .collect::<Vec<u8>>()
                .into()
        }
        let data = match dtype {
            DataType::F32 => le(values, |value| (value as f32).to_le_bytes()),
            DataType::F64 => little_endian(values),
            DataType::F16 => le(values, |value| f16::from_f64(value).to_le_bytes()),
            DataType::BF16 => le(values, |value| bf16::from_f64(value).to_le_bytes()),
            _ => return None,
        };
        Tensor::new(dtype, dims, data).ok()
    }

    /// The same elements in another shape; `None` if it has another number of them.
    pub fn reshaped(&self, dims: &[usize]) -> Option<Self> {
        Tensor::new(self.dtype, dims.to_vec(), self.data.clone()).ok()
    }

    /// Element type.
    pub fn dtype(&self) -> DataType {
        self.dtype
    }

    /// Shape; empty for a scalar.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// Little-endian bytes, row-major.
    pub fn bytes(&self) -> &Bytes {
        &self.data
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.data.len() / self.dtype.size()
    }

    /// The values as `f32`.
    ///
    /// # Errors
    /// The tensor is not of a float type.
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        match self.dtype {
            DataType::F32 => Ok(floats::from_bytes(&self.data)),
            DataType::F64 => Ok(self.decode(|bytes| f64::from_le_bytes(bytes) as f32)),
            DataType::F16 => Ok(self.decode(|bytes| f16::from_le_bytes(bytes).to_f32())),
            DataType::BF16 => Ok(self.decode(|bytes| bf16::from_le_bytes(bytes).to_f32())),
            _ => Err(self.wrong_type("floats")),
        }
    }

    /// The values as `f64`.
    ///
    /// # Errors
    /// The tensor is not of type [`DataType::F64`].
    pub fn to_f64(&self) -> Result<Vec<f64>> {
        match self.dtype {
            DataType::F64 => Ok(self.decode(f64::from_le_bytes)),
            _ => Err(self.wrong_type("64-bit floats")),
        }
    }

    /// The values as `i64`.
    ///
    /// # Errors
    /// The tensor is not of an integer type, or a value does not fit.
    pub fn to_i64(&self) -> Result<Vec<i64>> {
        match self.dtype {
            DataType::I64 => Ok(self.decode(i64::from_le_bytes)),
            DataType::I32 => Ok(self.decode(|bytes| i64::from(i32::from_le_bytes(bytes)))),
            DataType::I16 => Ok(self.decode(|bytes| i64::from(i16::from_le_bytes(bytes)))),
            DataType::I8 => Ok(self.decode(|bytes| i64::from(i8::from_le_bytes(bytes)))),
            DataType::U8 | DataType::Bool => {
                Ok(self.decode(|bytes| i64::from(u8::from_le_bytes(bytes))))
            }
            DataType::U16 => Ok(self.decode(|bytes| i64::from(u16::from_le_bytes(bytes)))),
            DataType::U32 => Ok(self.decode(|bytes| i64::from(u32::from_le_bytes(bytes)))),
            DataType::U64 => self
                .decode(u64::from_le_bytes)
                .into_iter()
                .map(|value| i64::try_from(value).map_err(|_| self.wrong_type("signed integers")))
                .collect(),
            _ => Err(self.wrong_type("integers")),
        }
    }

    fn decode<T, const N: usize>(&self, read: impl Fn([u8; N]) -> T) -> Vec<T> {
        let (chunks, _) = self.data.as_chunks::<N>();
        chunks.iter().map(|chunk| read(*chunk)).collect()
    }

    fn wrong_type(&self, wanted: &str) -> Error {
        Error::invalid(
            format!("{:?} tensor of shape {:?}", self.dtype, self.dims),
            format!("does not hold {wanted}"),
        )
    }
}

/// Rust types that map onto a [`DataType`].
pub trait Value: bytemuck::NoUninit {
    /// The matching element type.
    const DTYPE: DataType;
}

macro_rules! value {
    ($($ty:ty => $dtype:ident),*) => {$(
        impl Value for $ty {
            const DTYPE: DataType = DataType::$dtype;
        }
    )*};
}
value!(
    f32 => F32, f64 => F64, i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16,
    u32 => U32, u64 => U64
);

/// The bytes of `values`; little-endian, as every machine is that `edgefit_base::floats` accepts.
pub(crate) fn little_endian<T: Value>(values: &[T]) -> Bytes {
    Bytes::copy_from_slice(bytemuck::cast_slice(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_must_match_the_shape() {
        let data = Bytes::from_static(&[0; 12]);
        assert!(Tensor::new(DataType::F32, vec![3], data.clone()).is_ok());
        assert!(Tensor::new(DataType::F32, vec![4], data.clone()).is_err());
        assert!(Tensor::new(DataType::F32, vec![usize::MAX, 8], data).is_err());
    }

    #[test]
    fn codes_go_both_ways() {
        for (code, dtype) in DataType::CODES {
            assert_eq!(DataType::from_code(code), Some(dtype));
            assert_eq!(dtype.code(), code);
        }
        assert_eq!(DataType::from_code(8), None);
    }

    #[test]
    fn narrow_floats_widen() {
        let bytes = f16::from_f32(1.5).to_le_bytes();
        let tensor = Tensor::new(DataType::F16, vec![1], Bytes::copy_from_slice(&bytes)).unwrap();
        assert_eq!(tensor.to_f32().unwrap(), [1.5]);
        assert!(tensor.to_i64().is_err());
    }
}
