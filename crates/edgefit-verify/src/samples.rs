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
/// on; all, where outputs do not have as many rows, which with `is_labelled` may also be of a shape that rows do not
/// change.
pub(crate) fn at_once(inputs: &[Array], graph: &Graph, is_labelled: bool) -> usize {
    let all = count(inputs).max(1);
    let size = BATCH.next_multiple_of(fixed(graph).unwrap_or(1));
    let can_be_joined = || {
        let sizes = [size, 2 * size];
        let [Some(once), Some(twice)] = sizes.map(|rows| inferred(inputs, graph, rows)) else {
            return false;
        };
        graph.outputs.iter().all(|output| {
            let found = [&once, &twice].map(|inference| inference.get(&output.name));
            let [once, twice] = found.map(|found| found.map(|found| found.dims.as_slice()));
            let rows = [once, twice].map(|dims| dims.and_then(|dims| dims.first().copied()));
            rows == sizes.map(Some) || is_labelled && once == twice
        })
    };
    if size < all && can_be_joined() {
        size
    } else {
        all
    }
}

/// Whether rows of the inputs can be told to be samples: each has as many, one has a second dimension, and beside one
/// that has none the model takes a row more. It does not where that holds a factor for each element of a sample.
pub(crate) fn are_samples(inputs: &[Array], graph: &Graph) -> bool {
    let all = count(inputs);
    let (mut has_numbers, mut has_rows) = (false, false);
    for input in inputs {
        has_numbers |= input.dims.len() == 1;
        has_rows |= input.dims.len() > 1;
    }
    has_rows
        && inputs.iter().all(|input| input.dims.first() == Some(&all))
        && (!has_numbers || with_rows(inputs, graph, all + 1).is_some())
}

/// What is known of `graph` on `rows` rows of each of the inputs; `None` where they are no samples, or the model does
/// not take so many.
pub(crate) fn inferred(inputs: &[Array], graph: &Graph, rows: usize) -> Option<Inference> {
    are_samples(inputs, graph)
        .then(|| with_rows(inputs, graph, rows))
        .flatten()
}

/// What is known of `graph` on inputs that have `rows` rows instead of theirs.
fn with_rows(inputs: &[Array], graph: &Graph, rows: usize) -> Option<Inference> {
    let dims = inputs.iter().map(|input| {
        let rest = input.dims.get(1..).unwrap_or_default();
        [&[rows], rest].concat()
    });
    let names = graph.free_inputs().map(|input| input.name.clone());
    infer(graph, &InputShapes(names.zip(dims).collect())).ok()
}

/// Whether `graph` takes the first sample of the inputs alone.
pub(crate) fn takes_one(inputs: &[Array], graph: &Graph) -> bool {
    inferred(inputs, graph, 1).is_some()
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

#[cfg(test)]
mod tests {
    use edgefit_engine::random_arrays;
    use edgefit_graph::{Node, ValueInfo};

    use super::*;

    #[test]
    fn factors_of_the_elements_of_a_sample_are_no_samples() {
        let mut graph = Graph::new("g", 17);
        let dims = vec![Dim::Symbol("n".into()), Dim::Known(8)];
        graph.inputs.push(ValueInfo::f32("x", dims));
        let vector = vec![Dim::Symbol("m".into())];
        graph.inputs.push(ValueInfo::f32("z", vector));
        graph.nodes = vec![Node::new("Mul", "scale", &["x", "z"], &["y"])];
        let inputs = random_arrays([vec![8, 8], vec![8]], 0);
        assert!(!are_samples(&inputs, &graph) && !takes_one(&inputs, &graph));
        assert_eq!(some_samples(&inputs, 0..1, &graph), inputs);
        graph.nodes = vec![
            Node::new("Tanh", "rows", &["x"], &["y"]),
            Node::new("Tanh", "lengths", &["z"], &["w"]),
        ];
        assert!(are_samples(&inputs, &graph) && takes_one(&inputs, &graph));
        let one = some_samples(&inputs, 0..1, &graph);
        assert_eq!((one[0].values.len(), one[1].values.len()), (8, 1));
    }
}
