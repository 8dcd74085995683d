//! The targets of samples: classes, labels, or numbers to regress.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use super::npy::{Kind, Npy};
use crate::dataset::class_names::class_name;

/// What is predicted from a sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// Each sample is of one class.
    Classes {
        /// Names of the classes.
        names: Vec<String>,
        /// Index into `names`, for each sample.
        labels: Vec<usize>,
    },
    /// Each sample has any number of labels.
    MultiLabel {
        /// Names of the labels.
        names: Vec<String>,
        /// Whether a sample has a label: samples × names.
        labels: Vec<bool>,
    },
    /// Each sample has one or several numbers.
    Regression {
        /// Names of the regression targets.
        names: Vec<String>,
        /// The regression targets: samples × names.
        values: Vec<f32>,
    },
}

/// Targets whose classes and columns have no names yet.
#[derive(Debug)]
pub(super) enum UnnamedTargets {
    Classes(ClassLabels),
    MultiLabel { width: usize, labels: Vec<bool> },
    Regression { width: usize, values: Vec<f32> },
}

/// The class of each sample.
#[derive(Debug)]
pub(super) enum ClassLabels {
    /// Its number.
    Numbers(Vec<i128>),
    /// The column of a one-hot row.
    Columns { width: usize, labels: Vec<usize> },
    /// Its name.
    Texts(Vec<String>),
}

impl UnnamedTargets {
    /// The targets under `names`, or under their numbers.
    ///
    /// `row` names a sample in error messages.
    pub fn named(
        self,
        names: Option<Vec<String>>,
        row: impl Fn(usize) -> String,
    ) -> Result<Targets, String> {
        match self {
            UnnamedTargets::Classes(labels) => classes(labels, names, row),
            UnnamedTargets::MultiLabel { width, labels } => {
                refuse_constant(&labels, width)?;
                let names = columns(width, names)?;
                Ok(Targets::MultiLabel { names, labels })
            }
            UnnamedTargets::Regression { width, values } => {
                refuse_constant(&values, width)?;
                let names = columns(width, names)?;
                Ok(Targets::Regression { names, values })
            }
        }
    }
}

impl ClassLabels {
    /// For each sample the output of a model that is for its class: the one whose label is the class's
    /// name, of those in `names` or else what [`UnnamedTargets::named`] calls it. Where not all labels
    /// are numbers and classes have no names, classes are outputs by their numbers.
    pub fn outputs(&self, names: Option<&[String]>, labels: &[String]) -> Vec<Option<usize>> {
        let composed: Vec<Cow<str>> = labels.iter().map(|label| class_name(label)).collect();
        let called = |name: &str| {
            let name = class_name(name);
            composed.iter().position(|label| *label == name)
        };
        let numbers: Option<Vec<i128>> = labels.iter().map(|label| label.parse().ok()).collect();
        let numbers = numbers.filter(|numbers| !numbers.is_empty());
        let numbered = |number: i128| {
            let index = usize::try_from(number).ok();
            match (names, &numbers) {
                (Some(names), _) if !labels.is_empty() => called(names.get(index?)?),
                (None, Some(numbers)) => called(&number.to_string())
                    .or_else(|| numbers.iter().position(|label| *label == number)),
                _ => index.filter(|index| labels.is_empty() || *index < labels.len()),
            }
        };
        match self {
            ClassLabels::Numbers(numbers) => numbers.iter().copied().map(numbered).collect(),
            ClassLabels::Columns { labels, .. } => {
                let columns = labels.iter().map(|column| *column as i128);
                columns.map(numbered).collect()
            }
            ClassLabels::Texts(texts) => texts.iter().map(|text| called(text)).collect(),
        }
    }
}

/// Refuses rows of `width` that are all the same.
fn refuse_constant<T: PartialEq>(targets: &[T], width: usize) -> Result<(), String> {
    let mut rows = targets.chunks(width.max(1));
    let first = rows.next();
    if rows.all(|row| Some(row) == first) {
        return Err(
            "y is the same for all samples; add samples with other targets, there is nothing to learn \
             from one"
                .into(),
        );
    }
    Ok(())
}

/// The names of columns, which are their numbers where they have none.
fn columns(width: usize, names: Option<Vec<String>>) -> Result<Vec<String>, String> {
    match names {
        Some(names) if names.len() != width => Err(format!(
            "'classes' has {} names for the {width} columns of y; give one for each",
            names.len()
        )),
        Some(names) => Ok(names),
        None => Ok((0..width).map(|column| column.to_string()).collect()),
    }
}

/// Classes with names: those that are given, or those that occur.
fn classes(
    labels: ClassLabels,
    names: Option<Vec<String>>,
    row: impl Fn(usize) -> String,
) -> Result<Targets, String> {
    let (names, labels) = match labels {
        ClassLabels::Columns { width, labels } => (columns(width, names)?, labels),
        ClassLabels::Texts(texts) => by_name(texts, names, row)?,
        ClassLabels::Numbers(numbers) => by_number(&numbers, names, row)?,
    };
    let first = labels.first().copied().unwrap_or(0);
    if labels.iter().all(|label| *label == first) {
        return Err(format!(
            "y holds one class only, {}; add samples of another, there is nothing to learn from one",
            names[first]
        ));
    }
    Ok(Targets::Classes { names, labels })
}

/// Classes that samples are called by.
fn by_name(
    texts: Vec<String>,
    names: Option<Vec<String>>,
    row: impl Fn(usize) -> String,
) -> Result<(Vec<String>, Vec<usize>), String> {
    let names = names.unwrap_or_else(|| {
        let distinct: BTreeSet<String> = texts.iter().cloned().collect();
        distinct.into_iter().collect()
    });
    let numbered = names.iter().enumerate();
    let numbers: BTreeMap<&str, usize> = numbered.map(|(at, name)| (name.as_str(), at)).collect();
    let index = |(sample, text): (usize, &String)| {
        numbers.get(text.as_str()).copied().ok_or_else(|| {
            format!(
                "{} is '{text}', which 'classes' does not hold; add it, or leave the names out",
                row(sample)
            )
        })
    };
    let labels = texts.iter().enumerate().map(index);
    let labels = labels.collect::<Result<_, _>>()?;
    if let Some(empty) = texts.iter().position(String::is_empty) {
        return Err(format!(
            "{} is empty; give every sample a class",
            row(empty)
        ));
    }
    Ok((names, labels))
}

/// The classes are the numbers from 0 if they have names, and the distinct labels otherwise.
fn by_number(
    labels: &[i128],
    names: Option<Vec<String>>,
    row: impl Fn(usize) -> String,
) -> Result<(Vec<String>, Vec<usize>), String> {
    let numbers: Vec<i128> = match &names {
        Some(names) => (0..names.len() as i128).collect(),
        None => {
            let distinct: BTreeSet<i128> = labels.iter().copied().collect();
            distinct.into_iter().collect()
        }
    };
    let index = |(sample, label): (usize, &i128)| {
        numbers.binary_search(label).map_err(|_| {
            format!(
                "{} is {label}, and 'classes' has {} names; number the classes from 0, or leave \
                 the names out",
                row(sample),
                numbers.len()
            )
        })
    };
    let labels = labels
        .iter()
        .enumerate()
        .map(index)
        .collect::<Result<_, _>>()?;
    let names = names.unwrap_or_else(|| numbers.iter().map(i128::to_string).collect());
    Ok((names, labels))
}

/// Reads the names in `classes`.
pub(super) fn names<R: Read>(npy: Npy<R>) -> Result<Vec<String>, String> {
    if npy.kind() != Kind::Text || npy.shape().len() != 1 {
        return Err(
            "is not a row of names; save it with np.array([\"one\", \"two\"]), or leave it out"
                .into(),
        );
    }
    let names = npy.texts()?;
    let mut seen = BTreeSet::new();
    match names
        .iter()
        .find(|name| name.is_empty() || !seen.insert(*name))
    {
        Some(name) => Err(format!(
            "holds the name '{name}' that is empty or there twice; give each class one of its own"
        )),
        None => Ok(names),
    }
}
