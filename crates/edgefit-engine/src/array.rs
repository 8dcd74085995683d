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
