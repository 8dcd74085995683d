use std::iter::Sum;
use std::mem::MaybeUninit;
use std::ops::{AddAssign, Mul};

/// A floating point number.
pub(super) trait Number:
    Copy + Default + From<f32> + Send + Sync + Mul<Output = Self> + AddAssign + Sum + 'static
{
}

impl Number for f32 {}
impl Number for f64 {}

/// `length` elements that `write` writes. Zeros that are overwritten at once would be a second pass over
/// the memory, by one thread.
///
/// # Safety
/// `write` writes every element.
pub(super) unsafe fn written<T: Number>(
    length: usize,
    write: impl FnOnce(&mut [MaybeUninit<T>]),
) -> Vec<T> {
    let mut all = Vec::with_capacity(length);
    write(&mut all.spare_capacity_mut()[..length]);
    // SAFETY: they are within the capacity, and written, as the caller promises.
    unsafe { all.set_len(length) };
    all
}
