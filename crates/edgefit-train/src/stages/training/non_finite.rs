//! Reads numbers that JSON has no words for: what is not finite is written as null, and read as NaN.

use std::collections::VecDeque;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// A number, or a list of them.
pub(crate) trait Numbers: Sized {
    /// The same where some may be missing.
    type Written: DeserializeOwned;

    fn of(written: Self::Written) -> Self;
}

impl Numbers for f32 {
    type Written = Option<f32>;

    fn of(written: Option<f32>) -> Self {
        written.unwrap_or(f32::NAN)
    }
}

impl Numbers for f64 {
    type Written = Option<f64>;

    fn of(written: Option<f64>) -> Self {
        written.unwrap_or(f64::NAN)
    }
}

impl<T: Numbers> Numbers for [T; 2] {
    type Written = [T::Written; 2];

    fn of(written: [T::Written; 2]) -> Self {
        written.map(T::of)
    }
}

impl<T: Numbers> Numbers for Vec<T> {
    type Written = Vec<T::Written>;

    fn of(written: Vec<T::Written>) -> Self {
        written.into_iter().map(T::of).collect()
    }
}

impl<T: Numbers> Numbers for VecDeque<T> {
    type Written = VecDeque<T::Written>;

    fn of(written: VecDeque<T::Written>) -> Self {
        written.into_iter().map(T::of).collect()
    }
}

/// For `#[serde(deserialize_with)]`.
///
/// # Errors
/// It is not numbers.
pub(crate) fn read<'de, D: Deserializer<'de>, T: Numbers>(from: D) -> Result<T, D::Error> {
    T::Written::deserialize(from).map(T::of)
}
