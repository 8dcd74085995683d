//! Arrays to ONNX Runtime's tensors and back.

use half::f16;
use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, PrimitiveTensorElementType, Tensor, TensorElementType};

use crate::array::Array;

/// An output as floats, whatever numbers it holds.
pub(super) fn array(output: &DynValue) -> ort::Result<Array> {
    fn of<T: PrimitiveTensorElementType + Copy>(
        output: &DynValue,
        float: impl Fn(T) -> f32,
    ) -> ort::Result<Array> {
        let (shape, values) = output.try_extract_tensor::<T>()?;
        Ok(Array {
            dims: shape.iter().map(|&size| size as usize).collect(),
            values: values.iter().map(|&value| float(value)).collect(),
        })
    }
    match output.dtype().tensor_type() {
        Some(TensorElementType::Int64) => of::<i64>(output, |value| value as f32),
        Some(TensorElementType::Int32) => of::<i32>(output, |value| value as f32),
        Some(TensorElementType::Int8) => of::<i8>(output, f32::from),
        Some(TensorElementType::Uint8) => of::<u8>(output, f32::from),
        Some(TensorElementType::Float16) => of::<f16>(output, f16::to_f32),
        Some(TensorElementType::Float64) => of::<f64>(output, |value| value as f32),
        Some(TensorElementType::Bool) => of::<bool>(output, |value| f32::from(u8::from(value))),
        _ => of::<f32>(output, |value| value),
    }
}

/// The inputs in the element types that the model declares.
pub(super) fn tensors(
    session: &Session,
    inputs: &[Array],
) -> ort::Result<Vec<SessionInputValue<'static>>> {
    fn of<T: PrimitiveTensorElementType + Clone + std::fmt::Debug + 'static>(
        input: &Array,
        element: impl Fn(f32) -> T,
    ) -> ort::Result<SessionInputValue<'static>> {
        let values: Vec<T> = input.values.iter().map(|&value| element(value)).collect();
        Tensor::from_array((input.dims.clone(), values)).map(Into::into)
    }
    let types = session.inputs().iter();
    let types = types.map(|declared| declared.dtype().tensor_type());
    inputs
        .iter()
        .zip(types.chain(std::iter::repeat(None)))
        .map(|(input, dtype)| match dtype {
            Some(TensorElementType::Int64) => of(input, |value| value as i64),
            Some(TensorElementType::Int32) => of(input, |value| value as i32),
            Some(TensorElementType::Int8) => of(input, |value| value as i8),
            Some(TensorElementType::Uint8) => of(input, |value| value as u8),
            Some(TensorElementType::Bool) => of(input, |value| value != 0.0),
            Some(TensorElementType::Float16) => of(input, f16::from_f32),
            Some(TensorElementType::Float64) => of(input, f64::from),
            _ => of(input, |value| value),
        })
        .collect()
}
