//! The tensors of a graph that are known before the model runs.

use std::collections::HashMap;

use crate::graph::Graph;
use crate::tensor::Tensor;

/// The initializers of a graph, and what has been computed since.
pub(super) struct KnownConstants<'g> {
    graph: &'g Graph,
    learnt: HashMap<String, Tensor>,
}

impl<'g> KnownConstants<'g> {
    pub fn new(graph: &'g Graph) -> Self {
        KnownConstants {
            graph,
            learnt: HashMap::new(),
        }
    }

    pub fn opset(&self) -> i64 {
        self.graph.opset()
    }

    pub fn learn(&mut self, name: &str, tensor: Tensor) {
        self.learnt.insert(name.to_owned(), tensor);
    }

    pub fn forget(&mut self, name: &str) -> Option<Tensor> {
        self.learnt.remove(name)
    }

    pub fn into_learnt(self) -> HashMap<String, Tensor> {
        self.learnt
    }

    pub fn get(&self, name: &str) -> Option<&Tensor> {
        let initializer = || self.graph.initializers.get(name);
        self.learnt.get(name).or_else(initializer)
    }
}
