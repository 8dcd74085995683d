//! Reads losses that JSON has no words for: what is not finite is written as null, and read as infinite.

use std::collections::VecDeque;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// A loss, or a list of them.
pub trait Losses: Sized {
    /// The same where some may be missing.
    type Written: DeserializeOwned;

    /// With those that are missing as infinite ones.
    fn of(written: Self::Written) -> Self;
}

impl Losses for f32 {
    type Written = Option<f32>;

    fn of(written: Option<f32>) -> Self {
        written.unwrap_or(f32::INFINITY)
    }
}

impl Losses for f64 {
    type Written = Option<f64>;

    fn of(written: Option<f64>) -> Self {
        written.unwrap_or(f64::INFINITY)
    }
}

impl<T: Losses> Losses for [T; 2] {
    type Written = [T::Written; 2];

    fn of(written: [T::Written; 2]) -> Self {
        written.map(T::of)
    }
}

impl<T: Losses> Losses for Vec<T> {
    type Written = Vec<T::Written>;

    fn of(written: Vec<T::Written>) -> Self {
        written.into_iter().map(T::of).collect()
    }
}

impl<T: Losses> Losses for VecDeque<T> {
    type Written = VecDeque<T::Written>;

    fn of(written: VecDeque<T::Written>) -> Self {
        written.into_iter().map(T::of).collect()
    }
}

/// For `#[serde(deserialize_with)]`.
///
/// # Errors
/// It is not numbers.
pub fn read<'de, D: Deserializer<'de>, T: Losses>(from: D) -> Result<T, D::Error> {
    T::Written::deserialize(from).map(T::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_that_is_not_finite_is_infinite() {
        let written = "[[0.5, null], [null, 2.0]]";
        let losses: Vec<[f64; 2]> = read(&mut serde_json::Deserializer::from_str(written)).unwrap();
        assert_eq!(losses, [[0.5, f64::INFINITY], [f64::INFINITY, 2.0]]);
    }
}
