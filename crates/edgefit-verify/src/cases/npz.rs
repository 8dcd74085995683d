//! The arrays of an `.npz` file as inputs.

use std::path::Path;

use edgefit_data::{NamedArray, read_npz};
use edgefit_engine::Array;
use edgefit_graph::{Dim, Graph, ValueInfo};

use super::case::{Case, Source};
use crate::error::{Error, Result};
use crate::input_kind::InputKind;

/// The arrays of an `.npz` file for the model's inputs.
///
/// # Errors
/// It cannot be read, lacks an array for an input, or has one of another shape or with values that are
/// NaN or infinite.
pub fn from_npz(path: &Path, graph: &Graph) -> Result<Case> {
    let mut arrays = read_npz(path)?;
    let inputs = graph.free_inputs();
    let inputs = inputs.map(|input| one(path, input, &mut arrays));
    Ok(Case {
        kind: InputKind::Given,
        source: Source::Arrays(inputs.collect::<Result<_>>()?),
    })
}

/// Takes the array of `input` out of `arrays`.
fn one(path: &Path, input: &ValueInfo, arrays: &mut Vec<NamedArray>) -> Result<Array> {
    let place = format!("--inputs {}", path.display());
    let Some(at) = arrays.iter().position(|array| array.name == input.name) else {
        let there: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
        return Err(Error::invalid(format!(
            "{place} has no array for the input '{}', only {}; save one under that name with np.savez",
            input.name,
            there.join(", ")
        )));
    };
    let array = arrays.swap_remove(at);
    let fits = input.dims().is_none_or(|dims| {
        let mut sizes = dims.iter().zip(&array.dims).enumerate();
        // The engines take any number of samples.
        dims.len() == array.dims.len()
            && sizes.all(|(axis, (dim, size))| {
                axis == 0 || !matches!(dim, Dim::Known(known) if known != size)
            })
    });
    if !fits || array.dims.contains(&0) {
        return Err(Error::invalid(format!(
            "{place}: the array '{}' has the shape {:?}, and the model's input is {}; save it in that \
             shape",
            array.name,
            array.dims,
            declared(input)
        )));
    }
    let values = array.values.iter();
    let non_finite = values.filter(|value| !value.is_finite()).count();
    if non_finite > 0 {
        return Err(Error::invalid(format!(
            "{place}: the array '{}' has {non_finite} values that are NaN or infinite; nothing can be \
             compared on those, replace them",
            array.name
        )));
    }
    Ok(Array {
        dims: array.dims,
        values: array.values,
    })
}

fn declared(input: &ValueInfo) -> String {
    let dims = input.dims().unwrap_or_default().iter();
    let dims: Vec<String> = dims.map(ToString::to_string).collect();
    format!("({})", dims.join(", "))
}
