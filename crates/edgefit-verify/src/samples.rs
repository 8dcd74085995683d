//! Some samples of a batch.

use std::ops::Range;

use edgefit_engine::Array;
use edgefit_graph::{Dim, Graph};

/// Samples of data that go through the engines at once.
pub(crate) const BATCH: usize = 16;

/// How many samples the inputs hold, by the first of them; a number alone is one.
pub(crate) fn count(inputs: &[Array]) -> usize {
    let first = inputs.first();
    first.map_or(0, |input| input.dims.first().copied().unwrap_or(1))
}

/// Some samples of the inputs, where they can be told apart; as many as the model insists on.
pub(crate) fn some_samples(inputs: &[Array], range: Range<usize>, graph: &Graph) -> Vec<Array> {
    let all = count(inputs);
    let fixed = fixed(graph);
    let range = match fixed {
        Some(size) if size <= all => {
            let start = range.start.min(all - size);
            start..start + size
        }
        _ => range,
    };
    if are_apart(inputs) && range.end <= all && fixed.is_none_or(|size| size <= all) {
        let inputs = inputs.iter();
        inputs.map(|input| input.rows(range.clone())).collect()
    } else {
        inputs.to_vec()
    }
}

/// How many samples of the inputs go through the engines at once: [`BATCH`], or a multiple of what the model insists
/// on; all, where they cannot be told apart.
pub(crate) fn at_once(inputs: &[Array], graph: &Graph) -> usize {
    if are_apart(inputs) {
        BATCH.next_multiple_of(fixed(graph).unwrap_or(1))
    } else {
        count(inputs).max(1)
    }
}

/// `count` of `all` samples, spread over them; all where there are fewer.
pub(crate) fn spread(all: usize, count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(all);
    (0..count).map(move |at| at * all / count)
}

/// Whether each input has a row for each sample.
fn are_apart(inputs: &[Array]) -> bool {
    let all = count(inputs);
    let mut inputs = inputs.iter();
    inputs.all(|input| input.dims.first() == Some(&all))
}

/// The number of samples that the model insists on.
fn fixed(graph: &Graph) -> Option<usize> {
    graph
        .free_inputs()
        .find_map(|input| match input.dims()?.first()? {
            Dim::Known(size @ 2..) => Some(*size),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_chosen_as_asked_for() {
        let chosen: Vec<usize> = spread(44, 30).collect();
        assert_eq!((chosen.len(), chosen[0]), (30, 0));
        assert!(chosen.is_sorted_by(|a, b| a < b) && chosen[29] > 40);
        assert_eq!(spread(3, 8).count(), 3);
        assert_eq!(spread(0, 8).count(), 0);
    }
}
