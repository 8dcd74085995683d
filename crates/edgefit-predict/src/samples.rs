//! What is predicted on: images and arrays, prepared as the model says, and what is true of them where
//! their place says it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use edgefit_base::file::absolute;
use edgefit_data::{
    class_name, decode, images_below, is_array_file, is_array_folder, prepare, read_image,
    read_inputs, read_trained_inputs, sample_name,
};
use edgefit_engine::Array;
use edgefit_graph::{Graph, Preprocessing, labels};
use serde::Serialize;

use crate::error::{Error, Result};

/// A sample as it is called, and its class if that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its path below the folder that was given, or its row.
    pub name: String,
    /// Its class, as an output of the model.
    pub class: Option<usize>,
}

/// An image that cannot be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeftOut {
    /// Its path below the folder that was given.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}

/// A batch of samples, ready for the model.
pub(crate) struct Batch {
    pub samples: Vec<Sample>,
    pub inputs: Vec<Array>,
    /// Images that cannot be read, and what is wrong with them.
    pub left_out: Vec<(Image, String)>,
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
        // The dataset's folder is one of those that it lies in.
        let whole = absolute(path);
        let is_other = |only: &BTreeSet<String>| {
            let mut folders = whole.ancestors();
            !folders.any(|folder| only.contains(&sample_name(folder, &whole)))
        };
        if only.is_some_and(is_other) {
            return Ok(Vec::new());
        }
        let name = path.display().to_string();
        let sample = Sample { name, class: None };
        let path = path.to_path_buf();
        return Ok(vec![Image { path, sample }]);
    }
    let (paths, remarks) = images_below(path)?;
    for remark in remarks {
        warn(&format!("{}: {remark}", path.display()));
    }
    let labels: Vec<Cow<str>> = labels.iter().map(|label| class_name(label)).collect();
    let found: Vec<Image> = paths
        .into_iter()
        .filter_map(|image| {
            let name = sample_name(path, &image);
            if only.is_some_and(|only| !only.contains(&name)) {
                return None;
            }
            let below = image.strip_prefix(path).unwrap_or(&image);
            let folders = below.parent().into_iter().flat_map(Path::iter);
            let class = folders.rev().find_map(|folder| {
                let class = class_name(folder.to_str()?);
                labels.iter().position(|label| *label == class)
            });
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

/// Reads and prepares images; those that cannot be read are left out.
pub(crate) fn batch(images: &[Image], preprocessing: &Preprocessing) -> Batch {
    let (mut samples, mut values, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for image in images {
        let read = read_image(&image.path).and_then(|bytes| decode(&bytes));
        match read.and_then(|image| prepare(&image, preprocessing)) {
            Ok(input) => {
                values.extend(input);
                samples.push(image.sample.clone());
            }
            Err(problem) => left_out.push((image.clone(), problem)),
        }
    }
    let dims = [&[samples.len()], preprocessing.dims().as_slice()].concat();
    Batch {
        samples,
        inputs: vec![Array { dims, values }],
        left_out,
    }
}

/// Whether arrays lie at `path`. A folder that holds both is one of images where `graph` says how those
/// are prepared.
pub(crate) fn are_arrays(path: &Path, graph: &Graph) -> Result<bool> {
    if !path.is_dir() {
        return Ok(is_array_file(path));
    }
    Ok(is_array_folder(path)
        && (Preprocessing::of(graph)?.is_none() || images_below(path)?.0.is_empty()))
}

/// The samples of an `.npz` file or a folder of arrays, as the model `graph` takes them, and their classes where it
/// says them. With `only`, those of training whose rows are among them.
pub(crate) fn arrays(
    path: &Path,
    graph: &Graph,
    only: Option<&BTreeSet<String>>,
    warn: &mut dyn FnMut(&str),
) -> Result<Batch> {
    let read = match only {
        Some(_) => read_trained_inputs(path, graph)?,
        None => read_inputs(path, graph)?,
    };
    if let Some(remark) = read.remark {
        warn(&format!("{}: {remark}", path.display()));
    }
    if let Some(problem) = read.no_classes {
        warn(&format!(
            "{}: no accuracy is told: {problem}; correct it or leave it out",
            path.display()
        ));
    }
    let arrays = read.arrays;
    let count = arrays.first().and_then(|array| array.dims.first().copied());
    let count =
        count.ok_or_else(|| Error::invalid(format!("{} holds no samples", path.display())))?;
    if arrays
        .iter()
        .any(|array| array.dims.first() != Some(&count))
    {
        return Err(Error::invalid(format!(
            "{}: its arrays hold different numbers of samples; save as many of each",
            path.display()
        )));
    }
    let unknown = read.classes.iter().flatten();
    let unknown = unknown.filter(|class| class.is_none()).count();
    if unknown > 0 {
        let fix = if labels::of(graph)?.unwrap_or_default().is_empty() {
            "number them from 0, in the order of its outputs"
        } else {
            "call them as its labels are"
        };
        warn(&format!(
            "{}: the classes of {unknown} of {count} samples are none of the model's, and left out of the accuracy; \
             {fix}",
            path.display()
        ));
    }
    let classes = read.classes.unwrap_or_else(|| vec![None; count]);
    let samples = classes.into_iter().enumerate().map(|(row, class)| Sample {
        name: format!("row {row}"),
        class,
    });
    let inputs = arrays.into_iter().map(|array| Array {
        dims: array.dims,
        values: array.values,
    });
    let (mut samples, mut inputs): (Vec<Sample>, Vec<Array>) =
        (samples.collect(), inputs.collect());
    if let Some(only) = only {
        let is_wanted = |row: &usize| only.contains(&samples[*row].name);
        let wanted: Vec<usize> = (0..count).filter(is_wanted).collect();
        if wanted.is_empty() {
            return Err(Error::invalid(format!(
                "{} holds none of the samples of the run; give the data that it was trained on",
                path.display()
            )));
        }
        inputs = inputs.iter().map(|input| rows(input, &wanted)).collect();
        samples.retain(|sample| only.contains(&sample.name));
    }
    Ok(Batch {
        samples,
        inputs,
        left_out: Vec::new(),
    })
}

/// The rows of an array with those `indices`.
pub(crate) fn rows(array: &Array, indices: &[usize]) -> Array {
    let count = array.dims.first().copied().unwrap_or(0);
    let width = array.values.len() / count.max(1);
    let row = |&index: &usize| &array.values[index * width..(index + 1) * width];
    Array {
        dims: [&[indices.len()], array.dims.get(1..).unwrap_or_default()].concat(),
        values: indices.iter().flat_map(row).copied().collect(),
    }
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
        // So is an image that is named itself.
        let only = BTreeSet::from(["dog/b.png".to_owned()]);
        for (name, expected) in [("dog/b.png", 1), ("c.png", 0)] {
            let path = folder.path().join(name);
            let found = images(&path, &labels, Some(&only), &mut |_| {}).unwrap();
            assert_eq!(found.len(), expected, "{name}");
        }
        // So is one that is named from inside the dataset.
        let here = absolute(Path::new("b.png"));
        let dataset = here.ancestors().nth(2).unwrap();
        let only = BTreeSet::from([sample_name(dataset, &here)]);
        let found = images(Path::new("b.png"), &labels, Some(&only), &mut |_| {}).unwrap();
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn arrays_are_told_by_what_they_begin_with() {
        use edgefit_graph::preprocessing::PreprocessingName;
        let folder = tempfile::tempdir().unwrap();
        let mut graph = Graph::new("g", 17);
        for (name, bytes, expected) in [
            ("windows.NPZ", &b"PK\x03\x04"[..], true),
            ("windows", b"PK\x03\x04", true),
            ("x", b"\x93NUMPY\x01\x00", true),
            ("a.png", b"\x89PNG\r\n\x1a\n", false),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(are_arrays(&path, &graph).unwrap(), expected, "{name}");
        }
        assert!(!are_arrays(folder.path(), &graph).unwrap());
        std::fs::write(folder.path().join("features.npy"), "").unwrap();
        assert!(are_arrays(folder.path(), &graph).unwrap());
        Preprocessing::named(PreprocessingName::Unit, 8, 8).store(&mut graph);
        assert!(!are_arrays(folder.path(), &graph).unwrap());
        std::fs::remove_file(folder.path().join("a.png")).unwrap();
        assert!(are_arrays(folder.path(), &graph).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn images_are_called_as_in_the_dataset() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        let class = folder.path().join("cafe\u{301}");
        std::fs::create_dir(&class).unwrap();
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.png");
        std::fs::write(class.join(name), b"\x89PNG\r\n\x1a\n").unwrap();
        let labels = ["tea".to_owned(), "caf\u{e9}".to_owned()];
        let only = BTreeSet::from(["cafe\u{301}/caf\\xe9.png".to_owned()]);
        let found = images(folder.path(), &labels, Some(&only), &mut |_| {}).unwrap();
        assert_eq!(found[0].sample.class, Some(1));
    }

    #[test]
    fn arrays_of_a_dataset_are_samples_and_their_classes() {
        use edgefit_data::{NamedArray, npz};
        use edgefit_graph::{Dim, StandardScaler, ValueInfo};
        let array = |name: &str, dims: &[usize], values: &[f32]| NamedArray {
            name: name.into(),
            dims: dims.to_vec(),
            values: values.to_vec(),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.npz");
        let save = |x: &[f32], y: &[f32]| {
            let arrays = [array("x", &[2, 2], x), array("y", &[y.len()], y)];
            std::fs::write(&path, npz(&arrays).unwrap()).unwrap();
        };
        let mut graph = Graph::new("sensor", 17);
        let dims = vec![Dim::Unknown, Dim::Known(2)];
        graph.inputs.push(ValueInfo::f32("input", dims.clone()));
        graph.outputs.push(ValueInfo::f32("y", dims));
        let scaler = StandardScaler {
            dims: vec![2],
            mean: vec![1.0, 2.0],
            std: vec![1.0, 2.0],
        };
        scaler.store(&mut graph);
        let mut said = Vec::new();
        let mut read = |only: Option<&BTreeSet<String>>| {
            arrays(&path, &graph, only, &mut |words| {
                said.push(words.to_owned())
            })
        };
        save(&[1.0, 2.0, 3.0, 6.0], &[1.0, 0.0]);
        let batch = read(None).unwrap();
        assert_eq!(batch.inputs[0].values, [0.0, 0.0, 2.0, 2.0]);
        let samples: Vec<_> = batch
            .samples
            .iter()
            .map(|sample| (sample.name.as_str(), sample.class))
            .collect();
        assert_eq!(samples, [("row 0", Some(1)), ("row 1", Some(0))]);
        let only = BTreeSet::from(["row 1".to_owned()]);
        let batch = read(Some(&only)).unwrap();
        assert_eq!(batch.inputs[0].values, [2.0, 2.0]);
        assert_eq!((batch.samples.len(), batch.samples[0].class), (1, Some(0)));
        assert!(read(Some(&BTreeSet::new())).is_err());
        save(&[1.0, 2.0, f32::NAN, 6.0], &[1.0, 0.0]);
        let error = read(None).err().unwrap().to_string();
        assert!(error.contains("holds NaN in sample 1 at [0]"), "{error}");
        save(&[1.0, 2.0, 3.0, 6.0], &[1.0, 0.0, 1.0]);
        assert_eq!(read(None).unwrap().samples[0].class, None);
        for class in [-1.0, 2.0] {
            save(&[1.0, 2.0, 3.0, 6.0], &[class, 0.0]);
            assert_eq!(read(None).unwrap().samples[0].class, None);
        }
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].contains("array 'y'"), "{said:?}");
        let told = |words: &String| words.contains("of 1 of 2 samples") && words.contains("from 0");
        assert!(said[1..].iter().all(told), "{said:?}");
    }
}
