//! [`Imported`]: a checkpoint turned into a graph.

use std::collections::BTreeMap;

use edgefit_graph::Graph;

use crate::variant::Variant;

/// A checkpoint turned into a graph.
#[derive(Debug)]
pub struct Imported {
    /// The network with its weights.
    pub graph: Graph,
    /// Keys of the checkpoint that the network has no use for.
    pub unused_keys: Vec<String>,
    /// What all keys of the weights begin with in the checkpoint.
    pub prefix: String,
    /// Names of wrappers that stood between the parts of keys, and were left out of them.
    pub wrappers: Vec<String>,
    /// What those of other sets of weights begin with, which were left.
    pub other_prefixes: Vec<String>,
    /// What the checkpoint calls layers of the head, by what the network calls them.
    pub renamed: BTreeMap<String, String>,
    /// Which of two networks with the same keys it is, where there are two.
    pub variant: Option<Variant>,
}
