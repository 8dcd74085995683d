//! The arrays of an `.npz` file as inputs.

use std::path::Path;

use edgefit_data::{NamedArray, read_npz};
use edgefit_engine::Array;
use edgefit_graph::{Dim, Graph, ValueInfo};

use super::case::{Case, Source};
use crate::error::{Error, Result};
use crate::input_kind::InputKind;

/// Name of the array that holds the class of each sample.
const CLASSES: &str = "y";

/// The arrays of an `.npz` file for the model's inputs, and the classes of the samples if it holds an array
/// `y` of them that no input takes.
///
/// # Errors
/// It cannot be read, lacks an array for an input, or has one of another shape or with values that are
/// NaN or infinite.
pub fn from_npz(path: &Path, graph: &Graph) -> Result<Case> {
    let mut arrays = read_npz(path)?;
    let inputs = graph.free_inputs();
    let inputs = inputs.map(|input| one(path, input, &mut arrays));
    let inputs = inputs.collect::<Result<Vec<Array>>>()?;
    let samples = inputs.first().and_then(|input| input.dims.first().copied());
    let left = arrays
        .iter()
        .find(|array| array.name == CLASSES && array.dims.len() == 1);
    let labels = left
        .map(|array| classes(path, array, samples))
        .transpose()?;
    Ok(Case {
        kind: InputKind::Given,
        source: Source::Arrays(inputs),
        labels,
    })
}

/// The class of each sample.
fn classes(path: &Path, array: &NamedArray, samples: Option<usize>) -> Result<Vec<usize>> {
    let whole = |value: &f32| (*value >= 0.0 && value.fract() == 0.0).then_some(*value as usize);
    let found: Option<Vec<usize>> = array.values.iter().map(whole).collect();
    found.filter(|found| Some(found.len()) == samples).ok_or_else(|| {
        Error::invalid(format!(
            "--inputs {}: the array '{CLASSES}' has the shape {:?}, and is to hold the class of each sample, \
             0, 1, …; correct it or leave it out",
            path.display(),
            array.dims
        ))
    })
}

/// Takes the array of `input` out of `arrays`.
fn one(path: &Path, input: &ValueInfo, arrays: &mut Vec<NamedArray>) -> Result<Array> {
    let place = format!("--inputs {}", path.display());
    let Some(at) = arrays.iter().position(|array| array.name == input.name) else {
        let there: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
        let only = match there.as_slice() {
            [] => String::new(),
            there => format!(", only {}", there.join(", ")),
        };
        return Err(Error::invalid(format!(
            "{place} has no array for the input '{}'{only}; save one under that name with np.savez",
            input.name
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
