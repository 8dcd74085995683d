//! The array of targets as a file holds it, before it is known what it means.

use std::io::Read;

use super::checks::{require_finite, require_samples};
use super::npy::{Kind, Npy};

/// The array `y`, of all parts one behind the other.
pub(super) struct Labels {
    /// Numbers or texts of a sample.
    pub width: usize,
    /// Whether each sample has a row of its own, be it of a single number.
    pub rows: bool,
    pub values: Values,
    /// The name of the array of each part, and its first sample.
    parts: Vec<(String, usize)>,
}

/// Elements of [`Labels`]: samples × width.
pub(super) enum Values {
    Floats(Vec<f32>),
    /// Integers or booleans.
    Integers(Vec<i128>),
    Texts(Vec<String>),
}

impl Labels {
    /// Reads the array called `name`.
    pub fn read<R: Read>(name: &str, npy: Npy<R>) -> Result<Self, String> {
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
        Ok(Labels {
            width,
            rows: npy.shape().len() > 1,
            parts: vec![(name.to_owned(), 0)],
            values: match npy.kind() {
                Kind::Text => Values::Texts(npy.texts()?),
                Kind::Float => {
                    let values = npy.floats()?;
                    require_finite(&values, &[width])?;
                    Values::Floats(values)
                }
                Kind::Signed | Kind::Unsigned | Kind::Bool => Values::Integers(npy.integers()?),
            },
        })
    }

    /// The name of the first array.
    pub fn name(&self) -> &str {
        self.parts.first().map_or("y", |(name, _)| name)
    }

    pub fn samples(&self) -> usize {
        self.values.len() / self.width
    }

    /// Appends the targets of another part.
    pub fn append(&mut self, other: Labels) -> Result<(), String> {
        let alike = self.width == other.width;
        let before = self.samples();
        match (&mut self.values, other.values) {
            (Values::Floats(all), Values::Floats(more)) if alike => all.extend(more),
            (Values::Integers(all), Values::Integers(more)) if alike => all.extend(more),
            (Values::Texts(all), Values::Texts(more)) if alike => all.extend(more),
            _ => {
                return Err(format!(
                    "has another type or width than '{}'; save all splits alike",
                    self.name()
                ));
            }
        }
        let parts = other.parts.into_iter();
        let parts = parts.map(|(name, start)| (name, before + start));
        self.parts.extend(parts);
        Ok(())
    }

    /// Where the elements are.
    pub fn places(&self) -> Places {
        Places {
            width: self.width,
            parts: self.parts.clone(),
        }
    }
}

/// Where the elements of [`Labels`] are.
pub(super) struct Places {
    width: usize,
    parts: Vec<(String, usize)>,
}

impl Places {
    /// The place of an element, in Python's words.
    pub fn of(&self, index: usize) -> String {
        let (sample, column) = (index / self.width, index % self.width);
        let part = self.parts.iter().rev().find(|(_, start)| *start <= sample);
        let (name, start) = part.map_or(("y", 0), |(name, start)| (name, *start));
        match self.width {
            1 => format!("{name}[{}]", sample - start),
            _ => format!("{name}[{}, {column}]", sample - start),
        }
    }
}

impl Values {
    pub fn len(&self) -> usize {
        match self {
            Values::Floats(values) => values.len(),
            Values::Integers(values) => values.len(),
            Values::Texts(values) => values.len(),
        }
    }

    /// Whether an element is 1; `None` where it is neither 1 nor 0.
    pub fn bit(&self, index: usize) -> Option<bool> {
        let (zero, one) = match self {
            Values::Floats(values) => (values[index] == 0.0, values[index] == 1.0),
            Values::Integers(values) => (values[index] == 0, values[index] == 1),
            Values::Texts(_) => (false, false),
        };
        (zero || one).then_some(one)
    }

    /// An element as it is written.
    pub fn text(&self, index: usize) -> String {
        match self {
            Values::Floats(values) => values[index].to_string(),
            Values::Integers(values) => values[index].to_string(),
            Values::Texts(values) => format!("'{}'", values[index]),
        }
    }
}
