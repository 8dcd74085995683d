//! Do two engines compute the same, and if not, where do they part?
//!
//! [`across`] and [`compare()`] answer the first question, [`first_divergence`] the second, and
//! [`unrepeatable`] and [`batch_dependent`] find what no second engine is needed for: a model that is
//! not in eval mode.

mod bisect;
mod compare;
mod cut;
mod divergence;
mod eval_mode;
mod known;
mod search;
mod statistics;
mod tolerance;

use edgefit_graph::Graph;
use serde::Serialize;

use crate::array::Array;
use crate::error::Result;
use crate::{EngineName, load};

pub use compare::{Pair, compare};
pub use divergence::{Divergence, Reduced, Side, first_divergence};
pub use eval_mode::{Fault, FaultKind, batch_dependent, in_train_mode, unrepeatable};
pub use known::refused;
pub use statistics::Statistics;
pub use tolerance::Tolerance;

/// Whether engines agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Verdict {
    Agree,
    Diverge,
}

impl From<bool> for Verdict {
    fn from(agree: bool) -> Self {
        match agree {
            true => Verdict::Agree,
            false => Verdict::Diverge,
        }
    }
}

impl Verdict {
    /// Agreement of all `pairs`.
    pub fn of(pairs: &[Pair]) -> Self {
        pairs.iter().all(|pair| pair.within).into()
    }
}

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
