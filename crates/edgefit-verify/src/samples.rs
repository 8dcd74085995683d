//! Some samples of a batch.

use std::ops::Range;

pub(crate) use edgefit_base::spread;
use edgefit_engine::Array;
use edgefit_graph::infer::{Inference, InputShapes, infer};
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
    if range.end <= all
        && fixed.is_none_or(|size| size <= all)
        && inferred(inputs, graph, range.len()).is_some()
    {
        let inputs = inputs.iter();
        inputs.map(|input| input.rows(range.clone())).collect()
    } else {
        inputs.to_vec()
    }
}

/// How many samples of the inputs go through the engines at once: [`BATCH`], or a multiple of what the model insists
/// on; all, where neither `is_labelled` nor outputs with as many rows say that rows are samples.
pub(crate) fn at_once(inputs: &[Array], graph: &Graph, is_labelled: bool) -> usize {
    let all = count(inputs).max(1);
    let size = BATCH.next_multiple_of(fixed(graph).unwrap_or(1));
    let keeps_rows = |inference: Inference| {
        let mut outputs = graph.outputs.iter();
        outputs.all(|output| {
            let found = inference.get(&output.name);
            found.is_some_and(|found| found.dims.first() == Some(&size))
        })
    };
    let is_cut = size < all
        && inferred(inputs, graph, size)
            .is_some_and(|inference| is_labelled || keeps_rows(inference));
    if is_cut { size } else { all }
}

/// What is known of `graph` on `rows` rows of each of the inputs; `None` where rows are no samples: an input has more
/// or fewer than another or a single dimension, or the model does not take so many.
pub(crate) fn inferred(inputs: &[Array], graph: &Graph, rows: usize) -> Option<Inference> {
    let all = count(inputs);
    let dims = inputs.iter().map(|input| match input.dims.as_slice() {
        [first, rest @ ..] if *first == all && !rest.is_empty() => Some([&[rows], rest].concat()),
        _ => None,
    });
    let dims: Vec<Vec<usize>> = dims.collect::<Option<_>>()?;
    let names = graph.free_inputs().map(|input| input.name.clone());
    infer(graph, &InputShapes(names.zip(dims).collect())).ok()
}

/// The number of samples that the model insists on.
pub(crate) fn fixed(graph: &Graph) -> Option<usize> {
    graph
        .free_inputs()
        .find_map(|input| match input.dims()?.first()? {
            Dim::Known(size @ 2..) => Some(*size),
            _ => None,
        })
}
