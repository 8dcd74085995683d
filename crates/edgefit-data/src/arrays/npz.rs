//! `.npz` archives as a whole: arrays under their names.

use std::io::{Cursor, Write};

use edgefit_base::floats::as_bytes;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::npy;

/// An array with a name: an input of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedArray {
    /// Name.
    pub name: String,
    /// Shape.
    pub dims: Vec<usize>,
    /// Elements in C order; integers and booleans become floats.
    pub values: Vec<f32>,
}

/// The bytes of an `.npz` archive that `np.load` reads, not compressed.
///
/// # Errors
/// A name that no archive takes.
pub fn npz(arrays: &[NamedArray]) -> std::io::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for array in arrays {
        archive.start_file(format!("{}.npy", array.name), options)?;
        archive.write_all(&npy::floats_header(&array.dims))?;
        archive.write_all(as_bytes(&array.values))?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrays::container::Container;

    #[test]
    fn what_is_written_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inputs.npz");
        let array = |name: &str, dims: &[usize]| NamedArray {
            name: name.into(),
            dims: dims.to_vec(),
            values: (0..dims.iter().product::<usize>())
                .map(|value| value as f32 - 0.5)
                .collect(),
        };
        let arrays = [array("/a/b_1", &[2, 3]), array("x", &[4]), array("y", &[])];
        std::fs::write(&path, npz(&arrays).unwrap()).unwrap();
        let mut container = Container::open(&path).unwrap();
        assert_eq!(container.names().unwrap(), ["/a/b_1", "x", "y"]);
        for array in arrays {
            let read = container.array(&array.name).unwrap();
            assert_eq!(read.shape(), array.dims);
            assert_eq!(read.floats().unwrap(), array.values);
        }
    }
}
