//! The targets of samples: classes, labels, or numbers to regress.

use std::collections::BTreeSet;
use std::io::Read;

use super::checks::{require_finite, require_samples};
use super::npy::{Kind, Npy};

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
pub(super) enum UnnamedTargets {
    Classes(Vec<i128>),
    MultiLabel { width: usize, labels: Vec<bool> },
    Regression { width: usize, values: Vec<f32> },
}

impl UnnamedTargets {
    /// Reads `y`, whose type and shape decide the task.
    pub fn read<R: Read>(npy: Npy<R>) -> Result<Self, String> {
        require_samples(npy.shape())?;
        let width = match *npy.shape() {
            [_] => 1,
            [_, width] => width,
            _ => {
                return Err(format!(
                    "has the shape {:?}; give a target a sample, or one row of targets a sample",
                    npy.shape()
                ));
            }
        };
        match npy.kind() {
            Kind::Text => Err(
                "holds text; give the number of each class, from 0, and their \
                               names as 'classes'"
                    .into(),
            ),
            Kind::Float => {
                let values = npy.floats()?;
                require_finite(&values, &[width])?;
                Ok(UnnamedTargets::Regression { width, values })
            }
            _ if width == 1 => Ok(UnnamedTargets::Classes(npy.integers()?)),
            _ => {
                let labels = npy.integers()?;
                match labels.iter().position(|label| !matches!(label, 0 | 1)) {
                    Some(bad) => Err(format!(
                        "holds {} in row {}, column {}; several labels a sample are 0 or 1, and \
                         regression targets are floats",
                        labels[bad],
                        bad / width,
                        bad % width
                    )),
                    None => Ok(UnnamedTargets::MultiLabel {
                        width,
                        labels: labels.iter().map(|&label| label == 1).collect(),
                    }),
                }
            }
        }
    }

    pub fn samples(&self) -> usize {
        match self {
            UnnamedTargets::Classes(labels) => labels.len(),
            UnnamedTargets::MultiLabel { width, labels } => labels.len() / width,
            UnnamedTargets::Regression { width, values } => values.len() / width,
        }
    }

    /// Appends the targets of another split.
    pub fn append(&mut self, other: UnnamedTargets) -> Result<(), String> {
        match (self, other) {
            (UnnamedTargets::Classes(labels), UnnamedTargets::Classes(more)) => labels.extend(more),
            (
                UnnamedTargets::MultiLabel { width, labels },
                UnnamedTargets::MultiLabel {
                    width: other,
                    labels: more,
                },
            ) if *width == other => labels.extend(more),
            (
                UnnamedTargets::Regression { width, values },
                UnnamedTargets::Regression {
                    width: other,
                    values: more,
                },
            ) if *width == other => values.extend(more),
            _ => {
                return Err(
                    "has another type or width than 'y_train'; save all splits alike".into(),
                );
            }
        }
        Ok(())
    }

    /// The targets under `names`, or under their numbers.
    ///
    /// `row` names a sample in error messages.
    pub fn named(
        self,
        names: Option<Vec<String>>,
        row: impl Fn(usize) -> String,
    ) -> Result<Targets, String> {
        let columns = |width: usize| match names.clone() {
            Some(names) if names.len() != width => Err(format!(
                "'classes' has {} names for the {width} columns of y; give one for each",
                names.len()
            )),
            Some(names) => Ok(names),
            None => Ok((0..width).map(|column| column.to_string()).collect()),
        };
        match self {
            UnnamedTargets::Classes(labels) => classes(&labels, names, row),
            UnnamedTargets::MultiLabel { width, labels } => Ok(Targets::MultiLabel {
                names: columns(width)?,
                labels,
            }),
            UnnamedTargets::Regression { width, values } => Ok(Targets::Regression {
                names: columns(width)?,
                values,
            }),
        }
    }
}

/// The classes are the numbers from 0 if they have names, and the distinct labels otherwise.
fn classes(
    labels: &[i128],
    names: Option<Vec<String>>,
    row: impl Fn(usize) -> String,
) -> Result<Targets, String> {
    let distinct: BTreeSet<i128> = labels.iter().copied().collect();
    if let (1, Some(only)) = (distinct.len(), distinct.first()) {
        return Err(format!(
            "y holds one class only, {only}; add samples of another, there is nothing to learn from one"
        ));
    }
    let numbers: Vec<i128> = match &names {
        Some(names) => (0..names.len() as i128).collect(),
        None => distinct.into_iter().collect(),
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
    Ok(Targets::Classes { names, labels })
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
