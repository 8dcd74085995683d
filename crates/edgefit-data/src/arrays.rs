//! Labelled arrays: `x` and `y` of an `.npz` archive or of a folder of `.npy` files.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::split::Split;

mod checks;
mod container;
mod npy;
mod npz;
mod targets;
#[cfg(test)]
mod tests;

use checks::{require_finite, require_samples};
use container::Container;
use npy::{Kind, Npy};
pub use npz::{NamedArray, npz, read_npz};
pub(crate) use targets::Targets;
use targets::{UnnamedTargets, names};

/// What the names of arrays end with that are one split.
const SUFFIXES: [(&str, Split); 3] = [
    ("_train", Split::Train),
    ("_val", Split::Val),
    ("_test", Split::Test),
];

/// Most names that an error lists.
const MOST_LISTED: usize = 10;

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
}

impl Arrays {
    /// Reads what [`Dataset::open`](crate::Dataset::open) says of arrays.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        read(path).map_err(|problem| Error::Dataset {
            path: path.to_path_buf(),
            problem,
        })
    }
}

fn read(path: &Path) -> Result<Arrays, String> {
    let mut container = Container::open(path)?;
    let found = container.names()?;
    let mut joined: Option<(Vec<usize>, Vec<f32>, UnnamedTargets)> = None;
    let mut splits = Vec::new();
    // The name of each y, and its first sample.
    let mut starts: Vec<(String, usize)> = Vec::new();
    for (suffix, split) in sets(&found)? {
        let (x, y) = (format!("x{suffix}"), format!("y{suffix}"));
        let (dims, values) = samples(&mut container, &x).map_err(about(&x))?;
        let targets = container
            .array(&y)
            .and_then(UnnamedTargets::read)
            .map_err(about(&y))?;
        let (count, of_y) = (
            values.len() / dims.iter().product::<usize>(),
            targets.samples(),
        );
        if count != of_y {
            return Err(format!(
                "array '{x}' has {count} samples and array '{y}' {of_y}; give every sample one target"
            ));
        }
        starts.push((y.clone(), splits.len()));
        splits.extend(std::iter::repeat_n(split, count));
        joined = Some(match joined {
            None => (dims, values, targets),
            Some((first, ..)) if first != dims => {
                return Err(format!(
                    "array '{x}' has samples of shape {dims:?}, and 'x_train' of {first:?}; give \
                     all splits the same"
                ));
            }
            Some((dims, mut all, mut all_targets)) => {
                all.extend(values);
                all_targets.append(targets).map_err(about(&y))?;
                (dims, all, all_targets)
            }
        });
    }
    let (dims, values, targets) = joined.ok_or_else(|| missing(&found))?;
    let classes = if found.iter().any(|name| name == "classes") {
        let classes = container.array("classes").and_then(names);
        Some(classes.map_err(about("classes"))?)
    } else {
        None
    };
    let row = |sample: usize| {
        let set = starts.iter().rev().find(|(_, start)| *start <= sample);
        set.map_or_else(String::new, |(y, start)| format!("{y}[{}]", sample - start))
    };
    Ok(Arrays {
        path: path.to_path_buf(),
        targets: targets.named(classes, row)?,
        dims,
        values,
        splits,
    })
}

/// What the names of the arrays end with, and the splits that this makes them.
fn sets(found: &[String]) -> Result<Vec<(&'static str, Option<Split>)>, String> {
    let has = |name: &str| found.iter().any(|found| found == name);
    let suffixes = || SUFFIXES.iter().map(|(suffix, _)| *suffix);
    let stray = found.iter().find(|name| {
        let suffix = name.strip_prefix('x').or_else(|| name.strip_prefix('y'));
        suffix.is_some_and(|suffix| suffix.starts_with('_') && !suffixes().any(|s| s == suffix))
    });
    if let Some(stray) = stray {
        return Err(format!(
            "array '{stray}' belongs to no split; rename it to end with _train, _val or _test"
        ));
    }
    let given = |suffix: &str| has(&format!("x{suffix}")) || has(&format!("y{suffix}"));
    let is_split = suffixes().any(given);
    if is_split && given("") {
        return Err("holds both x or y and splits of them; keep one".into());
    }
    let sets: Vec<_> = if is_split {
        SUFFIXES
            .iter()
            .filter(|(suffix, split)| *split == Split::Train || given(suffix))
            .map(|(suffix, split)| (*suffix, Some(*split)))
            .collect()
    } else {
        vec![("", None)]
    };
    let complete = |suffix: &str| has(&format!("x{suffix}")) && has(&format!("y{suffix}"));
    match sets.iter().find(|(suffix, _)| !complete(suffix)) {
        None => Ok(sets),
        Some(("", _)) => Err(missing(found)),
        Some((suffix, _)) => Err(format!(
            "does not hold both 'x{suffix}' and 'y{suffix}'; add what is missing"
        )),
    }
}

fn missing(found: &[String]) -> String {
    let listed = match found {
        [] => "no array".to_owned(),
        _ => format!("'{}'", found[..found.len().min(MOST_LISTED)].join("', '")),
    };
    format!(
        "holds {listed}, and neither x and y nor x_train and y_train; save it with np.savez(path, x=x, y=y)"
    )
}

/// Reads one array of numbers as of `np.save`: its shape and its elements in C order, all finite.
///
/// # Errors
/// The file cannot be read, or is damaged, empty, text, pickled or not finite.
pub fn read_array(path: impl AsRef<Path>) -> Result<(Vec<usize>, Vec<f32>)> {
    let path = path.as_ref();
    let read = || {
        let file = std::fs::File::open(path);
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

fn about(name: &str) -> impl Fn(String) -> String {
    let name = name.to_owned();
    move |problem| format!("array '{name}' {problem}")
}
