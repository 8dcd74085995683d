use std::collections::BTreeSet;
use std::io::Read;

use super::npy::{Kind, Npy};
use super::{not_finite, samples_of};

/// What is to be told from a sample.
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
    /// Each sample has numbers.
    Regression {
        /// Names of the numbers.
        names: Vec<String>,
        /// The numbers: samples × names.
        values: Vec<f32>,
    },
}

/// Targets of one array, or of several that were put together.
pub(super) enum Raw {
    Classes(Vec<i128>),
    MultiLabel { width: usize, labels: Vec<bool> },
    Regression { width: usize, values: Vec<f32> },
}

impl Raw {
    /// Reads `y`, and tells the task from its type and shape.
    pub fn read<R: Read>(npy: Npy<R>) -> Result<Self, String> {
        samples_of(&npy.shape)?;
        let width = match npy.shape[..] {
            [_] => 1,
            [_, width] => width,
            _ => {
                return Err(format!(
                    "has the shape {:?}; give a target a sample, or one row of targets a sample",
                    npy.shape
                ));
            }
        };
        match npy.kind {
            Kind::Text => Err(
                "holds text; give the number of each class, from 0, and their \
                               names as 'classes'"
                    .into(),
            ),
            Kind::Float => {
                let values = npy.floats()?;
                match not_finite(&values, &[width]) {
                    Some(problem) => Err(problem),
                    None => Ok(Raw::Regression { width, values }),
                }
            }
            _ if width == 1 => Ok(Raw::Classes(npy.integers()?)),
            _ => {
                let labels = npy.integers()?;
                match labels.iter().position(|label| !matches!(label, 0 | 1)) {
                    Some(bad) => Err(format!(
                        "holds {} in row {}, column {}; several labels a sample are 0 or 1, and \
                         numbers to predict are floats",
                        labels[bad],
                        bad / width,
                        bad % width
                    )),
                    None => Ok(Raw::MultiLabel {
                        width,
                        labels: labels.iter().map(|&label| label == 1).collect(),
                    }),
                }
            }
        }
    }

    pub fn samples(&self) -> usize {
        match self {
            Raw::Classes(labels) => labels.len(),
            Raw::MultiLabel { width, labels } => labels.len() / width,
            Raw::Regression { width, values } => values.len() / width,
        }
    }

    /// Puts the targets of another part behind these.
    pub fn append(&mut self, other: Raw) -> Result<(), String> {
        match (self, other) {
            (Raw::Classes(labels), Raw::Classes(more)) => labels.extend(more),
            (
                Raw::MultiLabel { width, labels },
                Raw::MultiLabel {
                    width: other,
                    labels: more,
                },
            ) if *width == other => labels.extend(more),
            (
                Raw::Regression { width, values },
                Raw::Regression {
                    width: other,
                    values: more,
                },
            ) if *width == other => values.extend(more),
            _ => {
                return Err(
                    "has another type or width than 'y_train'; save all parts alike".into(),
                );
            }
        }
        Ok(())
    }

    /// The targets under `names`, or under their numbers.
    ///
    /// `row` says where a sample lies, for people.
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
            Raw::Classes(labels) => classes(&labels, names, row),
            Raw::MultiLabel { width, labels } => Ok(Targets::MultiLabel {
                names: columns(width)?,
                labels,
            }),
            Raw::Regression { width, values } => Ok(Targets::Regression {
                names: columns(width)?,
                values,
            }),
        }
    }
}

/// The classes are numbers from 0 if they have names, and whatever numbers there are otherwise.
fn classes(
    labels: &[i128],
    names: Option<Vec<String>>,
    row: impl Fn(usize) -> String,
) -> Result<Targets, String> {
    let distinct: BTreeSet<i128> = labels.iter().copied().collect();
    if let (1, Some(only)) = (distinct.len(), distinct.first()) {
        return Err(format!(
            "y holds one class only, {only}; there is nothing to tell apart, add samples of another"
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
    if npy.kind != Kind::Text || npy.shape.len() != 1 {
        return Err(
            "is no row of names; save it with np.array([\"one\", \"two\"]), or leave it out".into(),
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
