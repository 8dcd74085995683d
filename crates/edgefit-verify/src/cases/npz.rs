//! The arrays of an `.npz` file as inputs.

use std::path::Path;

use edgefit_data::{Inputs, read_named_inputs};
use edgefit_engine::Array;
use edgefit_graph::Graph;

use super::case::{Case, Source};
use crate::error::{Error, Result};
use crate::input_kind::InputKind;

/// The arrays of an `.npz` file for the model's inputs, and the classes of the samples if it holds an array
/// `y` of them that no input takes.
///
/// # Errors
/// It cannot be read, lacks an array for an input, or has one of another shape or with values that are
/// NaN or infinite; or the targets are no classes, or some that the model has no output for.
pub fn from_npz(path: &Path, graph: &Graph) -> Result<Case> {
    let Inputs {
        arrays,
        classes,
        no_classes,
    } = read_named_inputs(path, graph)?;
    if let Some(problem) = no_classes {
        return Err(Error::invalid(format!(
            "--inputs {}: the array of targets {problem}; correct it or leave it out",
            path.display()
        )));
    }
    let all = |classes: Vec<Option<usize>>| {
        let classes: Option<Vec<usize>> = classes.into_iter().collect();
        classes.ok_or_else(|| {
            Error::invalid(format!(
                "--inputs {}: the targets hold classes that are none of the model's labels; name those with \
                 --labels, or leave the targets out",
                path.display()
            ))
        })
    };
    let arrays = arrays.into_iter().map(|array| Array {
        dims: array.dims,
        values: array.values,
    });
    Ok(Case {
        kind: InputKind::Given,
        source: Source::Arrays(arrays.collect()),
        labels: classes.map(all).transpose()?,
    })
}
