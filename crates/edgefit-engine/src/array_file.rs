//! Arrays in a safetensors file, for another process.

use std::collections::HashMap;
use std::path::Path;

use edgefit_base::floats;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::array::Array;

/// Writes arrays, each under its number.
pub(crate) fn write(path: &Path, arrays: &[Array]) -> Result<(), String> {
    let views = arrays.iter().enumerate().map(|(number, array)| {
        let bytes = floats::as_bytes(&array.values);
        let view = TensorView::new(Dtype::F32, array.dims.clone(), bytes);
        view.map(|view| (number.to_string(), view))
    });
    let views: Result<HashMap<String, TensorView>, _> = views.collect();
    let written = views.and_then(|views| safetensors::serialize_to_file(views, None, path));
    written.map_err(|error| format!("its arrays cannot be written ({error})"))
}

/// Reads the arrays that [`write`] wrote, and removes the file.
pub(crate) fn take(path: &Path) -> Result<Vec<Array>, String> {
    let arrays = read(path)?;
    std::fs::remove_file(path)
        .map_err(|error| format!("its arrays cannot be removed ({error})"))?;
    Ok(arrays)
}

fn read(path: &Path) -> Result<Vec<Array>, String> {
    let fail = |error: &dyn std::fmt::Display| format!("its arrays cannot be read ({error})");
    let bytes = std::fs::read(path).map_err(|error| fail(&error))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| fail(&error))?;
    (0..file.len())
        .map(|number| {
            let view = file.tensor(&number.to_string());
            let view = view.map_err(|error| fail(&error))?;
            Ok(Array {
                dims: view.shape().to_vec(),
                values: floats::from_bytes(view.data()),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_go_through_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("arrays");
        let arrays: Vec<Array> = (0..12)
            .map(|number| Array {
                dims: vec![2, number % 3],
                values: vec![number as f32 - 0.5; 2 * (number % 3)],
            })
            .collect();
        write(&path, &arrays).unwrap();
        assert_eq!(take(&path).unwrap(), arrays);
        assert!(!path.exists() && take(&path).is_err());
    }
}
