//! Heads whose layers have other names, because something without weights was put between them.

use std::collections::{BTreeMap, BTreeSet};

use crate::layout::Wanted;
use crate::weight_set::{WeightSet, is_of_an_optimiser};

/// A layer with weights, in the order in which it is wanted or numbered.
struct Layer<'k> {
    name: &'k str,
    weight: &'k [usize],
    has_bias: bool,
}

/// What `set` calls the layers of the head, by what they are called in the network: where those are all that
/// is missing, and just as many layers of their shapes are left over.
pub(crate) fn renamed(set: &WeightSet, wanted: &[Wanted]) -> BTreeMap<String, String> {
    let Some(keys) = missing(set, wanted) else {
        return BTreeMap::new();
    };
    let lacking = wanted
        .iter()
        .map(|wanted| (wanted.key.as_str(), wanted.dims.as_slice()))
        .filter(|(key, _)| keys.contains(key));
    let (lacking, left) = (layers(lacking), left_over(set, wanted));
    if !alike(&lacking, &left) {
        return BTreeMap::new();
    }
    let pairs = lacking.iter().zip(&left).flat_map(|(lacking, left)| {
        let name = |layer: &Layer, part| format!("{}.{part}", layer.name);
        ["weight", "bias"].map(|part| (name(lacking, part), name(left, part)))
    });
    pairs.collect()
}

/// The layers of `set` that the network has no use for, in the order of their numbers: those in the head's
/// part of the checkpoint, if there are any.
fn left_over<'c>(set: &'c WeightSet, wanted: &[Wanted]) -> Vec<Layer<'c>> {
    let known: BTreeSet<&str> = wanted.iter().map(|wanted| wanted.key.as_str()).collect();
    let head = wanted.last().map(|last| first_part(&last.key));
    let mut left: Vec<(&str, &[usize])> = set
        .checkpoint
        .keys()
        .filter(|key| !is_of_an_optimiser(key))
        .filter_map(|key| key.strip_prefix(&set.prefix))
        .filter(|key| !known.contains(key))
        .filter_map(|key| Some((key, set.shape(key)?)))
        .collect();
    left.sort_by_key(|(key, _)| numbered(key));
    let of_the_head = left.iter().filter(|(key, _)| Some(first_part(key)) == head);
    let of_the_head = layers(of_the_head.copied());
    if of_the_head.is_empty() {
        layers(left.into_iter())
    } else {
        of_the_head
    }
}

/// Whether the layers have the same shapes. Of the last one, which makes the classes, their number is free.
fn alike(some: &[Layer], others: &[Layer]) -> bool {
    let last = some.len().saturating_sub(1);
    let mut pairs = some.iter().zip(others).enumerate();
    !some.is_empty()
        && some.len() == others.len()
        && pairs.all(|(index, (one, other))| {
            let free = usize::from(index == last);
            one.has_bias == other.has_bias
                && one.weight.len() == other.weight.len()
                && one.weight.get(free..) == other.weight.get(free..)
        })
}

/// The keys of the head that `set` lacks, if it lacks some and all else is there.
pub(crate) fn missing<'w>(set: &WeightSet, wanted: &'w [Wanted]) -> Option<Vec<&'w str>> {
    let head = first_part(&wanted.last()?.key);
    let missing = wanted
        .iter()
        .filter(|wanted| set.shape(&wanted.key).is_none());
    let missing: Vec<&str> = missing.map(|wanted| wanted.key.as_str()).collect();
    let only_the_head = missing.iter().all(|key| first_part(key) == head);
    (only_the_head && !missing.is_empty()).then_some(missing)
}

/// The layers with a weight among `keys`.
fn layers<'k>(keys: impl Iterator<Item = (&'k str, &'k [usize])>) -> Vec<Layer<'k>> {
    let keys: Vec<_> = keys.collect();
    let weights = keys
        .iter()
        .filter_map(|(key, dims)| Some((key.strip_suffix(".weight")?, *dims)));
    weights
        .map(|(name, weight)| Layer {
            name,
            weight,
            has_bias: keys
                .iter()
                .any(|(key, _)| key.strip_suffix(".bias") == Some(name)),
        })
        .collect()
}

fn first_part(key: &str) -> &str {
    key.split('.').next().unwrap_or_default()
}

/// The parts of a key, so that 10 comes behind 9.
fn numbered(key: &str) -> Vec<(u64, &str)> {
    key.split('.')
        .map(|part| (part.parse().unwrap_or(u64::MAX), part))
        .collect()
}
