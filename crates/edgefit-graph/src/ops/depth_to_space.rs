//! `DepthToSpace` and `SpaceToDepth`.

use super::context::Context;
use crate::error::Result;

/// Moves blocks of channels into space, or blocks of space into channels, of a tensor (batch,
/// channels, height, width).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockMove {
    /// Side of a block.
    block: usize,
    /// Where the pixels of a block come from or go to.
    pub kind: BlockKind,
}

/// Direction of a [`BlockMove`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// Channels to space; the position in the block is the slowest part of the channel (DCR).
    DepthFirst,
    /// Channels to space; the position in the block is the fastest part of the channel (CRD), as
    /// PyTorch's pixel shuffle has it.
    ColumnFirst,
    /// Space to channels.
    ToDepth,
}

/// A [`BlockMove`] as a reshape, a permutation and another reshape.
pub struct BlockSteps {
    /// Shape to permute.
    pub apart: [usize; 6],
    /// For each dimension of the permuted tensor, the one it was.
    pub permutation: [usize; 6],
    /// Shape of the result.
    pub together: [usize; 4],
}

impl BlockMove {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let block = context.required_int("blocksize")?;
        let kind = match (
            context.node.op.as_str(),
            context.node.string_or("mode", "DCR")?,
        ) {
            ("SpaceToDepth", _) => BlockKind::ToDepth,
            (_, "DCR") => BlockKind::DepthFirst,
            (_, "CRD") => BlockKind::ColumnFirst,
            (_, other) => return Err(context.invalid(format!("mode '{other}' is not known"))),
        };
        Ok(BlockMove {
            block: usize::try_from(block)
                .ok()
                .filter(|&block| block > 0)
                .ok_or_else(|| context.invalid(format!("attribute 'blocksize' is {block}")))?,
            kind,
        })
    }

    /// The steps for the input shape `x`.
    ///
    /// # Errors
    /// The blocks do not fill it.
    pub fn steps(&self, x: &[usize]) -> Result<BlockSteps, String> {
        let problem = || format!("cannot move blocks of {} in {x:?}", self.block);
        let &[n, c, h, w] = x else {
            return Err(problem());
        };
        let b = self.block;
        let square = b.checked_mul(b).ok_or_else(problem)?;
        let fits = match self.kind {
            BlockKind::ToDepth => h.is_multiple_of(b) && w.is_multiple_of(b),
            _ => c.is_multiple_of(square),
        };
        let grow = |size: usize| size.checked_mul(b).ok_or_else(problem);
        if !fits {
            return Err(problem());
        }
        Ok(match self.kind {
            BlockKind::ToDepth => BlockSteps {
                apart: [n, c, h / b, b, w / b, b],
                permutation: [0, 3, 5, 1, 2, 4],
                together: [n, c.checked_mul(square).ok_or_else(problem)?, h / b, w / b],
            },
            BlockKind::DepthFirst => BlockSteps {
                apart: [n, b, b, c / square, h, w],
                permutation: [0, 3, 4, 1, 5, 2],
                together: [n, c / square, grow(h)?, grow(w)?],
            },
            BlockKind::ColumnFirst => BlockSteps {
                apart: [n, c / square, b, b, h, w],
                permutation: [0, 1, 4, 2, 5, 3],
                together: [n, c / square, grow(h)?, grow(w)?],
            },
        })
    }
}
