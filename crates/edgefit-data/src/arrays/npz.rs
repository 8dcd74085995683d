//! `.npz` archives as a whole: all arrays under their names.

use std::io::{Cursor, Write};
use std::path::Path;

use edgefit_base::floats::as_bytes;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::container::Container;
use super::npy::{self, Kind};
use crate::error::{Error, Result};

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

/// All arrays of an `.npz` archive as of `np.savez` or `np.savez_compressed`, sorted by name.
///
/// ```
/// use edgefit_data::{NamedArray, npz, read_npz};
///
/// let x = NamedArray { name: "x".into(), dims: vec![2], values: vec![0.5, -1.0] };
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("inputs.npz");
/// std::fs::write(&path, npz(std::slice::from_ref(&x))?)?;
/// assert_eq!(read_npz(&path)?, [x]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// It is not an archive, or an array is damaged, pickled or of text.
pub fn read_npz(path: impl AsRef<Path>) -> Result<Vec<NamedArray>> {
    let path = path.as_ref();
    let read = || -> Result<Vec<NamedArray>, String> {
        let mut container = Container::open(path)?;
        let names = container.names()?.into_iter();
        names
            .map(|name| {
                let about = |problem: String| format!("array '{name}' {problem}");
                let array = container.array(&name).map_err(about)?;
                if array.kind() == Kind::Text {
                    return Err(about("holds text; a model takes numbers".into()));
                }
                let dims = array.shape().to_vec();
                let values = array.floats().map_err(about)?;
                Ok(NamedArray { name, dims, values })
            })
            .collect()
    };
    read().map_err(|problem| Error::Dataset {
        path: path.to_path_buf(),
        problem,
    })
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
        assert_eq!(read_npz(&path).unwrap(), arrays);
        std::fs::write(&path, "no archive").unwrap();
        assert!(
            read_npz(&path)
                .unwrap_err()
                .to_string()
                .contains("nor an .npz")
        );
    }
}
