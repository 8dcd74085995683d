//! The types that kernels compute in, and vectors that are written without being zeroed first.

use std::iter::Sum;
use std::mem::MaybeUninit;
use std::ops::{AddAssign, Mul};

/// A float of 32 or 64 bits.
pub(super) trait Float:
    Copy + Default + From<f32> + Send + Sync + Mul<Output = Self> + AddAssign + Sum + 'static
{
}

impl Float for f32 {}
impl Float for f64 {}

/// `length` elements that `write` writes. Zeroing them first would be a second pass over the memory,
/// by one thread.
///
/// # Safety
/// `write` writes every element.
pub(super) unsafe fn vec_written_by<T: Float>(
    length: usize,
    write: impl FnOnce(&mut [MaybeUninit<T>]),
) -> Vec<T> {
    let mut all = Vec::with_capacity(length);
    write(&mut all.spare_capacity_mut()[..length]);
    // SAFETY: they are within the capacity, and written, as the caller promises.
    unsafe { all.set_len(length) };
    all
}
