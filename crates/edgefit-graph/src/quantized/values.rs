//! The values of a model that are kept as integers.

use std::collections::HashSet;

use serde::Serialize;

use super::scaling::Scaling;
use crate::graph::Graph;
use crate::tensor::DataType;
use crate::topology::Topology;

/// What a quantised value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StandsFor {
    /// A weight.
    Weight,
    /// A bias, in the 32 bits of an accumulator.
    Bias,
    /// What is computed as the model runs.
    Activation,
}

impl std::fmt::Display for StandsFor {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            StandsFor::Weight => "weight",
            StandsFor::Bias => "bias",
            StandsFor::Activation => "activation",
        })
    }
}

/// A value that is kept as integers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuantizedValue {
    /// The float value that is quantised, or the initializer of integers.
    pub name: String,
    /// What it is.
    pub kind: StandsFor,
    /// What its integers stand for.
    #[serde(flatten)]
    pub scaling: Scaling,
}

/// Every value of `graph` that a QuantizeLinear makes integers of, and every constant and input of integers
/// that a DequantizeLinear reads, in graph order.
pub fn quantized_values(graph: &Graph) -> Vec<QuantizedValue> {
    let topology = Topology::of(graph);
    let mut known: HashSet<&str> = HashSet::new();
    let mut values = Vec::new();
    for node in &graph.nodes {
        let Some(name) = node.input(0) else { continue };
        let made = topology.producer(name).is_some();
        if (node.op == "DequantizeLinear" && made) || known.contains(name) {
            continue;
        }
        let Some(scaling) = Scaling::of(graph, &topology, node) else {
            continue;
        };
        known.insert(name);
        let kind = match (graph.initializers.contains_key(name), scaling.dtype) {
            (false, _) => StandsFor::Activation,
            (true, DataType::I32) => StandsFor::Bias,
            (true, _) => StandsFor::Weight,
        };
        values.push(QuantizedValue {
            name: name.to_owned(),
            kind,
            scaling,
        });
    }
    values
}
