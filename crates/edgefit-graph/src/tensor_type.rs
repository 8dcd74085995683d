//! Element type and shape of a value.

use crate::error::{Error, Result};
use crate::tensor::{DataType, Tensor, checked_elements};

/// Most dimensions of a tensor.
pub(crate) const MAX_RANK: usize = 64;

/// Refuses more dimensions than [`MAX_RANK`], of the value at `at`.
pub(crate) fn check_rank(rank: usize, at: &str) -> Result<()> {
    if rank <= MAX_RANK {
        return Ok(());
    }
    let problem = format!("has {rank} dimensions; {MAX_RANK} are supported");
    Err(Error::invalid(at, problem))
}

/// Element type and concrete shape of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorType {
    /// Element type.
    pub dtype: DataType,
    /// Shape.
    pub dims: Vec<usize>,
}

impl TensorType {
    /// The type of a tensor.
    pub fn of(tensor: &Tensor) -> Self {
        TensorType {
            dtype: tensor.dtype(),
            dims: tensor.dims().to_vec(),
        }
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        checked_elements(&self.dims).unwrap_or(usize::MAX)
    }

    /// Number of elements if dimensions of size 0 had size 1: what a walk over them costs.
    pub(crate) fn span(&self) -> usize {
        let sizes = self.dims.iter().map(|&size| size.max(1));
        sizes.fold(1, usize::saturating_mul)
    }

    /// Size in bytes.
    pub fn bytes(&self) -> usize {
        self.elements().saturating_mul(self.dtype.size())
    }
}
