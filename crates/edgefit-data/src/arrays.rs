use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::split::Split as Part;

mod named;
mod npy;
mod source;
mod targets;
#[cfg(test)]
mod tests;

pub use named::{NamedArray, npz, read_npz};
use npy::{Kind, Npy};
use source::Source;
pub use targets::Targets;
use targets::{Raw, names};

/// The parts that arrays may come in, and what their names end with.
const PARTS: [(&str, Part); 3] = [
    ("_train", Part::Train),
    ("_val", Part::Val),
    ("_test", Part::Test),
];

/// Most names that an error lists.
const MOST_LISTED: usize = 10;

/// Data that are no images: an array of samples and an array of targets.
#[derive(Debug, Clone)]
pub struct Arrays {
    /// The `.npz` file, or the folder of `.npy` files.
    pub path: PathBuf,
    /// Shape of one sample.
    pub dims: Vec<usize>,
    /// Samples × `dims`, in C order, all finite.
    pub values: Vec<f32>,
    /// What is to be told from them.
    pub targets: Targets,
    /// For each sample the part that the user put it into, if the arrays are split already.
    pub parts: Vec<Option<Part>>,
}

impl Arrays {
    /// Reads an `.npz` archive as of `np.savez` or `np.savez_compressed`, or a folder of `.npy`
    /// files.
    ///
    /// The arrays are `x` and `y`; or `x_train` and `y_train`, and for `val` and `test` likewise
    /// where the user has split; and optionally `classes`, names as a row of Unicode text. In `x`,
    /// samples × any shape, floats, integers and booleans become 32-bit floats; a sample of no
    /// dimension becomes one of a single feature. `y` decides the task:
    ///
    /// - integers or booleans of shape (samples) or (samples, 1): a class each. Without names, the
    ///   classes are named after the numbers that occur.
    /// - integers or booleans of shape (samples, labels), all 0 or 1: any number of labels each.
    /// - floats of shape (samples) or (samples, numbers): regression.
    ///
    /// What is held in memory is bounded by the size of the file, times a constant.
    ///
    /// # Errors
    /// An array is missing, damaged, empty, pickled or of an unknown type, `x` and `y` differ in
    /// length, a number is not finite, a label has no name, or all samples are of one class.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        read(path).map_err(|problem| Error::Dataset {
            path: path.to_path_buf(),
            problem,
        })
    }
}

fn read(path: &Path) -> Result<Arrays, String> {
    let mut source = Source::open(path)?;
    let found = source.names()?;
    let mut joined: Option<(Vec<usize>, Vec<f32>, Raw)> = None;
    let mut parts = Vec::new();
    // The name of each y, and its first sample.
    let mut starts: Vec<(String, usize)> = Vec::new();
    for (suffix, part) in sets(&found)? {
        let (x, y) = (format!("x{suffix}"), format!("y{suffix}"));
        let (dims, values) = samples(&mut source, &x).map_err(about(&x))?;
        let targets = source.array(&y).and_then(Raw::read).map_err(about(&y))?;
        let (count, of_y) = (
            values.len() / dims.iter().product::<usize>(),
            targets.samples(),
        );
        if count != of_y {
            return Err(format!(
                "array '{x}' has {count} samples and array '{y}' {of_y}; give every sample one target"
            ));
        }
        starts.push((y.clone(), parts.len()));
        parts.extend(std::iter::repeat_n(part, count));
        joined = Some(match joined {
            None => (dims, values, targets),
            Some((first, ..)) if first != dims => {
                return Err(format!(
                    "array '{x}' has samples of shape {dims:?}, and 'x_train' of {first:?}; give \
                     all parts the same"
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
    let classes = match found.iter().any(|name| name == "classes") {
        true => {
            let classes = source.array("classes").and_then(names);
            Some(classes.map_err(about("classes"))?)
        }
        false => None,
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
        parts,
    })
}

/// What the names of the arrays end with, and the parts that this makes them.
fn sets(found: &[String]) -> Result<Vec<(&'static str, Option<Part>)>, String> {
    let has = |name: &str| found.iter().any(|found| found == name);
    let suffixes = || PARTS.iter().map(|(suffix, _)| *suffix);
    let stray = found.iter().find(|name| {
        let suffix = name.strip_prefix('x').or_else(|| name.strip_prefix('y'));
        suffix.is_some_and(|suffix| suffix.starts_with('_') && !suffixes().any(|s| s == suffix))
    });
    if let Some(stray) = stray {
        return Err(format!(
            "array '{stray}' belongs to no part; rename it to end with _train, _val or _test"
        ));
    }
    let given = |suffix: &str| has(&format!("x{suffix}")) || has(&format!("y{suffix}"));
    let split = suffixes().any(given);
    let sets: Vec<_> = match split {
        true if given("") => {
            return Err("holds both x or y and parts of them; keep one".into());
        }
        true => PARTS
            .iter()
            .filter(|(suffix, part)| *part == Part::Train || given(suffix))
            .map(|(suffix, part)| (*suffix, Some(*part)))
            .collect(),
        false => vec![("", None)],
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
        let shape = npy.shape.clone();
        Ok((shape, numbers(npy)?.1))
    };
    read().map_err(|problem| Error::Dataset {
        path: path.to_path_buf(),
        problem,
    })
}

/// Shape of a sample, and all of `x`.
fn samples(source: &mut Source, name: &str) -> Result<(Vec<usize>, Vec<f32>), String> {
    numbers(source.array(name)?)
}

fn numbers<R: std::io::Read>(npy: Npy<R>) -> Result<(Vec<usize>, Vec<f32>), String> {
    samples_of(&npy.shape)?;
    if npy.kind == Kind::Text {
        return Err("holds text; give numbers".into());
    }
    let dims = match &npy.shape[1..] {
        [] => vec![1],
        dims => dims.to_vec(),
    };
    let values = npy.floats()?;
    match not_finite(&values, &dims) {
        Some(problem) => Err(problem),
        None => Ok((dims, values)),
    }
}

/// Refuses an array without samples.
fn samples_of(shape: &[usize]) -> Result<(), String> {
    match shape {
        [] => Err("is a single number; give an array, one row a sample".into()),
        _ if shape.contains(&0) => Err(format!("is empty (shape {shape:?}); give some samples")),
        _ => Ok(()),
    }
}

/// Where the first number is that cannot be used, if there is one; a sample has the shape `dims`.
fn not_finite(values: &[f32], dims: &[usize]) -> Option<String> {
    let bad = values.iter().position(|value| !value.is_finite())?;
    let what = match values[bad].is_nan() {
        true => "NaN",
        false => "an infinite number, or one too large for 32 bits,",
    };
    let mut rest = bad;
    let mut position: Vec<usize> = dims
        .iter()
        .rev()
        .map(|dim| {
            let index = rest % dim;
            rest /= dim;
            index
        })
        .collect();
    position.reverse();
    Some(format!(
        "holds {what} in sample {rest} at {position:?}; remove the sample or fill the gap"
    ))
}

fn about(name: &str) -> impl Fn(String) -> String {
    let name = name.to_owned();
    move |problem| format!("array '{name}' {problem}")
}
