//! What is predicted on: images and arrays, prepared as the model says, and what is true of them where
//! their place says it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use edgefit_data::{NamedArray, decode, images_below, prepare, read_image, read_npz};
use edgefit_engine::Array;
use edgefit_graph::{Graph, Preprocessing, StandardScaler};

use crate::error::{Error, Result};

/// Name of the array that holds the samples in a dataset of arrays, whatever the model's input is called.
const X: &str = "x";

/// Name of the array that holds the class of each sample.
const Y: &str = "y";

/// A sample as it is called, and its class if that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its path below the folder that was given, or its row.
    pub name: String,
    /// Its class, as an output of the model.
    pub class: Option<usize>,
}

/// A batch of samples, ready for the model.
pub(crate) struct Batch {
    pub samples: Vec<Sample>,
    pub inputs: Vec<Array>,
}

/// An image that is to be read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Image {
    pub path: PathBuf,
    pub sample: Sample,
}

/// The images that `path` stands for: itself, or all below it. One below a folder that is called as one of
/// the `labels` is of that class. With `only`, those whose path below the folder is among them.
pub(crate) fn images(
    path: &Path,
    labels: &[String],
    only: Option<&BTreeSet<String>>,
    warn: &mut dyn FnMut(&str),
) -> Result<Vec<Image>> {
    if !path.is_dir() {
        let name = path.display().to_string();
        let sample = Sample { name, class: None };
        let path = path.to_path_buf();
        return Ok(vec![Image { path, sample }]);
    }
    let (paths, remarks) = images_below(path)?;
    for remark in remarks {
        warn(&format!("{}: {remark}", path.display()));
    }
    let found: Vec<Image> = paths
        .into_iter()
        .filter_map(|image| {
            let below = image.strip_prefix(path).unwrap_or(&image);
            let parts = below.iter().map(OsStr::to_string_lossy);
            let parts: Vec<_> = parts.collect();
            let name = parts.join("/");
            if only.is_some_and(|only| !only.contains(&name)) {
                return None;
            }
            let folders = parts.split_last().map_or(&[][..], |(_, folders)| folders);
            let class = folders
                .iter()
                .rev()
                .find_map(|folder| labels.iter().position(|label| *label == **folder));
            let sample = Sample { name, class };
            Some(Image {
                path: image,
                sample,
            })
        })
        .collect();
    if found.is_empty() {
        let what = match only {
            None => "no image; give images or a folder of them",
            Some(_) => "none of the images of --split; give the folder that the run was trained on",
        };
        return Err(Error::invalid(format!("{} holds {what}", path.display())));
    }
    Ok(found)
}

/// Reads and prepares images; those that cannot be read are told to `warn` and left out.
pub(crate) fn batch(
    images: &[Image],
    preprocessing: &Preprocessing,
    warn: &mut dyn FnMut(&str),
) -> Batch {
    let (mut samples, mut values) = (Vec::new(), Vec::new());
    for image in images {
        let read = read_image(&image.path).and_then(|bytes| decode(&bytes));
        match read.and_then(|image| prepare(&image, preprocessing)) {
            Ok(input) => {
                values.extend(input);
                samples.push(image.sample.clone());
            }
            Err(problem) => warn(&format!("{}: {problem}; left out", image.path.display())),
        }
    }
    let dims = [&[samples.len()], preprocessing.dims().as_slice()].concat();
    Batch {
        samples,
        inputs: vec![Array { dims, values }],
    }
}

/// The samples of an `.npz` file: an array for each input of the model, or for its only one an array `x`;
/// and their classes, where there is an array `y` whose numbers are the `labels`.
pub(crate) fn arrays(path: &Path, graph: &Graph, labels: &[String]) -> Result<Batch> {
    let mut arrays = read_npz(path)?;
    let inputs: Vec<&str> = graph
        .free_inputs()
        .map(|input| input.name.as_str())
        .collect();
    let scaler = StandardScaler::of(graph)?;
    let mut taken = Vec::new();
    for input in &inputs {
        let is_it =
            |array: &NamedArray| array.name == *input || (inputs.len() == 1 && array.name == X);
        let Some(at) = arrays.iter().position(is_it) else {
            let there: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
            return Err(Error::invalid(format!(
                "{} has no array for the input '{input}', only {}; save one under that name with np.savez",
                path.display(),
                there.join(", ")
            )));
        };
        let mut array = arrays.swap_remove(at);
        if let Some(scaler) = scaler.as_ref().filter(|_| inputs.len() == 1) {
            if array.dims.get(1..) != Some(scaler.dims.as_slice()) {
                return Err(Error::invalid(format!(
                    "{}: samples of '{}' have the shape {:?}, and the model takes {:?}; save them in that shape",
                    path.display(),
                    array.name,
                    array.dims.get(1..).unwrap_or_default(),
                    scaler.dims
                )));
            }
            scaler.apply(&mut array.values);
        }
        taken.push(Array {
            dims: array.dims,
            values: array.values,
        });
    }
    let count = taken.first().and_then(|array| array.dims.first().copied());
    let count =
        count.ok_or_else(|| Error::invalid(format!("{} holds no samples", path.display())))?;
    if taken.iter().any(|array| array.dims.first() != Some(&count)) {
        return Err(Error::invalid(format!(
            "{}: its arrays hold different numbers of samples; save as many of each",
            path.display()
        )));
    }
    let truth = arrays
        .iter()
        .find(|array| array.name == Y && array.values.len() == count);
    let class = |row: usize| {
        let value = truth?.values[row];
        if labels.is_empty() {
            // A model without names for its outputs numbers them.
            return (value >= 0.0 && value.fract() == 0.0).then_some(value as usize);
        }
        let name = value.to_string();
        labels.iter().position(|label| *label == name)
    };
    let samples = (0..count).map(|row| Sample {
        name: format!("row {row}"),
        class: class(row),
    });
    Ok(Batch {
        samples: samples.collect(),
        inputs: taken,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_with_the_name_of_a_label_says_the_class() {
        let folder = tempfile::tempdir().unwrap();
        let labels = ["cat".to_owned(), "dog".to_owned()];
        for name in ["dog/cat/a.png", "dog/b.png", "c.png"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"\x89PNG\r\n\x1a\n").unwrap();
        }
        let all = images(folder.path(), &labels, None, &mut |_| {}).unwrap();
        let classes: Vec<(&str, Option<usize>)> = all
            .iter()
            .map(|image| (image.sample.name.as_str(), image.sample.class))
            .collect();
        let expected = [
            ("c.png", None),
            ("dog/b.png", Some(1)),
            ("dog/cat/a.png", Some(0)),
        ];
        assert_eq!(classes, expected);
        let only = BTreeSet::from(["c.png".to_owned()]);
        let one = images(folder.path(), &labels, Some(&only), &mut |_| {}).unwrap();
        assert_eq!(one.len(), 1);
        assert!(images(folder.path(), &labels, Some(&BTreeSet::new()), &mut |_| {}).is_err());
    }
}
