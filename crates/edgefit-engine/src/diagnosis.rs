//! Why an engine does not run a model: in our own words, with the node and the fix, where they are known.

use std::collections::HashSet;

use edgefit_graph::{DataType, Graph, Node, ValueType};

use crate::engine_name::EngineName;

/// Most characters of an engine's own words that are passed on.
const QUOTED: usize = 300;

/// What keeps an engine from running a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// Name of the node at which it refuses, or of its first output.
    pub node: Option<String>,
    /// What is wrong, the fix where it is known, and last what the engine said itself.
    pub words: String,
}

/// What is known to be wrong, and the fix.
struct Cause<'g> {
    node: Option<&'g Node>,
    problem: String,
}

/// Explains `said`, the words with which `engine` refused `graph`.
///
/// ```
/// use edgefit_engine::{EngineName, diagnose};
/// use edgefit_graph::{Graph, Node};
///
/// let mut graph = Graph::new("twice", 17);
/// graph.nodes.push(Node::new("Relu", "node", &["x"], &["a"]));
/// graph.nodes.push(Node::new("Abs", "node", &["a"], &["y"]));
/// let found = diagnose(&graph, EngineName::Tract, "tract cannot load the model: Duplicate node name: node");
/// assert_eq!(found.node.as_deref(), Some("node"));
/// assert!(found.words.starts_with("two nodes are called 'node'; give each"), "{}", found.words);
/// ```
pub fn diagnose(graph: &Graph, engine: EngineName, said: &str) -> Diagnosis {
    let own = said
        .split_once(" the model: ")
        .map_or(said, |(_, detail)| detail);
    let quoted: String = own.chars().take(QUOTED).collect();
    let named = named(graph, own);
    let cause = known(graph, engine, own, named);
    let node = cause.node.map(|node| node.label().to_owned());
    let mut words = cause.problem;
    // What is wrong says which node, where it is about one.
    if let Some(node) = cause.node
        && !words.contains(&format!("'{}'", node.label()))
    {
        words = format!("node '{}' ({}): {words}", node.label(), node.op);
    }
    Diagnosis {
        node,
        words: format!("{words} ({engine} says: {quoted})"),
    }
}

/// The cause of a refusal; `named` is the node that the engine names.
fn known<'g>(
    graph: &'g Graph,
    engine: EngineName,
    said: &str,
    named: Option<&'g Node>,
) -> Cause<'g> {
    let cause = |node, problem: String| Cause { node, problem };
    let about = |problem: String| Cause {
        node: named,
        problem,
    };
    if let Some(node) = same_name(graph) {
        let problem = format!(
            "two nodes are called '{}'; give each a name of its own",
            node.name
        );
        return cause(Some(node), problem);
    }
    let tract = engine == EngineName::Tract;
    let passed = graph.outputs.iter().find(|output| {
        let mut inputs = graph.free_inputs();
        inputs.any(|input| input.name == output.name)
    });
    if let (true, Some(output)) = (tract, passed) {
        let problem = format!(
            "the output '{}' is an input of the model, which {engine} does not take; put an Identity \
             between them",
            output.name
        );
        return cause(None, problem);
    }
    if said.contains("IR version") {
        return cause(
            None,
            format!(
                "the IR version {} of the file is newer than {engine} reads; save it with an older one \
                 (model.ir_version in Python), or take a newer {engine}",
                graph.ir_version
            ),
        );
    }
    let mixed = ["bound to different types", "Impossible to unify"];
    if mixed.iter().any(|words| said.contains(words)) {
        let problem = "its inputs are of different types; put a Cast before it, or take out the one that \
                       made one of them";
        return about(problem.into());
    }
    if let (true, Some(node)) = (tract, reads(graph, DataType::BF16)) {
        let problem = format!("{engine} has no bfloat16; export the model in f32");
        return cause(named.or(Some(node)), problem);
    }
    if let (true, Some(node)) = (tract, reads(graph, DataType::F16)) {
        let problem = format!(
            "{engine} does not run it in f16; export the model in f32, or take --engine onnxruntime"
        );
        return cause(named.or(Some(node)), problem);
    }
    let without = [
        "not a registered function/op",
        "Could not find an implementation",
        "Unimplemented(",
    ];
    if without.iter().any(|words| said.contains(words)) {
        return about(format!(
            "{engine} does not have its operator for these types; export the model in f32, or without that \
             operator"
        ));
    }
    if said.contains("Dropout in training mode") {
        return about("it drops out as in training; export the model in eval mode".into());
    }
    if said.contains("Unrecognized attribute") {
        return about("it has an attribute that its operator does not know; take it out".into());
    }
    let problem = format!("{engine} does not run it; try another engine, or another opset");
    about(problem)
}

/// The first node that has the name of one before it.
fn same_name(graph: &Graph) -> Option<&Node> {
    let mut known = HashSet::new();
    let mut named = graph.nodes.iter().filter(|node| !node.name.is_empty());
    named.find(|node| !known.insert(node.name.as_str()))
}

/// The first node that reads an input or an initializer of type `dtype`.
fn reads(graph: &Graph, dtype: DataType) -> Option<&Node> {
    let is = |name: &str| {
        let stored = graph.initializers.get(name);
        let mut inputs = graph.free_inputs();
        stored.is_some_and(|tensor| tensor.dtype() == dtype)
            || inputs.any(|input| {
                let typed =
                    matches!(&input.ty, ValueType::Tensor { dtype: ty, .. } if *ty == dtype);
                typed && input.name == name
            })
    };
    let mut nodes = graph.nodes.iter();
    nodes.find(|node| node.present_inputs().any(is))
}

/// The node that `said` names in quotes or brackets: the first, and before all others one whose operator
/// is named too, since names of values stand there as well.
fn named<'g>(graph: &'g Graph, said: &str) -> Option<&'g Node> {
    let place = |node: &Node| {
        let label = node.label();
        [('"', '"'), ('\'', '\''), ('(', ')')]
            .iter()
            .filter_map(|(open, close)| said.find(&format!("{open}{label}{close}")))
            .min()
    };
    let named = graph.nodes.iter().filter(|node| !node.label().is_empty());
    let found = named.filter_map(|node| {
        let at = place(node)?;
        Some((!said.contains(node.op.as_str()), at, node))
    });
    let first = found.min_by_key(|(other, at, _)| (*other, *at));
    first.map(|(_, _, node)| node)
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Tensor, ValueInfo};

    use super::*;

    fn graph() -> Graph {
        let mut graph = Graph::new("small", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![]));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        graph.nodes = vec![
            Node::new("Conv", "", &["x", "w"], &["c"]),
            Node::new("Gemm", "fc", &["c", "v"], &["y"]),
        ];
        graph
    }

    fn typed(dtype: DataType) -> Graph {
        let mut graph = graph();
        let tensor = Tensor::new(dtype, vec![1], vec![0; dtype.size()].into()).unwrap();
        graph.initializers.insert("w".into(), tensor);
        graph
    }

    #[test]
    fn the_node_is_the_one_that_the_engine_names() {
        let plain = graph();
        for (said, node) in [
            (
                "Translating node #9 \"fc\" Gemm ToTypedTranslator: odd",
                Some("fc"),
            ),
            (
                "Could not find an implementation for Gemm(13) node with name 'fc'",
                Some("fc"),
            ),
            (
                "In Node, (\"\", Conv, \"\", -1) : (\"x\") -> (\"c\")",
                Some("c"),
            ),
            ("(Gemm) tensor(float16) in node (fc).", Some("fc")),
            ("something else", None),
        ] {
            let found = diagnose(&plain, EngineName::OnnxRuntime, said);
            assert_eq!(found.node.as_deref(), node, "{said}");
            assert!(
                found
                    .words
                    .ends_with(&format!("(onnxruntime says: {said})"))
            );
        }
    }

    #[test]
    fn types_that_tract_lacks_are_named_with_the_node_that_reads_them() {
        for (dtype, words) in [(DataType::BF16, "no bfloat16"), (DataType::F16, "in f16")] {
            let found = diagnose(&typed(dtype), EngineName::Tract, "Unknown DatumType");
            assert_eq!(found.node.as_deref(), Some("c"));
            assert!(found.words.starts_with("node 'c' (Conv): "), "{found:?}");
            assert!(found.words.contains(words), "{found:?}");
        }
    }

    #[test]
    fn an_input_that_is_an_output_and_a_new_file_are_explained() {
        let mut passing = graph();
        passing.outputs.push(ValueInfo::f32("x", vec![]));
        let found = diagnose(&passing, EngineName::Tract, "Source node without a fact");
        assert!(
            found.words.contains("the output 'x' is an input"),
            "{found:?}"
        );
        let mut new = graph();
        new.ir_version = 99;
        let said = "Unsupported model IR version: 99, max supported IR version: 11";
        let found = diagnose(&new, EngineName::OnnxRuntime, said);
        assert!(
            found
                .words
                .starts_with("the IR version 99 of the file is newer")
        );
    }
}
