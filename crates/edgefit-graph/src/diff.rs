//! What changed between two graphs.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Serialize;

use crate::attribute::Attribute;
use crate::graph::{Graph, Node, ValueInfo, ValueType};
use crate::tensor::Tensor;

/// What one graph has that another has not, and what differs in both. Nodes are compared by name,
/// or by first output where they have none; values by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Diff {
    /// Nodes.
    pub nodes: Changes,
    /// Initializers: weights and constants.
    pub initializers: Changes,
    /// Declared inputs and outputs.
    pub interface: Changes,
    /// Opsets, metadata, producer.
    pub model: Changes,
}

/// Changes of one kind of thing.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Changes {
    /// Only in the second graph.
    pub added: Vec<String>,
    /// Only in the first graph.
    pub removed: Vec<String>,
    /// In both, and how they differ.
    pub changed: Vec<Change>,
    /// Number of things that are the same in both.
    pub same: usize,
}

/// A difference of two things of one name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The name.
    pub name: String,
    /// What differs, and how.
    pub what: Vec<String>,
}

impl Diff {
    /// What `b` has changed from `a`.
    pub fn of(a: &Graph, b: &Graph) -> Self {
        Diff {
            nodes: changes(&nodes(a), &nodes(b), |a, b| node(a, b)),
            initializers: changes(&a.initializers, &b.initializers, tensor),
            interface: changes(&interface(a), &interface(b), |a, b| {
                let what = || format!("type: {}", change(declared_type(a), declared_type(b)));
                (a.ty != b.ty).then(what).into_iter().collect()
            }),
            model: changes(&model(a), &model(b), |a, b| {
                differ("value", a, b).into_iter().collect()
            }),
        }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        [
            &self.nodes,
            &self.initializers,
            &self.interface,
            &self.model,
        ]
        .into_iter()
        .all(Changes::is_empty)
    }
}

impl Changes {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

fn changes<T>(
    a: &IndexMap<String, T>,
    b: &IndexMap<String, T>,
    compare: impl Fn(&T, &T) -> Vec<String>,
) -> Changes {
    let only = |these: &IndexMap<String, T>, those: &IndexMap<String, T>| {
        let names = these.keys().filter(|name| !those.contains_key(*name));
        names.cloned().collect()
    };
    let mut changes = Changes {
        added: only(b, a),
        removed: only(a, b),
        ..Changes::default()
    };
    for (name, old) in a {
        let Some(new) = b.get(name) else { continue };
        match compare(old, new) {
            what if what.is_empty() => changes.same += 1,
            what => changes.changed.push(Change {
                name: name.clone(),
                what,
            }),
        }
    }
    changes
}

fn nodes(graph: &Graph) -> IndexMap<String, &Node> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    graph
        .nodes
        .iter()
        .map(|node| {
            // Names need not be unique.
            let count = seen.entry(node.label()).or_default();
            *count += 1;
            let name = match *count {
                1 => node.label().to_owned(),
                count => format!("{} ({count})", node.label()),
            };
            (name, node)
        })
        .collect()
}

fn interface(graph: &Graph) -> IndexMap<String, &ValueInfo> {
    let named = |kind: &str, value: &ValueInfo| format!("{kind} '{}'", value.name);
    let inputs = graph.free_inputs();
    let inputs = inputs.map(|input| (named("input", input), input));
    let outputs = graph.outputs.iter();
    inputs
        .chain(outputs.map(|output| (named("output", output), output)))
        .collect()
}

fn declared_type(value: &ValueInfo) -> String {
    match (&value.ty, value.dims()) {
        (ValueType::Tensor { dtype, .. }, Some(dims)) => {
            let dims: Vec<String> = dims.iter().map(ToString::to_string).collect();
            format!("{dtype}[{}]", dims.join("×"))
        }
        (ValueType::Tensor { dtype, .. }, None) => dtype.to_string(),
        (ValueType::Opaque(_), _) => "no tensor".to_owned(),
    }
}

fn model(graph: &Graph) -> IndexMap<String, String> {
    let opsets = graph.opsets.iter().map(|(domain, version)| {
        (
            format!("opset of {}", named_domain(domain)),
            version.to_string(),
        )
    });
    let metadata = graph.metadata.iter();
    let metadata = metadata.map(|(key, value)| (format!("metadata '{key}'"), value.clone()));
    let (name, version) = &graph.producer;
    let producer = ("producer".to_owned(), format!("{name} {version}"));
    opsets.chain(metadata).chain([producer]).collect()
}

fn named_domain(domain: &str) -> &str {
    if domain.is_empty() { "ai.onnx" } else { domain }
}

fn node(a: &Node, b: &Node) -> Vec<String> {
    let mut what = Vec::new();
    what.extend(differ("op", &a.op, &b.op));
    let (old, new) = (named_domain(&a.domain), named_domain(&b.domain));
    what.extend(differ("domain", old, new));
    what.extend(differ("inputs", &a.inputs.join(", "), &b.inputs.join(", ")));
    what.extend(differ(
        "outputs",
        &a.outputs.join(", "),
        &b.outputs.join(", "),
    ));
    let attributes = changes(&a.attributes, &b.attributes, attribute);
    let named = |kind: &'static str| move |name: &String| format!("attribute '{name}' {kind}");
    what.extend(attributes.added.iter().map(named("added")));
    what.extend(attributes.removed.iter().map(named("removed")));
    for change in attributes.changed {
        what.push(format!(
            "attribute '{}': {}",
            change.name,
            change.what.join(", ")
        ));
    }
    what
}

fn attribute(a: &Attribute, b: &Attribute) -> Vec<String> {
    let bits = |values: &[f32]| -> Vec<u32> {
        let values = values.iter();
        values.map(|value| value.to_bits()).collect()
    };
    let same = match (a, b) {
        (Attribute::Tensor(a), Attribute::Tensor(b)) => return tensor(a, b),
        // NaN is the same as itself.
        (Attribute::Float(a), Attribute::Float(b)) => bits(&[*a]) == bits(&[*b]),
        (Attribute::Floats(a), Attribute::Floats(b)) => bits(a) == bits(b),
        _ => a == b,
    };
    let what = || change(a.to_string(), b.to_string());
    (!same).then(what).into_iter().collect()
}

fn tensor(a: &Tensor, b: &Tensor) -> Vec<String> {
    let mut what = Vec::new();
    what.extend(differ(
        "type",
        &format!("{:?}", a.dtype()),
        &format!("{:?}", b.dtype()),
    ));
    what.extend(differ(
        "shape",
        &format!("{:?}", a.dims()),
        &format!("{:?}", b.dims()),
    ));
    if !what.is_empty() || a.bytes() == b.bytes() {
        return what;
    }
    what.push(match (a.to_f32(), b.to_f32()) {
        (Ok(a), Ok(b)) => {
            let pairs = a.iter().zip(&b);
            let unlike = pairs.filter(|(a, b)| a.to_bits() != b.to_bits());
            let apart: Vec<f32> = unlike.map(|(a, b)| (a - b).abs()).collect();
            let finite = apart.iter().copied().filter(|apart| apart.is_finite());
            let odd = match apart.len() - finite.clone().count() {
                0 => String::new(),
                odd => format!(", and {odd} by NaN or infinity"),
            };
            let largest = finite.fold(0f32, f32::max);
            format!("values, by up to {largest:.3e}{odd}")
        }
        _ => "values".to_owned(),
    });
    what
}

fn differ(what: &str, a: &str, b: &str) -> Option<String> {
    (a != b).then(|| format!("{what}: {a} → {b}"))
}

/// What became of two things that are not the same, by what is shown of them.
fn change(a: String, b: String) -> String {
    if a == b {
        format!("{a}, with other values")
    } else {
        format!("{a} → {b}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Graph {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::float("x"));
        graph.outputs.push(ValueInfo::float("y"));
        let weight = Tensor::from_values(vec![2], &[1f32, 2.0]);
        graph.initializers.insert("w".into(), weight);
        graph.nodes = vec![
            Node::new("Mul", "scale", &["x", "w"], &["s"]),
            Node::new("LeakyRelu", "act", &["s"], &["y"]).with("alpha", Attribute::Float(0.1)),
        ];
        graph
    }

    #[test]
    fn a_graph_does_not_differ_from_itself() {
        let diff = Diff::of(&graph(), &graph());
        assert!(diff.is_empty());
        assert_eq!((diff.nodes.same, diff.initializers.same), (2, 1));
    }

    #[test]
    fn every_kind_of_change_is_told() {
        let mut changed = graph();
        changed
            .initializers
            .insert("w".into(), Tensor::from_values(vec![2], &[1f32, 2.5]));
        changed.nodes[1]
            .attributes
            .insert("alpha".into(), Attribute::Float(0.2));
        changed.nodes[0].name = "other".into();
        changed.metadata.insert("labels".into(), "a".into());
        changed.opsets.insert(String::new(), 18);
        let diff = Diff::of(&graph(), &changed);
        assert_eq!(diff.nodes.added, ["other"]);
        assert_eq!(diff.nodes.removed, ["scale"]);
        assert_eq!(diff.nodes.changed[0].what, ["attribute 'alpha': 0.1 → 0.2"]);
        assert_eq!(
            diff.initializers.changed[0].what,
            ["values, by up to 5.000e-1"]
        );
        assert_eq!(diff.model.added, ["metadata 'labels'"]);
        assert_eq!(diff.model.changed[0].what, ["value: 17 → 18"]);
    }

    #[test]
    fn what_is_shown_alike_is_compared_whole() {
        let constant = |value: f32| Attribute::Tensor(Tensor::from_values(vec![1], &[value]));
        let ints = |last: i64| Attribute::Ints([vec![0i64; 20], vec![last]].concat());
        let attributes = [
            (constant(1.0), constant(3.0), "values, by up to 2.000e0"),
            (ints(1), ints(2), "21 integers, with other values"),
        ];
        for (a, b, what) in attributes {
            assert_eq!(attribute(&a, &b), [what]);
            assert!(attribute(&a, &a).is_empty());
        }
        let nan = Attribute::Float(f32::NAN);
        assert!(attribute(&nan, &nan).is_empty());

        let mut changed = graph();
        changed.nodes[0].domain = "com.microsoft".into();
        changed.outputs[0].ty = ValueType::Tensor {
            dtype: crate::tensor::DataType::U8,
            dims: None,
        };
        let odd = Tensor::from_values(vec![2], &[f32::NAN, 2.5]);
        changed.initializers.insert("w".into(), odd);
        let diff = Diff::of(&graph(), &changed);
        assert_eq!(
            diff.nodes.changed[0].what,
            ["domain: ai.onnx → com.microsoft"]
        );
        assert_eq!(diff.interface.changed[0].what, ["type: float32 → uint8"]);
        assert_eq!(
            diff.initializers.changed[0].what,
            ["values, by up to 5.000e-1, and 1 by NaN or infinity"]
        );
    }
}
