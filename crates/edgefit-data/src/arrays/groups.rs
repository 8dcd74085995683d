//! Which samples belong together: people, patients, recordings, machines.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use super::npy::{Kind, Npy};
use crate::split::Split;

/// The groups of all parts, by their names.
#[derive(Default)]
pub(super) struct Groups {
    numbers: BTreeMap<String, usize>,
    /// The group of each sample so far.
    pub of_samples: Vec<Option<usize>>,
}

impl Groups {
    /// Appends `count` samples of no group.
    pub fn skip(&mut self, count: usize) {
        self.of_samples.extend(std::iter::repeat_n(None, count));
    }

    /// Appends `count` samples of the groups that the array says.
    pub fn append<R: Read>(&mut self, count: usize, npy: Npy<R>) -> Result<(), String> {
        let shape = npy.shape().to_vec();
        if !matches!(*shape, [rows] | [rows, 1] if rows == count) {
            return Err(format!(
                "has the shape {shape:?}, and there are {count} samples; give each sample one group"
            ));
        }
        let names: Vec<String> = match npy.kind() {
            Kind::Text => npy.texts()?,
            Kind::Float => {
                return Err(
                    "holds floats; groups are integers or names, as of groups.astype(int)".into(),
                );
            }
            Kind::Signed | Kind::Unsigned | Kind::Bool => {
                npy.integers()?.iter().map(i128::to_string).collect()
            }
        };
        for name in names {
            let next = self.numbers.len();
            let number = *self.numbers.entry(name).or_insert(next);
            self.of_samples.push(Some(number));
        }
        Ok(())
    }

    /// A sentence about a group that the user put into several parts.
    pub fn remark(&self, splits: &[Option<Split>]) -> Option<String> {
        let mut first: BTreeMap<usize, Split> = BTreeMap::new();
        let mut torn = BTreeSet::new();
        for (group, split) in self.of_samples.iter().zip(splits) {
            if let (Some(group), Some(split)) = (group, split)
                && *first.entry(*group).or_insert(*split) != *split
            {
                torn.insert(*group);
            }
        }
        let name = |number: &usize| {
            let mut names = self.numbers.iter();
            names.find(|(_, at)| *at == number).map(|(name, _)| name)
        };
        let example = torn.first().and_then(name)?;
        Some(format!(
            "{} of {} groups are in several parts, such as '{example}': the figures on the held-out \
             parts are better than on new groups",
            torn.len(),
            self.numbers.len()
        ))
    }
}
