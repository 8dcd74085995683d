//! Values of a graph: floats in burn, integers and booleans in the host's memory.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use edgefit_graph::DataType;

use crate::error::{Error, Result};

/// A value of a graph.
///
/// Floats live in burn, where gradients flow. Integers and booleans (shapes, indices, masks) are
/// few and small, and stay in the host's memory as the graph stores them.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all values are the large one"
)]
pub enum Value {
    /// A tensor in burn. It may also hold small integers, when quantisation made it.
    Floats(Floats),
    /// A tensor in the host's memory.
    Host(edgefit_graph::Tensor),
}

/// Where a value lies: see [`Value`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Location {
    Burn,
    Host,
}

/// A float tensor of any rank from 1 to 8; burn's own know their rank at compile time.
///
/// ONNX scalars, of rank 0, are held as one element of rank 1.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Floats {
    R1(Tensor<1>),
    R2(Tensor<2>),
    R3(Tensor<3>),
    R4(Tensor<4>),
    R5(Tensor<5>),
    R6(Tensor<6>),
    R7(Tensor<7>),
    R8(Tensor<8>),
}

/// Runs `$body` with `$tensor` bound to the tensor of whatever rank `$floats` has.
macro_rules! on_rank {
    ($floats:expr, $tensor:ident => $body:expr) => {
        match $floats {
            $crate::value::Floats::R1($tensor) => $body,
            $crate::value::Floats::R2($tensor) => $body,
            $crate::value::Floats::R3($tensor) => $body,
            $crate::value::Floats::R4($tensor) => $body,
            $crate::value::Floats::R5($tensor) => $body,
            $crate::value::Floats::R6($tensor) => $body,
            $crate::value::Floats::R7($tensor) => $body,
            $crate::value::Floats::R8($tensor) => $body,
        }
    };
}
pub(crate) use on_rank;

macro_rules! conversions {
    ($($rank:literal $variant:ident),*) => {$(
        impl From<Tensor<$rank>> for Floats {
            fn from(tensor: Tensor<$rank>) -> Self {
                Floats::$variant(tensor)
            }
        }

        impl From<Tensor<$rank>> for Value {
            fn from(tensor: Tensor<$rank>) -> Self {
                Value::Floats(tensor.into())
            }
        }

        impl TryFrom<Floats> for Tensor<$rank> {
            type Error = String;

            fn try_from(floats: Floats) -> Result<Self, String> {
                match floats {
                    Floats::$variant(tensor) => Ok(tensor),
                    other => Err(format!(
                        "{} dimensions are needed, the shape is {:?}", $rank, other.dims()
                    )),
                }
            }
        }

        impl TryFrom<Value> for Tensor<$rank> {
            type Error = String;

            fn try_from(value: Value) -> Result<Self, String> {
                match value {
                    Value::Floats(floats) => floats.try_into(),
                    Value::Host(tensor) => Err(format!("it holds {:?}, not floats", tensor.dtype())),
                }
            }
        }
    )*};
}
conversions!(1 R1, 2 R2, 3 R3, 4 R4, 5 R5, 6 R6, 7 R7, 8 R8);

impl From<Floats> for Value {
    fn from(floats: Floats) -> Self {
        Value::Floats(floats)
    }
}

impl From<edgefit_graph::Tensor> for Value {
    fn from(tensor: edgefit_graph::Tensor) -> Self {
        Value::Host(tensor)
    }
}

impl Value {
    /// Floats of shape `dims` on `device`, from row-major `values`.
    ///
    /// ```
    /// use edgefit_burn::Value;
    /// use edgefit_burn::burn::tensor::{Device, Tensor};
    ///
    /// let value = Value::new(vec![1.0, 2.0, 3.0, 4.0], &[2, 2], &Device::flex())?;
    /// let matrix: Tensor<2> = value.try_into()?;
    /// assert_eq!(Value::from(matrix.transpose()).to_vec()?, [1.0, 3.0, 2.0, 4.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The rank is above 8, there are no elements, or not as many as `dims` asks for.
    pub fn new(values: Vec<f32>, dims: &[usize], device: &Device) -> Result<Self, String> {
        Floats::new(values, dims, device).map(Value::Floats)
    }

    /// Shape.
    pub fn dims(&self) -> Vec<usize> {
        match self {
            Value::Floats(floats) => floats.dims(),
            Value::Host(tensor) => tensor.dims().to_vec(),
        }
    }

    /// The elements as floats, row-major.
    ///
    /// # Errors
    /// The device fails to read them back.
    pub fn to_vec(&self) -> Result<Vec<f32>> {
        match self {
            Value::Floats(floats) => floats.to_vec(),
            Value::Host(tensor) => Ok(host_floats(tensor).map_err(Error::ReadBack)?),
        }
    }

    /// The value in burn; what lies in the host's memory is brought to `device` as floats.
    pub(crate) fn into_floats(self, device: &Device) -> Result<Floats, String> {
        match self {
            Value::Floats(floats) => Ok(floats),
            Value::Host(tensor) => Floats::new(host_floats(&tensor)?, tensor.dims(), device),
        }
    }

    /// The value in the host's memory, of shape `dims`; what lies in burn is copied as 32-bit
    /// floats.
    pub(crate) fn to_host(&self, dims: &[usize]) -> Result<edgefit_graph::Tensor, String> {
        match self {
            Value::Host(tensor) => Ok(tensor.clone()),
            Value::Floats(floats) => {
                let values = floats.to_vec().map_err(|error| error.to_string())?;
                edgefit_graph::Tensor::from_values(vec![values.len()], &values)
                    .reshaped(dims)
                    .ok_or_else(|| format!("{} values do not fill {dims:?}", values.len()))
            }
        }
    }
}

fn of_same_rank<const D: usize>(_: &Tensor<D>, other: Floats) -> Result<Tensor<D>, String>
where
    Tensor<D>: TryFrom<Floats, Error = String>,
{
    other.try_into()
}

/// The elements of any type as floats.
fn host_floats(tensor: &edgefit_graph::Tensor) -> Result<Vec<f32>, String> {
    let floats = if tensor.dtype().is_float() {
        tensor.to_f32()
    } else {
        tensor
            .to_i64()
            .map(|values| values.into_iter().map(|value| value as f32).collect())
    };
    floats.map_err(|error| error.to_string())
}

/// Whether each element of a host tensor is true, as a mask on `device`.
pub(crate) fn mask<const D: usize>(
    tensor: &edgefit_graph::Tensor,
    dims: [usize; D],
    device: &Device,
) -> Result<Tensor<D, Bool>, String> {
    if tensor.dtype() != DataType::Bool {
        return Err(format!(
            "the condition holds {:?}, not booleans",
            tensor.dtype()
        ));
    }
    let truths: Vec<bool> = tensor.bytes().iter().map(|&byte| byte != 0).collect();
    Ok(Tensor::from_data(TensorData::new(truths, dims), device))
}

impl Floats {
    /// Floats of shape `dims` on `device`, from row-major `values`.
    ///
    /// # Errors
    /// As [`Value::new`].
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
        Floats::R1(Tensor::from_data(TensorData::new(values, [count]), device)).reshape(dims)
    }

    /// Shape.
    pub fn dims(&self) -> Vec<usize> {
        on_rank!(self, tensor => tensor.dims().to_vec())
    }

    /// The same elements in another shape with as many.
    ///
    /// # Errors
    /// The rank is above 8.
    pub fn reshape(self, dims: &[usize]) -> Result<Self, String> {
        fn to<const D: usize>(floats: Floats, dims: &[usize]) -> Tensor<D> {
            let mut shape = [1; D];
            shape[..dims.len()].copy_from_slice(dims);
            on_rank!(floats, tensor => tensor.reshape(shape))
        }
        if self.dims() == dims {
            return Ok(self);
        }
        Ok(match dims.len() {
            0 | 1 => Floats::R1(to(self, dims)),
            2 => Floats::R2(to(self, dims)),
            3 => Floats::R3(to(self, dims)),
            4 => Floats::R4(to(self, dims)),
            5 => Floats::R5(to(self, dims)),
            6 => Floats::R6(to(self, dims)),
            7 => Floats::R7(to(self, dims)),
            8 => Floats::R8(to(self, dims)),
            rank => return Err(format!("tensors of {rank} dimensions are not supported")),
        })
    }

    /// The same tensor detached from autodiff.
    pub(crate) fn inner(self) -> Self {
        on_rank!(self, tensor => tensor.inner().into())
    }

    /// The same tensor for autodiff, without what made it. (burn's `detach` of a leaf is a leaf again.)
    pub(crate) fn constant(self) -> Self {
        on_rank!(self, tensor => tensor.inner().autodiff().into())
    }

    /// The sum of both, which have one shape.
    pub(crate) fn plus(self, other: Floats) -> Result<Self, String> {
        on_rank!(self, tensor => {
            let other = of_same_rank(&tensor, other)?;
            Ok((tensor + other).into())
        })
    }

    /// The sum of the products with the elements of `constant`, which has the same shape.
    pub(crate) fn dot(self, constant: Floats) -> Result<Tensor<1>, String> {
        on_rank!(self, tensor => {
            let constant = of_same_rank(&tensor, constant)?;
            Ok((tensor * constant.autodiff()).sum())
        })
    }

    /// The same elements with dimensions of size 1 in front until there are `rank`.
    pub(crate) fn padded_to(self, rank: usize) -> Result<Self, String> {
        let dims = self.dims();
        let mut padded = vec![1; rank.saturating_sub(dims.len())];
        padded.extend(dims);
        self.reshape(&padded)
    }

    /// The elements, row-major.
    ///
    /// # Errors
    /// The device fails to read them back.
    pub fn to_vec(&self) -> Result<Vec<f32>> {
        on_rank!(self, tensor => tensor.try_to_vec_as::<f32>())
            .map_err(|error| Error::ReadBack(format!("{error:?}")))
    }
}
