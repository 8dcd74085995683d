//! All the operators of a graph that edgefit cannot work with.

use indexmap::IndexMap;

use super::reader::OpReader;
use crate::error::Error;
use crate::graph::Graph;
use crate::unsupported::{Unsupported, merge};

/// The operators that edgefit cannot work with whatever the shapes are, each with all its nodes.
pub fn unsupported_ops(graph: &Graph) -> Vec<Unsupported> {
    let reader = OpReader::new(graph);
    let mut all = IndexMap::new();
    for node in &graph.nodes {
        if let Err(Error::Unsupported(mut more)) = reader.read(node) {
            more.retain(|unsupported| !unsupported.wants_constant());
            merge(&mut all, more);
        }
    }
    all.into_values().collect()
}
