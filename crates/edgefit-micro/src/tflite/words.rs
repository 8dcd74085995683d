//! Numbers as LiteRT has them.

use super::Refused;

/// Sizes as words.
pub(super) fn int_words(sizes: &[usize]) -> Refused<Vec<i32>> {
    let words: std::result::Result<Vec<i32>, _> =
        sizes.iter().map(|&size| i32::try_from(size)).collect();
    words.map_err(|_| "a size of it does not fit 32 bits".into())
}
