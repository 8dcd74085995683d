//! Train, val and test: what each sample is used for.

use std::fmt;
use std::ops::{Index, IndexMut};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

mod groups;

pub use groups::split_groups;

/// What a sample is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Weights are fitted to it.
    Train,
    /// Choices are made on it.
    Val,
    /// Read once, at the end.
    Test,
}

impl Split {
    /// All of them, in their usual order.
    pub const ALL: [Split; 3] = [Split::Train, Split::Val, Split::Test];
}

impl fmt::Display for Split {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str(match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        })
    }
}

/// One `T` for each split.
///
/// ```
/// use edgefit_data::{Split, Splits};
///
/// let counts = Splits { train: 60, val: 20, test: 20 };
/// assert_eq!(counts[Split::Val], 20);
/// assert_eq!(counts.iter().map(|(_, count)| count).sum::<i32>(), 100);
/// assert_eq!(counts.map(|count| count > 30), Splits { train: true, val: false, test: false });
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splits<T> {
    /// That of the samples that weights are fitted to.
    pub train: T,
    /// That of the samples that choices are made on.
    pub val: T,
    /// That of the samples that are read once, at the end.
    pub test: T,
}

impl<T> Splits<T> {
    /// What `make` makes of each split, called in the order train, val, test.
    pub fn from_fn(mut make: impl FnMut(Split) -> T) -> Self {
        Splits {
            train: make(Split::Train),
            val: make(Split::Val),
            test: make(Split::Test),
        }
    }

    /// What `change` makes of each, called in the order train, val, test.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Splits<U> {
        Splits {
            train: change(self.train),
            val: change(self.val),
            test: change(self.test),
        }
    }

    /// References to each.
    pub fn as_ref(&self) -> Splits<&T> {
        Splits {
            train: &self.train,
            val: &self.val,
            test: &self.test,
        }
    }

    /// Each with its split, in the order train, val, test.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Split, &T)> {
        Split::ALL.into_iter().map(|split| (split, &self[split]))
    }
}

impl<T> Index<Split> for Splits<T> {
    type Output = T;

    fn index(&self, split: Split) -> &T {
        match split {
            Split::Train => &self.train,
            Split::Val => &self.val,
            Split::Test => &self.test,
        }
    }
}

impl<T> IndexMut<Split> for Splits<T> {
    fn index_mut(&mut self, split: Split) -> &mut T {
        match split {
            Split::Train => &mut self.train,
            Split::Val => &mut self.val,
            Split::Test => &mut self.test,
        }
    }
}

/// Share of a class that goes to val, and the same again to test.
const HELD_OUT: f64 = 0.2;

/// Fewest samples of a class that can be split.
const FEWEST: usize = 3;

/// Puts every sample into a split: 60 % train, 20 % val, 20 % test of each class, the same for the
/// same `seed` and samples.
///
/// `given` holds what the user decided; splits that the user made are kept, and one that is missing
/// is taken from train.
///
/// ```
/// use edgefit_data::{Split, split};
///
/// let classes = [vec![0; 10], vec![1; 5]].concat();
/// let splits = split(&classes, &[None; 15], 0).unwrap();
/// assert_eq!(splits.iter().filter(|split| **split == Split::Test).count(), 2 + 1);
/// assert_eq!(split(&[0, 0, 1], &[None; 3], 0), Err((0, 2)));
/// ```
///
/// # Errors
/// The index of a class with too few samples to be in every split, and how many it has.
pub fn split(
    classes: &[usize],
    given: &[Option<Split>],
    seed: u64,
) -> Result<Vec<Split>, (usize, usize)> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let wanted = wanted(given);
    let mut splits: Vec<Split> = given
        .iter()
        .map(|split| split.unwrap_or(Split::Train))
        .collect();
    let count = classes.iter().max().map_or(0, |last| last + 1);
    for class in 0..count {
        let mut members: Vec<usize> = (0..classes.len())
            .filter(|&index| classes[index] == class && splits[index] == Split::Train)
            .collect();
        if members.len() < FEWEST - 2 + wanted.len() {
            return Err((class, members.len()));
        }
        members.shuffle(&mut rng);
        let held_out = ((members.len() as f64 * HELD_OUT).round() as usize).max(1);
        for (split, members) in wanted.iter().zip(members.chunks(held_out)) {
            for &index in members {
                splits[index] = *split;
            }
        }
    }
    Ok(splits)
}

/// The splits that are taken from train, as the user gave none.
fn wanted(given: &[Option<Split>]) -> Vec<Split> {
    let held_out = [Split::Val, Split::Test].into_iter();
    held_out
        .filter(|&split| !given.contains(&Some(split)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(splits: &[Split], wanted: Split) -> usize {
        splits.iter().filter(|split| **split == wanted).count()
    }

    #[test]
    fn every_class_is_in_every_split() {
        let classes: Vec<usize> = [vec![0; 35], vec![1; 67], vec![2; 3]].concat();
        let splits = split(&classes, &vec![None; classes.len()], 1).unwrap();
        for class in 0..3 {
            let of_class: Vec<Split> = (0..classes.len())
                .filter(|&index| classes[index] == class)
                .map(|index| splits[index])
                .collect();
            let held_out = ((of_class.len() as f64 * 0.2).round() as usize).max(1);
            assert_eq!(count(&of_class, Split::Val), held_out);
            assert_eq!(count(&of_class, Split::Test), held_out);
        }
    }

    #[test]
    fn the_seed_decides() {
        let classes = vec![0; 50];
        let given = vec![None; 50];
        let splits = |seed| split(&classes, &given, seed).unwrap();
        assert_eq!(splits(1), splits(1));
        assert_ne!(splits(1), splits(2));
    }

    #[test]
    fn given_splits_are_kept_and_missing_ones_taken_from_train() {
        let classes = vec![0; 12];
        let given: Vec<Option<Split>> = (0..12)
            .map(|index| Some(if index < 2 { Split::Test } else { Split::Train }))
            .collect();
        let splits = split(&classes, &given, 1).unwrap();
        assert_eq!(&splits[..2], [Split::Test; 2]);
        assert_eq!(count(&splits, Split::Test), 2);
        assert_eq!(count(&splits, Split::Val), 2);
    }

    #[test]
    fn a_class_too_small_to_split_is_named() {
        assert_eq!(split(&[0, 0, 0, 1, 1], &[None; 5], 1), Err((1, 2)));
    }
}
