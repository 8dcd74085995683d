use std::path::{Path, PathBuf};

use edgefit_graph::Task;

use crate::arrays::{Arrays, Targets};
use crate::error::{Error, Result};
use crate::split::Split as Part;

mod folders;

/// Labelled samples: images in class folders, or arrays.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The folder, or the file.
    pub root: PathBuf,
    /// What is to be told from a sample.
    pub task: Task,
    /// Names of the classes, sorted; or of the labels or numbers.
    pub classes: Vec<String>,
    /// Shape of a sample; `None` for images, whose shape is the model's choice.
    pub dims: Option<Vec<usize>>,
    /// All samples, in the order of their paths.
    pub samples: Vec<Sample>,
    /// Number of files that do not look like images.
    pub other_files: usize,
}

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What it is.
    pub content: Content,
    /// What it is called: the path below the dataset's folder, with `/` between parts, or the number
    /// of a row.
    pub relative: String,
    /// Index into [`Dataset::classes`]; 0 where the task is another.
    pub class: usize,
    /// 1 for each label that it has and 0 for the others, or its numbers; empty where it has a class.
    pub targets: Vec<f32>,
    /// The part that the user put it into, if the data are split already.
    pub part: Option<Part>,
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
    /// Where it lies, for messages.
    pub fn place(&self) -> &Path {
        match &self.content {
            Content::Image(path) => path,
            Content::Values(_) => Path::new(&self.relative),
        }
    }
}

impl Dataset {
    /// Opens what lies at `path`: an `.npz` file or a folder of `.npy` files as [`Arrays::load`]
    /// reads them, or folders of images as [`Dataset::scan`] lists them.
    ///
    /// # Errors
    /// As of either.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        match holds_arrays(path) {
            true => Ok(Dataset::of_arrays(Arrays::load(path)?)),
            false if path.is_file() => Err(Error::Dataset {
                path: path.to_path_buf(),
                problem:
                    "is neither a folder of class folders nor an .npz file of arrays x and y; \
                          save arrays with np.savez(path, x=x, y=y)"
                        .into(),
            }),
            false => Dataset::scan(path),
        }
    }

    /// Whether the samples are images.
    pub fn has_images(&self) -> bool {
        self.dims.is_none()
    }

    /// What its samples are called, in the plural.
    pub fn noun(&self) -> &'static str {
        match self.has_images() {
            true => "images",
            false => "samples",
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
        let samples = arrays.values.chunks_exact(width).zip(&arrays.parts);
        let samples = samples.enumerate().map(|(row, (values, part))| {
            let (class, targets) = target(row);
            Sample {
                content: Content::Values(values.to_vec()),
                relative: format!("row {row}"),
                class,
                targets,
                part: *part,
            }
        });
        Dataset {
            samples: samples.collect(),
            root: arrays.path,
            task,
            classes: classes.clone(),
            dims: Some(arrays.dims),
            other_files: 0,
        }
    }
}

/// Whether `path` is an archive of arrays, or a folder of them.
fn holds_arrays(path: &Path) -> bool {
    let is = |path: &Path, wanted: &str| {
        let extension = path.extension();
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
    };
    let has_arrays = || {
        let mut entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.any(|entry| is(&entry.path(), "npy"))
    };
    (path.is_file() && is(path, "npz")) || has_arrays()
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
    }
}
