//! [`Kept`]: which channels of each group stay.

use crate::structure::Structure;

/// For each group of a [`Structure`] and each of its units, whether it stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept(pub Vec<Vec<bool>>);

impl Kept {
    /// All of `structure`.
    pub fn all(structure: &Structure) -> Self {
        let groups = structure.groups().iter();
        Kept(groups.map(|group| vec![true; group.units.len()]).collect())
    }

    /// How many channels of each group stay, with those that have to.
    pub fn channels(&self, structure: &Structure) -> Vec<usize> {
        let groups = structure.groups().iter().zip(&self.0);
        groups
            .map(|(group, kept)| {
                let stay = group.units.iter().zip(kept).filter(|(_, kept)| **kept);
                group.fixed + stay.map(|(size, _)| size).sum::<usize>()
            })
            .collect()
    }

    /// Whether a channel of `structure` stays.
    pub(crate) fn keeps(&self, structure: &Structure, channel: u32) -> bool {
        structure.units[channel as usize].is_none_or(|(group, unit)| self.0[group][unit])
    }

    /// Places along a dimension with the channels `labels` that stay.
    pub(crate) fn places(&self, structure: &Structure, labels: &[u32]) -> Vec<usize> {
        let places = labels.iter().enumerate();
        places
            .filter(|(_, channel)| self.keeps(structure, **channel))
            .map(|(place, _)| place)
            .collect()
    }
}
