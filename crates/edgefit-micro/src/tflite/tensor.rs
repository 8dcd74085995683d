//! Tensors of a model.

use super::schema::ElementType;
use crate::program::{Quantization, TensorType};

/// A tensor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    pub name: String,
    pub dims: Vec<usize>,
    pub element: ElementType,
    /// Bytes of a constant; none of a value.
    pub data: Option<Vec<u8>>,
    pub scales: Scales,
}

/// What integers stand for.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Scales {
    /// Themselves.
    #[default]
    None,
    One(Quantization),
    /// One scale for each element of a dimension, the zero point 0.
    Along(usize, Vec<f32>),
}

impl Tensor {
    /// A value of the program.
    pub fn value(name: &str, ty: &TensorType) -> Self {
        Tensor {
            name: name.to_owned(),
            dims: ty.dims.clone(),
            element: ElementType::Int8,
            data: None,
            scales: Scales::One(ty.quantization),
        }
    }

    /// Its size.
    pub fn bytes_in_memory(&self) -> u64 {
        let elements = self.dims.iter().map(|&size| size as u64);
        elements.fold(self.element.size(), u64::saturating_mul)
    }

    /// A value of floats.
    pub fn of_floats(name: &str, dims: &[usize]) -> Self {
        Tensor {
            name: name.to_owned(),
            dims: dims.to_vec(),
            element: ElementType::Float32,
            data: None,
            scales: Scales::None,
        }
    }

    /// A constant of floats.
    pub fn floats(name: String, dims: &[usize], values: &[f32]) -> Self {
        Tensor {
            data: Some(
                values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect(),
            ),
            ..Tensor::of_floats(&name, dims)
        }
    }

    /// A constant of bytes.
    pub fn bytes(name: String, dims: &[usize], bytes: &[i8], scales: Scales) -> Self {
        Tensor {
            name,
            dims: dims.to_vec(),
            element: ElementType::Int8,
            data: Some(bytes.iter().map(|&byte| byte.cast_unsigned()).collect()),
            scales,
        }
    }

    /// A constant of words.
    pub fn words(name: String, dims: &[usize], words: &[i32], scales: Scales) -> Self {
        Tensor {
            name,
            dims: dims.to_vec(),
            element: ElementType::Int32,
            data: Some(words.iter().flat_map(|word| word.to_le_bytes()).collect()),
            scales,
        }
    }
}
