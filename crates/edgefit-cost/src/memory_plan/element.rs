//! What floats are kept as while a model runs.

use edgefit_graph::DataType;

/// What floats are kept as while a model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ElementType {
    /// The type that the model declares.
    #[default]
    AsStored,
    /// Single precision: floats take four bytes.
    F32,
    /// Half precision: floats take at most two bytes.
    F16,
    /// Quantised: floats take one byte.
    Int8,
}

impl ElementType {
    /// Bytes of an element that the model declares as `dtype`. Integers and booleans are indices,
    /// shapes and masks, and keep their size.
    pub fn size(self, dtype: DataType) -> usize {
        match self {
            ElementType::F32 if dtype.is_float() => 4,
            ElementType::F16 if dtype.is_float() => dtype.size().min(2),
            ElementType::Int8 if dtype.is_float() => 1,
            _ => dtype.size(),
        }
    }
}
