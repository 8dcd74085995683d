//! Values of two models that correspond because the same ops make them of values that correspond.

use std::collections::{HashMap, HashSet};

use edgefit_graph::topology::Topology;
use edgefit_graph::{Attribute, Graph, Node};

/// Most nodes that are alike whose weights are compared.
const ALIKE: usize = 64;

/// For values and weights of `other` the names of those of `model` that they correspond to.
///
/// It goes forward from the inputs, which are called the same in both, as far as nodes match, and then
/// backward from the outputs.
pub(crate) fn structure(model: &Graph, other: &Graph) -> HashMap<String, String> {
    let mut matching = Matching {
        model,
        other,
        names: HashMap::new(),
        given: HashSet::new(),
        used: vec![false; model.nodes.len()],
    };
    for input in other.free_inputs() {
        matching
            .names
            .insert(input.name.clone(), input.name.clone());
    }
    matching.forward();
    matching.backward();
    matching.names
}

struct Matching<'g> {
    model: &'g Graph,
    other: &'g Graph,
    /// From `other` to `model`.
    names: HashMap<String, String>,
    /// Names of the model that are given.
    given: HashSet<String>,
    /// Nodes of the model that have a counterpart.
    used: Vec<bool>,
}

/// What a node is recognised by: its op, and for each input the value or the shape of the weight.
type Key = (String, Vec<String>);

impl Matching<'_> {
    fn forward(&mut self) {
        let mut by_key: HashMap<Key, Vec<usize>> = HashMap::new();
        for (index, node) in self.model.nodes.iter().enumerate() {
            let key = key(self.model, node, |name| Some(name.to_owned()));
            if let Some(key) = key {
                by_key.entry(key).or_default().push(index);
            }
        }
        for node in &self.other.nodes {
            let Some(key) = key(self.other, node, |name| self.names.get(name).cloned()) else {
                continue;
            };
            let Some(candidates) = by_key.get_mut(&key).filter(|alike| !alike.is_empty()) else {
                continue;
            };
            // Of nodes that are alike, such as parallel branches, the one with the same weights.
            let equal = |index: &usize| self.equal(&self.model.nodes[*index], node);
            let at = candidates.iter().take(ALIKE).position(equal).unwrap_or(0);
            let index = candidates.remove(at);
            self.pair(index, node);
        }
    }

    fn backward(&mut self) {
        let (of_model, of_other) = (Topology::of(self.model), Topology::of(self.other));
        let outputs = self.model.outputs.iter().zip(&self.other.outputs);
        let mut ends: Vec<(String, String)> = outputs
            .map(|(model, other)| (model.name.clone(), other.name.clone()))
            .collect();
        while let Some((model, other)) = ends.pop() {
            let (Some(a), Some(b)) = (of_model.producer(&model), of_other.producer(&other)) else {
                continue;
            };
            let (node, counterpart) = (&self.other.nodes[b], &self.model.nodes[a]);
            let known = node
                .outputs
                .first()
                .is_some_and(|name| self.names.contains_key(name));
            let shape = |graph: &Graph, node: &Node| key(graph, node, |_| Some(String::new()));
            if known || self.used[a] || shape(self.model, counterpart) != shape(self.other, node) {
                continue;
            }
            self.pair(a, node);
            let inputs = counterpart.inputs.iter().zip(&node.inputs);
            ends.extend(inputs.map(|(model, other)| (model.clone(), other.clone())));
        }
    }

    /// Notes that node `index` of the model is `node` of the other.
    fn pair(&mut self, index: usize, node: &Node) {
        self.used[index] = true;
        let counterpart = &self.model.nodes[index];
        let weights = node.inputs.iter().zip(&counterpart.inputs);
        let weights = weights.filter(|(other, model)| {
            self.other.initializers.contains_key(*other)
                && self.model.initializers.contains_key(*model)
        });
        let made = node.outputs.iter().zip(&counterpart.outputs);
        let made = made.filter(|(other, model)| !other.is_empty() && !model.is_empty());
        let pairs: Vec<(&String, &String)> = weights.chain(made).collect();
        for (other, model) in pairs {
            if !self.names.contains_key(other) && self.given.insert(model.clone()) {
                self.names.insert(other.clone(), model.clone());
            }
        }
    }

    /// Whether two nodes have the same attributes and weights.
    fn equal(&self, model: &Node, other: &Node) -> bool {
        let mut inputs = model.inputs.iter().zip(&other.inputs);
        model.attributes == other.attributes
            && inputs.all(|(a, b)| self.model.initializers.get(a) == self.other.initializers.get(b))
    }
}

/// The key of `node`; `None` if it reads a value that `known` does not know.
fn key(graph: &Graph, node: &Node, known: impl Fn(&str) -> Option<String>) -> Option<Key> {
    let reads = |name: &String| match graph.initializers.get(name) {
        Some(weight) => Some(format!("{:?} {:?}", weight.dtype(), weight.dims())),
        None if name.is_empty() => Some(String::new()),
        None => known(name).map(|name| format!("'{name}'")),
    };
    let reads = node
        .inputs
        .iter()
        .map(reads)
        .collect::<Option<Vec<String>>>()?;
    let constant = match (node.op.as_str(), node.attributes.get("value")) {
        ("Constant", Some(Attribute::Tensor(tensor))) => format!(" {:?}", tensor.dims()),
        _ => String::new(),
    };
    Some((format!("{}{constant}", node.op), reads))
}
