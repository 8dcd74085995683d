//! The arrays of an `.npz` file as inputs.

use std::path::Path;

use edgefit_data::{Inputs, read_named_inputs};
use edgefit_engine::Array;
use edgefit_graph::Graph;

use super::case::{Case, Source};
use crate::error::Result;
use crate::input_kind::InputKind;

/// The arrays of an `.npz` file for the model's inputs, a single one standardised as the model says, and the classes
/// of the samples if it holds an array `y` of them that no input takes. What keeps its values from being classes of the
/// model is told to `warn`.
///
/// # Errors
/// It cannot be read, lacks an array for an input, or has one of another shape or with values that are
/// NaN or infinite.
pub fn from_npz(path: &Path, graph: &Graph, warn: &mut dyn FnMut(&str)) -> Result<Case> {
    let Inputs {
        arrays,
        classes,
        mut no_classes,
        ..
    } = read_named_inputs(path, graph)?;
    let labels = classes.and_then(|classes| {
        let labels: Option<Vec<usize>> = classes.into_iter().collect();
        if labels.is_none() {
            let words = "array 'y' holds classes that are none of the model's; number them from 0 in the order of its \
                         outputs, or name those with --labels";
            no_classes = Some(words.to_owned());
        }
        labels
    });
    if let Some(problem) = no_classes {
        warn(&format!(
            "--inputs {}: no accuracy is told: {problem}",
            path.display()
        ));
    }
    let arrays = arrays.into_iter().map(|array| Array {
        dims: array.dims,
        values: array.values,
    });
    Ok(Case {
        kind: InputKind::Given,
        source: Source::Arrays(arrays.collect()),
        labels,
    })
}
