//! Samples of the channels of a value: a row for each of some positions.

use edgefit_engine::Array;

/// Most positions that are taken of a sample: neighbouring ones say nearly the same.
pub(crate) const POSITIONS: usize = 64;

/// Rows of the channels along dimension `axis` of `array`, at positions that are evenly spread, and
/// shifted from batch to batch: the same for arrays of the same size and number `batch`.
pub(crate) fn rows(array: &Array, axis: usize, batch: usize) -> Vec<f32> {
    let Some(&channels) = array.dims.get(axis) else {
        return Vec::new();
    };
    let inner: usize = array.dims[axis + 1..].iter().product();
    let positions = array.values.len() / channels.max(1);
    let samples = array.dims[0].max(1);
    let count = positions.min(POSITIONS * samples);
    // The fractions of the golden ratio's multiples are spread as evenly as can be.
    let shift = (batch as f64 * 0.618_033_988_75).fract();
    let mut rows = Vec::with_capacity(count * channels);
    for index in 0..count {
        let position = ((index as f64 + shift) * positions as f64 / count as f64) as usize;
        let position = position.min(positions - 1);
        let start = position / inner * channels * inner + position % inner;
        let row = (0..channels).map(|channel| array.values[start + channel * inner]);
        rows.extend(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_the_channels_of_one_position() {
        let array = Array {
            dims: vec![1, 2, 3],
            values: vec![1.0, 2.0, 3.0, 10.0, 20.0, 30.0],
        };
        assert_eq!(rows(&array, 1, 0), [1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
        assert_eq!(rows(&array, 2, 0), [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
    }
}
