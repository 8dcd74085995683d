//! Each two engines compared on the same inputs.

use edgefit_engine::{Array, EngineName, Result, load};
use edgefit_graph::Graph;

use crate::compare::{Pair, compare};
use crate::tolerance::Tolerance;

/// Runs `graph` on `inputs` in every one of `engines` and compares the results, each two of them
/// and each output.
///
/// # Errors
/// An engine cannot load or run the model.
pub fn across(
    graph: &Graph,
    engines: &[EngineName],
    inputs: &[Array],
    threads: usize,
    tolerance: Tolerance,
) -> Result<Vec<Pair>> {
    let results = engines
        .iter()
        .map(|&engine| Ok((engine, load(engine, graph, threads)?.run(inputs)?)))
        .collect::<Result<Vec<_>>>()?;
    Ok(pairs(&results, tolerance))
}

/// Compares what several engines made of the same inputs, each two of them and each output.
pub fn pairs(results: &[(EngineName, Vec<Array>)], tolerance: Tolerance) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (index, (a, of_a)) in results.iter().enumerate() {
        for (b, of_b) in &results[index + 1..] {
            let outputs = of_a.iter().zip(of_b);
            pairs.extend(outputs.map(|(x, y)| compare((*a, x), (*b, y), tolerance)));
        }
    }
    pairs
}
