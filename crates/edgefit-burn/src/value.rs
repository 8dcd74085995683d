use burn::tensor::{Device, Tensor, TensorData};

use crate::error::{Error, Result};

/// A float tensor of any rank from 1 to 6; burn's own know their rank at compile time.
///
/// ONNX scalars, of rank 0, are held as one element of rank 1.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Value {
    R1(Tensor<1>),
    R2(Tensor<2>),
    R3(Tensor<3>),
    R4(Tensor<4>),
    R5(Tensor<5>),
    R6(Tensor<6>),
}

/// Runs `$body` with `$tensor` bound to the tensor of whatever rank `$value` has.
macro_rules! on_rank {
    ($value:expr, $tensor:ident => $body:expr) => {
        match $value {
            $crate::value::Value::R1($tensor) => $body,
            $crate::value::Value::R2($tensor) => $body,
            $crate::value::Value::R3($tensor) => $body,
            $crate::value::Value::R4($tensor) => $body,
            $crate::value::Value::R5($tensor) => $body,
            $crate::value::Value::R6($tensor) => $body,
        }
    };
}
pub(crate) use on_rank;

macro_rules! conversions {
    ($($rank:literal $variant:ident),*) => {$(
        impl From<Tensor<$rank>> for Value {
            fn from(tensor: Tensor<$rank>) -> Self {
                Value::$variant(tensor)
            }
        }

        impl TryFrom<Value> for Tensor<$rank> {
            type Error = String;

            fn try_from(value: Value) -> Result<Self, String> {
                match value {
                    Value::$variant(tensor) => Ok(tensor),
                    other => Err(format!(
                        "{} dimensions are needed, the shape is {:?}", $rank, other.dims()
                    )),
                }
            }
        }
    )*};
}
conversions!(1 R1, 2 R2, 3 R3, 4 R4, 5 R5, 6 R6);

impl Value {
    /// A value of shape `dims` on `device`, from row-major `values`.
    ///
    /// # Errors
    /// The rank is above 6, or the number of values is not what `dims` asks for.
    pub fn new(values: Vec<f32>, dims: &[usize], device: &Device) -> Result<Self, String> {
        if dims.contains(&0) {
            return Err(format!(
                "a tensor of shape {dims:?} has no elements to compute with"
            ));
        }
        if values.len() != dims.iter().product::<usize>() {
            return Err(format!(
                "{} values do not fill the shape {dims:?}",
                values.len()
            ));
        }
        let count = values.len();
        Value::R1(Tensor::from_data(TensorData::new(values, [count]), device)).reshape(dims)
    }

    /// Shape.
    pub fn dims(&self) -> Vec<usize> {
        on_rank!(self, tensor => tensor.dims().to_vec())
    }

    /// The same elements in another shape with as many.
    ///
    /// # Errors
    /// The rank is above 6.
    pub fn reshape(self, dims: &[usize]) -> Result<Self, String> {
        fn to<const D: usize>(value: Value, dims: &[usize]) -> Tensor<D> {
            let mut shape = [1; D];
            shape[..dims.len()].copy_from_slice(dims);
            on_rank!(value, tensor => tensor.reshape(shape))
        }
        Ok(match dims.len() {
            0 | 1 => Value::R1(to(self, dims)),
            2 => Value::R2(to(self, dims)),
            3 => Value::R3(to(self, dims)),
            4 => Value::R4(to(self, dims)),
            5 => Value::R5(to(self, dims)),
            6 => Value::R6(to(self, dims)),
            rank => return Err(format!("tensors of {rank} dimensions are not supported")),
        })
    }

    /// The elements, row-major.
    ///
    /// # Errors
    /// The device fails to hand them out.
    pub fn to_vec(&self) -> Result<Vec<f32>> {
        let data = on_rank!(self, tensor => tensor.try_to_data())
            .map_err(|error| Error::ReadBack(error.to_string()))?;
        data.try_into_vec::<f32>()
            .map_err(|error| Error::ReadBack(format!("{error:?}")))
    }

    /// The value without its part in autodiff.
    pub(crate) fn inner(self) -> Self {
        on_rank!(self, tensor => tensor.inner().into())
    }
}
