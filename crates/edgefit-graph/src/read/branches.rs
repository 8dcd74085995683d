//! `If` nodes whose condition follows from known shapes, replaced by the branch that runs.
//!
//! A traced `squeeze` leaves one behind: it asks whether a dimension is 1, and the sizes answer.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::attribute::node;
use super::tensor::tensor;
use crate::attribute::Attribute;
use crate::error::{Error, Result};
use crate::external_data::ExternalFiles;
use crate::graph::{Dim, Graph, Node, ValueInfo};
use crate::infer::{Inference, InputShapes, infer};
use crate::proto;
use crate::rewrite::prune;

/// Most rounds, each of which settles the branches that those before it hid.
const ROUNDS: usize = 64;

/// A batch size, and sizes for the other dimensions that are open, even ones first, with which conditions are
/// tried: those that networks are made for, and others without a factor in common, small and large.
const TRIED: [(usize, [usize; 2]); 8] = [
    (1, [224, 224]),
    (7, [224, 224]),
    (64, [224, 224]),
    (2, [256, 256]),
    (1, [97, 97]),
    (5, [1000, 1000]),
    (1, [223, 225]),
    (3, [1000, 97]),
];

/// Replaces each `If` by the branch that runs.
///
/// # Errors
/// A condition depends on what the model computes, or on sizes that are open; or no sizes go through the graph.
pub(super) fn fold(graph: &mut Graph, external: &mut ExternalFiles) -> Result<()> {
    let is_if = |node: &&Node| node.op == "If";
    if !graph.nodes.iter().any(|node| is_if(&node)) {
        return Ok(());
    }
    graph.check()?;
    for _ in 0..ROUNDS {
        let running = running(graph)?;
        let mut nodes = Vec::with_capacity(graph.nodes.len());
        let mut taken = names(graph);
        for (index, node) in std::mem::take(&mut graph.nodes).into_iter().enumerate() {
            match running.get(&index) {
                Some(branch) => inline(graph, node, branch, (&mut nodes, &mut taken), external)?,
                None => nodes.push(node),
            }
        }
        graph.nodes = nodes;
        let open = graph.nodes.iter().find(is_if);
        match open {
            None => {
                prune(graph);
                return Ok(());
            }
            Some(open) if running.is_empty() => return Err(undecided(open)),
            Some(_) => {}
        }
    }
    Err(Error::invalid(
        "graph",
        "nests more branches (If) than are followed",
    ))
}

fn undecided(node: &Node) -> Error {
    Error::invalid(
        node.place(),
        "holds a nested graph, and which branch of it runs does not follow from the shapes of the inputs; \
         export the model without control flow (trace it instead of scripting it, and name the dimension \
         in squeeze)",
    )
}

/// The attribute that holds the branch which runs, of the `If` nodes whose condition is the same for all
/// sizes that go through the graph.
///
/// # Errors
/// No sizes do: what is wrong with the first.
fn running(graph: &Graph) -> Result<HashMap<usize, &'static str>> {
    let tried = TRIED.iter();
    let mut tried: Vec<InputShapes> = tried
        .filter_map(|&(batch, sizes)| shapes(graph, batch, sizes))
        .collect();
    tried.dedup();
    let (mut seen, mut refusal) = (Vec::new(), None);
    for shapes in &tried {
        match infer(graph, shapes) {
            Ok(inference) => seen.push(inference),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    if let (true, Some(error)) = (seen.is_empty(), refusal) {
        return Err(with_sizes(error, graph));
    }
    let mut found = HashMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let Some(name) = node.input(0).filter(|_| node.op == "If") else {
            continue;
        };
        let holds = |inference: &Inference| {
            let known = graph
                .initializers
                .get(name)
                .or_else(|| inference.constant(name))?;
            Some(*known.to_i64().ok()?.first()? != 0)
        };
        let mut all = seen.iter().map(holds);
        if let Some(Some(first)) = all.next()
            && all.all(|other| other == Some(first))
        {
            let branch = if first { "then_branch" } else { "else_branch" };
            found.insert(index, branch);
        }
    }
    Ok(found)
}

/// The error, and that sizes were tried where the model leaves some open.
fn with_sizes(error: Error, graph: &Graph) -> Error {
    let dims = graph.free_inputs().filter_map(ValueInfo::dims);
    let mut sizes = dims.flat_map(|dims| dims.iter().skip(1));
    let are_open = sizes.any(|size| !matches!(size, Dim::Known(_)));
    match error {
        Error::Invalid { at, problem } if are_open => {
            let tried = "tried with sizes such as 224 × 224, as the model leaves them open";
            let problem = format!("{problem} ({tried}; export it with its sizes fixed, or traced)");
            Error::Invalid { at, problem }
        }
        error => error,
    }
}

/// Shapes of the inputs, with `batch` and `others` where they are open.
fn shapes(graph: &Graph, batch: usize, others: [usize; 2]) -> Option<InputShapes> {
    let shape = |input: &ValueInfo| {
        let sizes = input.dims()?.iter().enumerate();
        let sizes = sizes.map(|(axis, dim)| match (dim, axis) {
            (Dim::Known(known), _) => *known,
            (_, 0) => batch,
            _ => others[axis % 2],
        });
        Some((input.name.clone(), sizes.collect()))
    };
    Some(InputShapes(
        graph.free_inputs().map(shape).collect::<Option<_>>()?,
    ))
}

/// Names of all values and nodes.
fn names(graph: &Graph) -> HashSet<String> {
    let made = graph
        .nodes
        .iter()
        .flat_map(|node| node.outputs.iter().chain([&node.name]));
    let declared = graph.inputs.iter().map(|input| &input.name);
    let all = made.chain(declared).chain(graph.initializers.keys());
    all.cloned().collect()
}

/// Appends the nodes of the branch that runs to `nodes`, and its weights to the graph.
fn inline(
    graph: &mut Graph,
    mut branching: Node,
    name: &str,
    (nodes, taken): (&mut Vec<Node>, &mut HashSet<String>),
    external: &mut ExternalFiles,
) -> Result<()> {
    let at = format!("{}, attribute '{name}'", branching.place());
    let branch = match branching.attributes.shift_remove(name) {
        Some(Attribute::Opaque(kept)) => kept.0.g,
        _ => None,
    };
    let mut branch = branch.ok_or_else(|| Error::invalid(&at, "is not a graph"))?;
    if branch.output.len() != branching.outputs.len() || !branch.input.is_empty() {
        return Err(Error::invalid(&at, "does not make what its node does"));
    }
    let ends: Vec<String> = branch
        .output
        .iter()
        .map(|end| end.name.clone().unwrap_or_default())
        .collect();
    let made: HashSet<String> = branch
        .node
        .iter()
        .flat_map(|node| node.output.iter().cloned())
        .collect();
    let mut new_names: HashMap<String, String> = HashMap::new();
    // A value that is made inside takes the name that it has outside.
    for (inner, outer) in ends.iter().zip(&branching.outputs) {
        if made.contains(inner) && !outer.is_empty() {
            new_names
                .entry(inner.clone())
                .or_insert_with(|| outer.clone());
        }
    }
    let stored = branch
        .initializer
        .iter()
        .filter_map(|weight| weight.name.clone());
    for inner in made
        .iter()
        .cloned()
        .chain(stored)
        .filter(|name| !name.is_empty())
    {
        if let Entry::Vacant(entry) = new_names.entry(inner) {
            let free = free(entry.key(), branching.label(), taken);
            entry.insert(free);
        }
    }
    rename(&mut branch, &new_names);
    for weight in branch.initializer {
        let name = weight.name.clone().unwrap_or_default();
        graph
            .initializers
            .insert(name, tensor(weight, &at, external)?);
    }
    for inner in branch.node {
        let mut inner = node(inner, external)?;
        if !inner.name.is_empty() {
            inner.name = free(&inner.name, branching.label(), taken);
        }
        nodes.push(inner);
    }
    for (inner, outer) in ends.iter().zip(&branching.outputs) {
        let inner = new_names.get(inner).unwrap_or(inner);
        if inner != outer && !outer.is_empty() {
            nodes.push(Node::new("Identity", "", &[inner], &[outer]));
        }
    }
    Ok(())
}

/// `name`, or that behind the name of its node, as nothing else is called; taken then.
fn free(name: &str, node: &str, taken: &mut HashSet<String>) -> String {
    let mut free = name.to_owned();
    if taken.contains(&free) {
        free = format!("{node}/{name}");
    }
    while !taken.insert(free.clone()) {
        free.push('_');
    }
    free
}

/// Renames values of a graph, in the graphs nested in it, too.
fn rename(graph: &mut proto::GraphProto, new_names: &HashMap<String, String>) {
    let new = |name: &mut String| {
        if let Some(new) = new_names.get(name) {
            name.clone_from(new);
        }
    };
    for weight in &mut graph.initializer {
        weight.name.iter_mut().for_each(new);
    }
    for node in &mut graph.node {
        node.input.iter_mut().chain(&mut node.output).for_each(new);
        for attribute in &mut node.attribute {
            attribute
                .g
                .iter_mut()
                .for_each(|nested| rename(nested, new_names));
        }
    }
    for end in &mut graph.output {
        end.name.iter_mut().for_each(new);
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::attribute::Opaque;
    use crate::ops::constant_of;
    use crate::tensor::Tensor;

    /// A branch that makes `output` with `node`.
    fn branch(name: &str, node: Node, output: &str) -> (String, Attribute) {
        let mut part = Graph::new(name, 17);
        part.nodes.push(node);
        let model = proto::ModelProto::decode(part.to_bytes().as_slice()).unwrap();
        let mut graph = model.graph.unwrap();
        graph.output.push(proto::ValueInfoProto {
            name: Some(output.into()),
            ..Default::default()
        });
        let attribute = proto::AttributeProto {
            name: Some(format!("{name}_branch")),
            r#type: Some(proto::attribute_proto::AttributeType::Graph as i32),
            g: Some(graph),
            ..Default::default()
        };
        (
            format!("{name}_branch"),
            Attribute::Opaque(Opaque(Box::new(attribute))),
        )
    }

    /// What a traced `squeeze` of dimension `axis` leaves behind.
    fn squeezed(dims: Vec<Dim>, axis: i64) -> Graph {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::float("y"));
        for (name, value) in [("axis", axis), ("one", 1)] {
            let tensor = Tensor::from_values(vec![1], &[value]);
            graph.initializers.insert(name.into(), tensor);
        }
        let mut branching = Node::new("If", "if", &["q"], &["s"]);
        let squeeze = Node::new("Squeeze", "node", &["x", "axis"], &["t"]);
        branching.attributes.extend([
            branch("then", squeeze, "t"),
            branch("else", Node::new("Identity", "node", &["x"], &["t"]), "t"),
        ]);
        graph.nodes = vec![
            Node::new("Shape", "shape", &["x"], &["d"]),
            Node::new("Gather", "gather", &["d", "axis"], &["g"]),
            Node::new("Equal", "equal", &["g", "one"], &["q"]),
            branching,
            Node::new("Relu", "node", &["s"], &["y"]),
        ];
        graph
    }

    fn batch() -> Dim {
        Dim::Symbol("n".into())
    }

    #[test]
    fn the_branch_that_runs_stays_whatever_the_batch_is() {
        for (size, op) in [(1, "Squeeze"), (5, "Identity")] {
            let graph = squeezed(vec![batch(), Dim::Known(4), Dim::Known(size)], 2);
            let read = Graph::from_bytes(graph.to_bytes()).unwrap();
            let ops: Vec<&str> = read.nodes.iter().map(|node| node.op.as_str()).collect();
            assert_eq!(ops, [op, "Relu"]);
            assert_eq!(read.nodes[0].outputs, ["s"]);
            assert!(constant_of(&read.nodes[0]).is_none());
            // No two nodes have one name.
            assert_ne!(read.nodes[0].name, read.nodes[1].name);
        }
    }

    #[test]
    fn a_condition_on_what_is_open_is_refused_by_name() {
        let graph = squeezed(vec![batch(), Dim::Known(4), Dim::Known(1)], 0);
        let error = Graph::from_bytes(graph.to_bytes()).unwrap_err().to_string();
        assert!(error.contains("node 'if' (If)"), "{error}");
        assert!(error.contains("does not follow from the shapes"), "{error}");
        // With one size there is one answer.
        let fixed = squeezed(vec![Dim::Known(2), Dim::Known(4), Dim::Known(1)], 0);
        assert_eq!(
            Graph::from_bytes(fixed.to_bytes()).unwrap().nodes[0].op,
            "Identity"
        );
    }

    #[test]
    fn what_holds_for_usual_sizes_alone_is_refused() {
        let constant = |value: i64| Tensor::from_values(vec![1], &[value]);
        let open = |name: &str| Dim::Symbol(name.into());
        let dims = vec![batch(), Dim::Known(4), open("h"), open("w")];
        let read = |graph: &Graph| Graph::from_bytes(graph.to_bytes());

        // Whether the height is a multiple of 8, and whether there are more than 4 samples.
        let mut height = squeezed(dims.clone(), 2);
        for (name, value) in [("one", 0), ("eight", 8)] {
            height.initializers.insert(name.into(), constant(value));
        }
        let rest = Node::new("Mod", "mod", &["g", "eight"], &["rest"]);
        height.nodes.insert(2, rest);
        height.nodes[3].inputs[0] = "rest".into();
        let mut samples = squeezed(dims, 0);
        samples.initializers.insert("one".into(), constant(4));
        samples.nodes[2].op = "Greater".into();
        for graph in [&height, &samples] {
            let error = read(graph).unwrap_err().to_string();
            assert!(error.contains("does not follow from the shapes"), "{error}");
        }

        // A product takes one width: one that is tried, or none of those.
        let product = Node::new("MatMul", "fc", &["x", "weight"], &["z"]);
        height.nodes.insert(0, product);
        let weight = |rows: usize| Tensor::from_values(vec![rows, 1], &vec![0f32; rows]);
        height.initializers.insert("weight".into(), weight(224));
        assert_eq!(read(&height).unwrap().nodes[0].op, "Squeeze");
        height.initializers.insert("weight".into(), weight(3));
        let error = read(&height).unwrap_err().to_string();
        assert!(error.contains("node 'fc' (MatMul)"), "{error}");
        assert!(error.contains("(tried with sizes such as"), "{error}");
    }
}
