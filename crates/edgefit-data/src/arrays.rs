//! Labelled arrays: `x` and `y` of an `.npz` archive or of a folder of `.npy` files.

use std::path::{Path, PathBuf};

use edgefit_graph::Task;

use crate::error::{Error, Result};
use crate::split::Split;

mod checks;
mod container;
mod foreign;
mod groups;
mod inputs;
mod keys;
mod labels;
mod meaning;
mod npy;
mod npz;
mod targets;
#[cfg(test)]
mod tests;

use checks::{about, require_finite, require_samples};
use container::Container;
pub use container::is_array_file;
use groups::Groups;
pub use inputs::{Inputs, read_inputs, read_named_inputs, read_trained_inputs};
use keys::{Set, keys};
use labels::Labels;
use meaning::meaning;
use npy::{Kind, Npy};
pub use npz::{NamedArray, npz};
pub(crate) use targets::Targets;
use targets::names;

/// An array of samples and an array of their targets.
#[derive(Debug, Clone)]
pub(crate) struct Arrays {
    /// The `.npz` file, or the folder of `.npy` files.
    pub path: PathBuf,
    /// Shape of one sample.
    pub dims: Vec<usize>,
    /// Samples × `dims`, in C order, all finite.
    pub values: Vec<f32>,
    /// What is predicted from them.
    pub targets: Targets,
    /// For each sample the split that the user chose, if the arrays are split already.
    pub splits: Vec<Option<Split>>,
    /// For each sample the number of its group, if it is in one.
    pub groups: Vec<Option<usize>>,
    /// Sentences on what was assumed, and what is not read.
    pub remarks: Vec<String>,
}

impl Arrays {
    /// Reads what [`Dataset::open_as`](crate::Dataset::open_as) says of arrays.
    pub fn load(path: impl AsRef<Path>, task: Option<Task>) -> Result<Self> {
        let path = path.as_ref();
        read(path, task).map_err(|problem| Error::Dataset {
            path: path.to_path_buf(),
            problem,
        })
    }
}

/// All parts, one behind the other.
struct Joined {
    dims: Vec<usize>,
    values: Vec<f32>,
    labels: Labels,
}

fn read(path: &Path, task: Option<Task>) -> Result<Arrays, String> {
    let mut container = Container::open(path)?;
    let keys = keys(&container.names()?)?;
    let mut remarks = keys.remarks;
    let mut joined: Option<Joined> = None;
    let mut splits = Vec::new();
    let mut groups = Groups::default();
    for set in &keys.sets {
        let part = part(&mut container, set)?;
        let count = part.labels.samples();
        splits.extend(std::iter::repeat_n(set.split, count));
        match &set.groups {
            Some(name) => container
                .array(name)
                .and_then(|npy| groups.append(count, npy))
                .map_err(about(name))?,
            None => groups.skip(count),
        }
        match &mut joined {
            None => joined = Some(part),
            Some(all) if all.dims != part.dims => {
                return Err(format!(
                    "array '{}' has samples of shape {:?}, and '{}' of {:?}; give all splits the same",
                    set.x, part.dims, keys.sets[0].x, all.dims
                ));
            }
            Some(all) => {
                all.values.extend(part.values);
                all.labels.append(part.labels).map_err(about(&set.y))?;
            }
        }
    }
    let Some(Joined {
        dims,
        values,
        labels,
    }) = joined
    else {
        return Err("holds no samples".into());
    };
    let classes = match &keys.classes {
        Some(name) => Some(container.array(name).and_then(names).map_err(about(name))?),
        None => None,
    };
    let places = labels.places();
    let y = labels.name().to_owned();
    let (targets, remark) = meaning(labels, task, classes.is_some()).map_err(about(&y))?;
    remarks.extend(remark.map(|remark| about(&y)(remark)));
    remarks.extend(groups.remark(&splits));
    Ok(Arrays {
        path: path.to_path_buf(),
        targets: targets.named(classes, |sample| places.of(sample))?,
        dims,
        values,
        splits,
        groups: groups.of_samples,
        remarks,
    })
}

/// The samples and targets of one part, as many of each.
fn part(container: &mut Container, set: &Set) -> Result<Joined, String> {
    let (x, y) = (&set.x, &set.y);
    let (dims, values) = samples(container, x).map_err(about(x))?;
    let labels = container
        .array(y)
        .and_then(|npy| Labels::read(y, npy))
        .map_err(about(y))?;
    let (count, of_y) = (
        values.len() / dims.iter().product::<usize>(),
        labels.samples(),
    );
    if count != of_y {
        let flat = if of_y == 1 && labels.width == count {
            ", as of y.ravel()"
        } else {
            ""
        };
        return Err(format!(
            "array '{x}' has {count} samples and array '{y}' {of_y}; give every sample one target{flat}"
        ));
    }
    Ok(Joined {
        dims,
        values,
        labels,
    })
}

/// Reads one array of numbers as of `np.save`: its shape and its elements in C order, all finite.
///
/// # Errors
/// The file cannot be read, or is damaged, empty, text, pickled or not finite.
pub fn read_array(path: impl AsRef<Path>) -> Result<(Vec<usize>, Vec<f32>)> {
    let path = path.as_ref();
    let read = || {
        let file = edgefit_base::file::open(path);
        let file = file.map_err(|error| format!("cannot be opened ({error})"))?;
        let size = file.metadata().map_or(0, |about| about.len());
        let npy = Npy::new(std::io::BufReader::new(file), size)?;
        let shape = npy.shape().to_vec();
        Ok((shape, numbers(npy)?.1))
    };
    read().map_err(|problem| Error::Dataset {
        path: path.to_path_buf(),
        problem,
    })
}

/// Shape of a sample, and all of `x`.
fn samples(container: &mut Container, name: &str) -> Result<(Vec<usize>, Vec<f32>), String> {
    numbers(container.array(name)?)
}

fn numbers<R: std::io::Read>(npy: Npy<R>) -> Result<(Vec<usize>, Vec<f32>), String> {
    require_samples(npy.shape())?;
    if npy.kind() == Kind::Text {
        return Err("holds text; give numbers".into());
    }
    let dims = match &npy.shape()[1..] {
        [] => vec![1],
        dims => dims.to_vec(),
    };
    let values = npy.floats()?;
    require_finite(&values, &dims)?;
    Ok((dims, values))
}
