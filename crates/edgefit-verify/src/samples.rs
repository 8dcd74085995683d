//! Some samples of a batch.

use std::ops::Range;

use edgefit_engine::Array;
use edgefit_graph::{Dim, Graph};

/// Some samples of the inputs, where they can be told apart; as many as the model insists on.
pub(crate) fn some_samples(inputs: &[Array], range: Range<usize>, graph: &Graph) -> Vec<Array> {
    let samples = |array: &Array| array.dims.first().copied().unwrap_or(0);
    let all = inputs.first().map_or(0, samples);
    let fixed = graph
        .free_inputs()
        .find_map(|input| match input.dims()?.first()? {
            Dim::Known(size @ 2..) => Some(*size),
            _ => None,
        });
    let range = match fixed {
        Some(size) if size <= all => {
            let start = range.start.min(all - size);
            start..start + size
        }
        _ => range,
    };
    let apart = inputs.iter().all(|input| samples(input) == all) && range.end <= all;
    if apart && fixed.is_none_or(|size| size <= all) {
        let inputs = inputs.iter();
        inputs.map(|input| input.rows(range.clone())).collect()
    } else {
        inputs.to_vec()
    }
}
