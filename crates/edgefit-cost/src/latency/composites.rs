//! Activations that exporters write as several nodes, and engines run as one.

use std::collections::{HashMap, HashSet};

use edgefit_graph::Graph;
use edgefit_graph::topology::Topology;

/// Activations that exporters write as several nodes.
pub(super) struct Composites {
    /// The last node of each, and what it is.
    pub made: HashMap<usize, &'static str>,
    /// The other nodes.
    pub absorbed: HashSet<usize>,
}

impl Composites {
    pub fn of(graph: &Graph, topology: &Topology) -> Self {
        let mut found = Composites {
            made: HashMap::new(),
            absorbed: HashSet::new(),
        };
        for (index, node) in graph.nodes.iter().enumerate() {
            match node.op.as_str() {
                "Sigmoid" => found.gate(graph, topology, index, "Silu"),
                "HardSigmoid" => found.gate(graph, topology, index, "HardSwish"),
                "Erf" => found.gelu(graph, topology, index),
                _ => {}
            }
        }
        found
    }

    /// x · gate(x).
    fn gate(&mut self, graph: &Graph, topology: &Topology, gate: usize, name: &'static str) {
        let node = &graph.nodes[gate];
        let product = node
            .present_outputs()
            .next()
            .and_then(|output| topology.sole_consumer(output));
        if let Some(product) = product
            && graph.nodes[product].op == "Mul"
            && node
                .input(0)
                .is_some_and(|x| graph.nodes[product].inputs.iter().any(|y| y == x))
        {
            self.made.insert(product, name);
            self.absorbed.insert(gate);
        }
    }

    /// x · (1 + erf(x / √2)) / 2, the factors in any order.
    fn gelu(&mut self, graph: &Graph, topology: &Topology, erf: usize) {
        let node = &graph.nodes[erf];
        let Some(scaled) = node.input(0).and_then(|input| topology.producer(input)) else {
            return;
        };
        let mut chain = vec![scaled, erf];
        let mut last = erf;
        // The sum, and the two products.
        for op in ["Add", "Mul", "Mul"] {
            let output = graph.nodes[last].present_outputs().next();
            match output.and_then(|output| topology.sole_consumer(output)) {
                Some(next) if graph.nodes[next].op == op => {
                    chain.push(next);
                    last = next;
                }
                _ => return,
            }
        }
        chain.pop();
        // Half of x, where that is the other factor.
        let x = graph.nodes[scaled].input(0);
        for input in &graph.nodes[last].inputs {
            if let Some(half) = topology.producer(input)
                && graph.nodes[half].op == "Mul"
                && graph.nodes[half].input(0) == x
                && !chain.contains(&half)
            {
                chain.push(half);
            }
        }
        self.made.insert(last, "Gelu");
        self.absorbed.extend(chain);
    }
}
