//! Labelled samples: images in class folders, or arrays.

use std::path::{Path, PathBuf};

use edgefit_base::stand_in::StandIn;
use edgefit_graph::Task;

use crate::arrays::{Arrays, Targets};
use crate::error::{Error, Result};
use crate::split::Split;

mod aside;
pub(crate) mod class_names;
mod clutter;
mod folders;
mod layout;
mod listing;
pub(crate) mod part;
mod remark;
mod sample_name;

pub use class_names::class_name;
pub use listing::images_below;
pub use sample_name::{sample_name, sample_path};

/// Labelled samples: images in class folders, or arrays.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The folder, or the file.
    pub root: PathBuf,
    /// What is predicted from a sample.
    pub task: Task,
    /// Names of the classes, sorted, those of whole numbers as numbers; or of the labels or regression
    /// targets.
    pub classes: Vec<String>,
    /// Shape of a sample; `None` for images, whose shape is the model's choice.
    pub dims: Option<Vec<usize>>,
    /// All samples, in the order of their paths.
    pub samples: Vec<Sample>,
    /// Sentences on what was assumed, and what is not read.
    pub remarks: Vec<String>,
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What it is.
    pub content: Content,
    /// What it is called: the path below the dataset's folder, with `/` between names, or the number
    /// of a row.
    pub relative: String,
    /// Index into [`Dataset::classes`]; 0 where the task is not classes.
    pub class: usize,
    /// 1 for each label that it has and 0 for the others, or its regression targets; empty where it
    /// has a class.
    pub targets: Vec<f32>,
    /// The split that the user chose, if the data are split already.
    pub split: Option<Split>,
    /// The number of its group, whose samples have to be in one split.
    pub group: Option<usize>,
}

/// What a sample is.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// The image in this file.
    Image(PathBuf),
    /// Values of the dataset's shape, as they are in the array.
    Values(Vec<f32>),
}

impl Sample {
    /// Its file or its row, for messages.
    pub fn place(&self) -> &Path {
        match &self.content {
            Content::Image(path) => path,
            Content::Values(_) => Path::new(&self.relative),
        }
    }
}

impl Dataset {
    /// Opens an `.npz` file as of `np.savez` or `np.savez_compressed`, a folder of `.npy` files, or
    /// folders of images as [`Dataset::scan`] lists them.
    ///
    /// The arrays are `x` and `y`; or `x_train` and `y_train`, and for `val` and `test` likewise
    /// where the user has split; and optionally `classes`, names as a row of text, and `groups`, an
    /// integer or a name for each sample. `X`, `train_labels` and the like are understood. In `x`,
    /// samples × any shape, floats, integers and booleans become 32-bit floats; a sample of no
    /// dimension becomes one of a single feature. `y` decides the task:
    ///
    /// - integers, booleans or texts of shape (samples) or (samples, 1): a class each. Without names,
    ///   the classes are named after the numbers or texts that occur.
    /// - integers or booleans of shape (samples, labels), all 0 or 1: any number of labels each.
    /// - floats of shape (samples) or (samples, targets): regression.
    ///
    /// What may as well mean something else, such as one-hot rows or floats that are few whole
    /// numbers, is refused; [`Dataset::open_as`] is told what it means.
    ///
    /// The memory that arrays take is bounded by the size of the file, times a constant.
    ///
    /// ```
    /// use edgefit_data::{Dataset, NamedArray, npz};
    ///
    /// let array = |name: &str, dims: &[usize], values: &[f32]| NamedArray {
    ///     name: name.into(),
    ///     dims: dims.to_vec(),
    ///     values: values.to_vec(),
    /// };
    /// let x = array("x", &[3, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    /// let y = array("y", &[3], &[0.1, 0.2, 0.3]);
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("data.npz");
    /// std::fs::write(&path, npz(&[x, y])?)?;
    ///
    /// let dataset = Dataset::open(&path)?;
    /// assert_eq!(dataset.dims, Some(vec![2]));
    /// assert_eq!(dataset.samples[2].targets, [0.3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As of [`Dataset::scan`]; or an array is missing, damaged, empty, pickled or of an unknown
    /// type, `x` and `y` differ in length, a number is not finite, a label has no name, or all
    /// samples are of one class.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Dataset::open_as(path, None)
    }

    /// As [`Dataset::open`]; the targets are what `task` says, if it says anything.
    ///
    /// # Errors
    /// As of [`Dataset::open`], or the targets cannot be that.
    pub fn open_as(path: impl AsRef<Path>, task: Option<Task>) -> Result<Self> {
        let path = path.as_ref();
        StandIn::refuse(path).map_err(|source| Error::Read {
            path: path.to_path_buf(),
            source,
        })?;
        // What is no folder can only be a file of arrays.
        if !path.is_dir() || is_array_folder(path) {
            return Ok(Dataset::of_arrays(Arrays::load(path, task)?));
        }
        match task {
            None | Some(Task::Classes) => Dataset::scan(path),
            Some(task) => Err(Error::Dataset {
                path: path.to_path_buf(),
                problem: format!(
                    "is a folder of images, which have one class each; --task {task} is for arrays"
                ),
            }),
        }
    }

    /// Whether the samples are images.
    pub fn has_images(&self) -> bool {
        self.dims.is_none()
    }

    /// What its samples are called, in the plural.
    pub fn noun(&self) -> &'static str {
        if self.has_images() {
            "images"
        } else {
            "samples"
        }
    }

    fn of_arrays(arrays: Arrays) -> Self {
        let width = arrays.dims.iter().product::<usize>().max(1);
        let (task, classes) = match &arrays.targets {
            Targets::Classes { names, .. } => (Task::Classes, names),
            Targets::MultiLabel { names, .. } => (Task::MultiLabel, names),
            Targets::Regression { names, .. } => (Task::Regression, names),
        };
        let outputs = classes.len();
        let target = |row: usize| match &arrays.targets {
            Targets::Classes { labels, .. } => (labels[row], Vec::new()),
            Targets::MultiLabel { labels, .. } => {
                let labels = &labels[row * outputs..(row + 1) * outputs];
                (
                    0,
                    labels
                        .iter()
                        .map(|&label| f32::from(u8::from(label)))
                        .collect(),
                )
            }
            Targets::Regression { values, .. } => {
                (0, values[row * outputs..(row + 1) * outputs].to_vec())
            }
        };
        let samples = arrays.values.chunks_exact(width);
        let parts = arrays.splits.iter().zip(&arrays.groups);
        let samples = samples.zip(parts).enumerate();
        let samples = samples.map(|(row, (values, (split, group)))| {
            let (class, targets) = target(row);
            Sample {
                content: Content::Values(values.to_vec()),
                relative: format!("row {row}"),
                class,
                targets,
                split: *split,
                group: *group,
            }
        });
        Dataset {
            samples: samples.collect(),
            root: arrays.path,
            task,
            classes: classes.clone(),
            dims: Some(arrays.dims),
            remarks: arrays.remarks,
        }
    }
}

/// Whether `path` is a folder of arrays, as `.npy` files.
pub fn is_array_folder(path: &Path) -> bool {
    let is_array = |path: PathBuf| path.extension().is_some_and(|extension| extension == "npy");
    std::fs::read_dir(path)
        .is_ok_and(|entries| entries.flatten().any(|entry| is_array(entry.path())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.csv");
        std::fs::write(&path, "1,2").unwrap();
        let error = Dataset::open(&path).unwrap_err().to_string();
        assert!(
            error.contains("data.csv") && error.contains("np.savez"),
            "{error}"
        );
        std::fs::write(&path, "version https://git-lfs.github.com/spec/v1\n").unwrap();
        let error = Dataset::open(&path).unwrap_err().to_string();
        assert!(error.contains("git lfs pull"), "{error}");
    }
}
