//! Dense arrays of floats, and random ones.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A dense array of floats, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Shape.
    pub dims: Vec<usize>,
    /// Elements.
    pub values: Vec<f32>,
}

impl Array {
    /// The samples `rows` (first dimension) of a batch.
    pub fn rows(&self, rows: std::ops::Range<usize>) -> Array {
        let width = self.values.len() / self.dims[0].max(1);
        let mut dims = self.dims.clone();
        dims[0] = rows.len();
        Array {
            dims,
            values: self.values[rows.start * width..rows.end * width].to_vec(),
        }
    }
}

/// Arrays of the given shapes with uniform values in −2 … 2, the range of normalised images; the same
/// for the same seed.
///
/// ```
/// let arrays = edgefit_engine::random_arrays([vec![2, 3]], 0);
/// assert_eq!(arrays, edgefit_engine::random_arrays([vec![2, 3]], 0));
/// assert!(arrays[0].values.iter().all(|value| (-2.0..2.0).contains(value)));
/// ```
pub fn random_arrays(shapes: impl IntoIterator<Item = Vec<usize>>, seed: u64) -> Vec<Array> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let shapes = shapes.into_iter();
    shapes
        .map(|dims| Array {
            values: (0..dims.iter().product())
                .map(|_| random.random_range(-2f32..2.0))
                .collect(),
            dims,
        })
        .collect()
}
