//! `Expand` and `Tile`.

use super::context::Context;
use super::elementwise::broadcast;
use crate::error::Result;

/// Repeats along dimensions of size 1 until the shape is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expand {
    shape: Vec<usize>,
}

/// Repeats the whole tensor along each dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    repeats: Vec<usize>,
}

impl Expand {
    pub(super) fn read(context: &Context) -> Result<Self> {
        Ok(Expand {
            shape: context.constant_sizes(1, "target shape")?,
        })
    }

    pub(super) fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        broadcast(x, &self.shape)
    }
}

impl Tile {
    pub(super) fn read(context: &Context) -> Result<Self> {
        Ok(Tile {
            repeats: context.constant_sizes(1, "list of repeats")?,
        })
    }

    /// How often each dimension is repeated.
    pub fn repeats(&self) -> &[usize] {
        &self.repeats
    }

    pub(super) fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        if self.repeats.len() != x.len() {
            return Err(format!("cannot repeat {x:?} {:?} times", self.repeats));
        }
        let repeated = x.iter().zip(&self.repeats);
        Ok(repeated
            .map(|(size, times)| size.saturating_mul(*times))
            .collect())
    }
}
