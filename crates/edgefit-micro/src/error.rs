//! What can keep a model from becoming an integer program, where, and how to fix it.

use serde::Serialize;

/// What can keep a model from becoming an integer program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model has no integers.
    #[error(
        "it computes in floats; quantise it first: edgefit quantize MODEL --data DIR --scheme tflite -o Q.onnx"
    )]
    Float,
    /// It is quantised for another engine.
    #[error(
        "it is quantised {0}, and microcontrollers compute in TFLite's: quantise the float model with --scheme \
         tflite"
    )]
    Scheme(String),
    /// Its input or output is not one that a program has.
    #[error("{place}: {problem}")]
    Border {
        /// The input or output.
        place: String,
        /// What is wrong with it, and the fix.
        problem: String,
    },
    /// Nodes that have no integer form: all of them.
    #[error("no integer form for {}", list(.0))]
    Unsupported(Vec<Refusal>),
    /// Nodes of a model of floats that have no form in LiteRT: all of them.
    #[error("no form in LiteRT for {}", list(.0))]
    NoForm(Vec<Refusal>),
    /// The graph itself is broken.
    #[error(transparent)]
    Graph(#[from] edgefit_graph::Error),
    /// What was asked for of the layout does not go together.
    #[error("{0}")]
    Layout(String),
    /// The activations have no place in the banks of the device, or the weights none in a file.
    #[error("{0}")]
    DoesNotFit(String),
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A node without an integer form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Its operator.
    pub op: String,
    /// Its name.
    pub node: String,
    /// Why, and the fix.
    pub reason: String,
}

/// Most operators that an error names one by one.
const LISTED: usize = 20;

/// Refusals, those of one operator for one reason together.
fn list(refusals: &[Refusal]) -> String {
    let mut groups: Vec<(&Refusal, usize)> = Vec::new();
    for refusal in refusals {
        let same = |group: &&mut (&Refusal, usize)| {
            group.0.op == refusal.op && group.0.reason == refusal.reason
        };
        match groups.iter_mut().find(same) {
            Some((_, count)) => *count += 1,
            None => groups.push((refusal, 1)),
        }
    }
    let told = groups.iter().take(LISTED).map(|(first, count)| {
        let Refusal { op, node, reason } = first;
        format!("{op} ×{count} (first: node '{node}': {reason})")
    });
    let mut told: Vec<String> = told.collect();
    if groups.len() > LISTED {
        told.push(format!("and {} more", groups.len() - LISTED));
    }
    told.join(", ")
}
