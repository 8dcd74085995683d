//! Splits that keep the samples of a group together.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{HELD_OUT, Split, wanted};

/// Orders of the groups that are tried.
const TRIES: usize = 20;

/// Samples that stay together.
struct Unit {
    members: Vec<usize>,
    /// How many of them are of each class.
    counts: BTreeMap<usize, usize>,
}

/// As [`split`](super::split), with all samples of a group in one split and the classes as near to their
/// shares as that allows: of some orders of the groups, from the largest to the smallest, each put where it is
/// missed most, the best (as scikit-learn's `StratifiedGroupKFold` deals them out).
///
/// Samples of no group are each on their own.
///
/// ```
/// use edgefit_data::{Split, split_groups};
///
/// let groups: Vec<Option<usize>> = (0..20).map(|sample| Some(sample / 4)).collect();
/// let splits = split_groups(&[0; 20], &groups, &[None; 20], 0).unwrap();
/// assert!(splits.chunks(4).all(|group| group == [group[0]; 4]));
/// assert_eq!(splits.iter().filter(|split| **split == Split::Test).count(), 4);
/// ```
///
/// # Errors
/// The index of a class that cannot be in every split, and how many groups it is in.
pub fn split_groups(
    classes: &[usize],
    groups: &[Option<usize>],
    given: &[Option<Split>],
    seed: u64,
) -> Result<Vec<Split>, (usize, usize)> {
    let mut splits: Vec<Split> = given
        .iter()
        .map(|split| split.unwrap_or(Split::Train))
        .collect();
    let parts: Vec<Split> = std::iter::once(Split::Train).chain(wanted(given)).collect();
    if parts.len() == 1 {
        return Ok(splits);
    }
    let pool = (0..classes.len()).filter(|&sample| splits[sample] == Split::Train);
    let mut units: Vec<Unit> = units(classes, groups, pool);
    let mut totals: BTreeMap<usize, usize> = BTreeMap::new();
    for (class, count) in units.iter().flat_map(|unit| &unit.counts) {
        *totals.entry(*class).or_default() += count;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut best: Option<f64> = None;
    for _ in 0..TRIES {
        units.shuffle(&mut rng);
        units.sort_by_key(|unit| std::cmp::Reverse(unit.members.len()));
        let dealt = Dealt::deal(&units, &totals, parts.len());
        let cost = dealt.cost(&totals);
        if best.is_none_or(|least| cost < least) {
            best = Some(cost);
            for (unit, part) in units.iter().zip(dealt.places) {
                let members = unit.members.iter();
                members.for_each(|&sample| splits[sample] = parts[part]);
            }
        }
    }
    for class in totals.keys() {
        let is_in = |part: &Split| {
            let mut samples = classes.iter().zip(&splits);
            samples.any(|(of, split)| (of, split) == (class, part))
        };
        if !parts.iter().all(is_in) {
            let having = units.iter().filter(|unit| unit.counts.contains_key(class));
            return Err((*class, having.count()));
        }
    }
    Ok(splits)
}

/// The groups of the samples in `pool`.
fn units(
    classes: &[usize],
    groups: &[Option<usize>],
    pool: impl Iterator<Item = usize>,
) -> Vec<Unit> {
    let mut units: BTreeMap<(Option<usize>, usize), Unit> = BTreeMap::new();
    for sample in pool {
        // Samples of no group are told apart by their own number.
        let key = match groups[sample] {
            Some(group) => (Some(group), 0),
            None => (None, sample),
        };
        let unit = units.entry(key).or_insert_with(|| Unit {
            members: Vec::new(),
            counts: BTreeMap::new(),
        });
        unit.members.push(sample);
        *unit.counts.entry(classes[sample]).or_default() += 1;
    }
    units.into_values().collect()
}

/// The part of each group, and what the parts hold then.
struct Dealt {
    places: Vec<usize>,
    /// For each part, the samples of each class.
    held: Vec<BTreeMap<usize, usize>>,
}

impl Dealt {
    /// Puts each group into the part that it brings nearest to its share.
    fn deal(units: &[Unit], totals: &BTreeMap<usize, usize>, parts: usize) -> Self {
        let mut dealt = Dealt {
            places: Vec::new(),
            held: vec![BTreeMap::new(); parts],
        };
        for unit in units {
            let change = |part: usize| -> f64 {
                let of = |(class, count): (&usize, &usize)| {
                    let held = dealt.held[part].get(class).copied().unwrap_or(0);
                    off(part, parts, held + count, totals[class])
                        - off(part, parts, held, totals[class])
                };
                unit.counts.iter().map(of).sum()
            };
            let changes: Vec<f64> = (0..parts).map(change).collect();
            let least = (0..parts).min_by(|a, b| changes[*a].total_cmp(&changes[*b]));
            let place = least.unwrap_or(0);
            dealt.places.push(place);
            for (class, count) in &unit.counts {
                *dealt.held[place].entry(*class).or_default() += count;
            }
        }
        dealt
    }

    fn cost(&self, totals: &BTreeMap<usize, usize>) -> f64 {
        let parts = self.held.len();
        let of = |(part, held): (usize, &BTreeMap<usize, usize>)| -> f64 {
            let classes = totals.iter();
            classes
                .map(|(class, total)| match held.get(class) {
                    Some(held) => off(part, parts, *held, *total),
                    // A class that a part lacks is worse than any imbalance.
                    None => totals.len() as f64 * 1e3,
                })
                .sum()
        };
        self.held.iter().enumerate().map(of).sum()
    }
}

/// How far `held` samples of `total` are from what is due to a part, squared.
fn off(part: usize, parts: usize, held: usize, total: usize) -> f64 {
    let share = match part {
        0 => 1.0 - HELD_OUT * (parts - 1) as f64,
        _ => HELD_OUT,
    };
    (held as f64 / (total as f64 * share) - 1.0).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The split of each group; panics where a group is torn.
    fn of_groups(splits: &[Split], groups: &[Option<usize>]) -> BTreeMap<usize, Split> {
        let mut found = BTreeMap::new();
        for (split, group) in splits.iter().zip(groups) {
            let group = group.unwrap();
            assert_eq!(found.entry(group).or_insert(*split), split, "{group}");
        }
        found
    }

    #[test]
    fn groups_are_whole_and_classes_everywhere() {
        // Groups of very different sizes; the class goes with the group, and not quite.
        let groups: Vec<Option<usize>> = (0..400).map(|at: usize| Some(at.isqrt())).collect();
        let classes: Vec<usize> = (0..400)
            .map(|at: usize| {
                if at.is_multiple_of(11) {
                    2
                } else {
                    at.isqrt() % 2
                }
            })
            .collect();
        let given = vec![None; 400];
        for seed in 0..20 {
            let splits = split_groups(&classes, &groups, &given, seed).unwrap();
            of_groups(&splits, &groups);
            for (class, split) in (0..3).flat_map(|class| Split::ALL.map(|split| (class, split))) {
                let samples = classes.iter().zip(&splits);
                let of_class = samples.clone().filter(|(of, _)| **of == class).count() as f64;
                let here = samples.filter(|pair| *pair == (&class, &split)).count() as f64;
                let due = if split == Split::Train { 0.6 } else { 0.2 };
                assert!(
                    (here / of_class - due).abs() < 0.12,
                    "{class} {split:?} {here}"
                );
            }
            assert_eq!(
                splits,
                split_groups(&classes, &groups, &given, seed).unwrap()
            );
        }
    }

    #[test]
    fn three_groups_are_enough_and_two_are_not() {
        let groups = |count: usize| (0..30).map(|at| Some(at % count)).collect::<Vec<_>>();
        let splits = split_groups(&[0; 30], &groups(3), &[None; 30], 7).unwrap();
        assert_eq!(of_groups(&splits, &groups(3)).len(), 3);
        let few = split_groups(&[0; 30], &groups(2), &[None; 30], 7);
        assert_eq!(few, Err((0, 2)));
    }

    #[test]
    fn given_splits_are_kept() {
        let groups: Vec<Option<usize>> = (0..40).map(|at| (at < 30).then_some(at / 3)).collect();
        let given: Vec<Option<Split>> = (0..40)
            .map(|at| Some(if at < 30 { Split::Train } else { Split::Test }))
            .collect();
        let splits = split_groups(&[0; 40], &groups, &given, 1).unwrap();
        assert_eq!(splits[30..], [Split::Test; 10]);
        of_groups(&splits[..30], &groups[..30]);
        let val = splits.iter().filter(|split| **split == Split::Val).count();
        assert_eq!(val, 6);
    }
}
