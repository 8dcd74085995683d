//! Subgraphs: a graph with inner values as its outputs, and a few nodes cut out of it.

use std::collections::{HashMap, HashSet};

use edgefit_engine::Array;
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::rewrite::prune;
use edgefit_graph::topology::Topology;
use edgefit_graph::{DataType, Dim, Graph, Node, ValueInfo, ValueType};

/// An inner value that an engine can show.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub name: String,
    /// Index of the node that makes it.
    pub node: usize,
    /// Element type, where it is known.
    pub dtype: Option<DataType>,
}

impl Shown {
    fn info(&self) -> ValueInfo {
        typed(&self.name, self.dtype, None)
    }
}

fn typed(name: &str, dtype: Option<DataType>, dims: Option<Vec<Dim>>) -> ValueInfo {
    let mut info = ValueInfo::untyped(name);
    if let Some(dtype) = dtype {
        info.ty = ValueType::Tensor { dtype, dims };
    }
    info
}

/// All values of `graph` that nodes make of the inputs as they run, in graph order. What depends on
/// shapes alone is left out: it is known before the model runs, and engines want to know it then.
pub(crate) fn shown(graph: &Graph, inputs: &[Array]) -> Vec<Shown> {
    let names = graph.free_inputs().map(|input| input.name.clone());
    let dims = inputs.iter().map(|input| input.dims.clone());
    let shapes = InputShapes(names.zip(dims).collect());
    // Where the shapes cannot be followed, the engines still can.
    let inference = infer(graph, &shapes).ok();
    let readable = |dtype: DataType| {
        dtype.is_float()
            || matches!(
                dtype,
                DataType::I64 | DataType::I32 | DataType::I8 | DataType::U8 | DataType::Bool
            )
    };
    let mut values = Vec::new();
    for (node, made) in graph.nodes.iter().enumerate() {
        if made.op == "Constant" {
            continue;
        }
        for name in made.present_outputs() {
            let inference = inference.as_ref();
            if inference.is_some_and(|inference| inference.is_folded(name)) {
                continue;
            }
            let dtype = inference
                .and_then(|known| known.get(name))
                .map(|ty| ty.dtype);
            if dtype.is_none_or(readable) {
                values.push(Shown {
                    name: name.to_owned(),
                    node,
                    dtype,
                });
            }
        }
    }
    values
}

/// `graph` with `values` as its outputs.
pub(crate) fn opened(graph: &Graph, values: &[&Shown]) -> Graph {
    let mut opened = graph.clone();
    opened.outputs = values.iter().map(|value| value.info()).collect();
    prune(&mut opened);
    opened
}

/// The part of a graph between values that are given and one that is made of them.
pub(crate) struct Segment {
    pub graph: Graph,
    /// Names of its inputs, in their order.
    pub inputs: Vec<String>,
}

/// The part of `graph` that makes `goal` from values of `given` and the graph's own inputs. `types`
/// are the element types of values and `arrays` their shapes.
pub(crate) fn segment(
    graph: &Graph,
    given: &HashSet<&str>,
    goal: &Shown,
    types: &HashMap<String, DataType>,
    arrays: &HashMap<String, Array>,
) -> Segment {
    let topology = Topology::of(graph);
    let free: HashMap<&str, &ValueInfo> = graph
        .free_inputs()
        .map(|input| (input.name.as_str(), input))
        .collect();
    let (mut inside, mut inputs) = (HashSet::new(), Vec::new());
    let mut seen: HashSet<&str> = HashSet::new();
    let mut wanted = vec![goal.name.as_str()];
    while let Some(name) = wanted.pop() {
        if !seen.insert(name) {
            continue;
        }
        if name != goal.name && (given.contains(name) || free.contains_key(name)) {
            inputs.push(name.to_owned());
        } else if let Some(node) = topology.producer(name)
            && inside.insert(node)
        {
            wanted.extend(graph.nodes[node].present_inputs());
        }
    }
    inputs.sort();
    let declared = inputs.iter().map(|name| {
        let array = arrays.get(name);
        let dims = array.map(|array| array.dims.iter().map(|&size| Dim::Known(size)).collect());
        let own = free.get(name.as_str()).and_then(|info| match info.ty {
            ValueType::Tensor { dtype, .. } => Some(dtype),
            ValueType::Opaque(_) => None,
        });
        let dtype = own.or_else(|| types.get(name).copied());
        typed(name, Some(dtype.unwrap_or(DataType::F32)), dims)
    });
    let mut part = graph.clone();
    part.inputs = declared.collect();
    part.outputs = vec![goal.info()];
    part.value_info.clear();
    part.metadata.clear();
    let mut index = 0;
    part.nodes.retain(|_| {
        index += 1;
        inside.contains(&(index - 1))
    });
    prune(&mut part);
    Segment {
        graph: part,
        inputs,
    }
}

/// Whether two parts say the same, whatever their nodes are called.
pub(crate) fn alike(a: &Segment, b: &Segment) -> bool {
    let nodes = |a: &Node, b: &Node| {
        (&a.op, &a.domain, &a.inputs, &a.outputs) == (&b.op, &b.domain, &b.inputs, &b.outputs)
            && a.attributes == b.attributes
    };
    let (x, y) = (&a.graph, &b.graph);
    a.inputs == b.inputs
        && x.opsets == y.opsets
        && x.initializers == y.initializers
        && x.nodes.len() == y.nodes.len()
        && x.nodes.iter().zip(&y.nodes).all(|(a, b)| nodes(a, b))
}

#[cfg(test)]
mod tests {
    use edgefit_graph::Tensor;

    use super::*;

    /// x → relu → a → (+ w) → b → (reshaped by x's shape) → y
    fn graph() -> Graph {
        let mut graph = Graph::new("g", 17);
        let dims = vec![Dim::Symbol("n".into()), Dim::Known(2)];
        graph.inputs.push(ValueInfo::f32("x", dims.clone()));
        graph.outputs.push(ValueInfo::f32("y", dims));
        let w = Tensor::from_values(vec![2], &[1f32, 2.0]);
        graph.initializers.insert("w".into(), w);
        graph.nodes = vec![
            Node::new("Relu", "relu", &["x"], &["a"]),
            Node::new("Add", "add", &["a", "w"], &["b"]),
            Node::new("Shape", "shape", &["x"], &["s"]),
            Node::new("Reshape", "reshape", &["b", "s"], &["y"]),
        ];
        graph
    }

    fn input() -> Array {
        Array {
            dims: vec![3, 2],
            values: vec![0.5; 6],
        }
    }

    #[test]
    fn what_depends_on_shapes_alone_is_not_shown() {
        let values = shown(&graph(), &[input()]);
        let names: Vec<&str> = values.iter().map(|value| value.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "y"]);
        let wanted: Vec<&Shown> = values.iter().take(1).collect();
        assert_eq!(opened(&graph(), &wanted).nodes.len(), 1);
    }

    #[test]
    fn a_segment_ends_at_what_is_given() {
        let graph = graph();
        let values = shown(&graph, &[input()]);
        let given = HashSet::from(["a", "b", "y"]);
        let arrays = HashMap::from([("b".to_owned(), input()), ("x".to_owned(), input())]);
        let part = segment(&graph, &given, &values[2], &HashMap::new(), &arrays);
        assert_eq!(part.inputs, ["b", "x"]);
        let ops: Vec<&str> = part
            .graph
            .nodes
            .iter()
            .map(|node| node.op.as_str())
            .collect();
        assert_eq!(ops, ["Shape", "Reshape"]);
        part.graph.check().unwrap();

        let mut other = graph.clone();
        let whole = |graph: &Graph, at: usize| {
            segment(graph, &given, &values[at], &HashMap::new(), &arrays)
        };
        assert!(alike(&whole(&graph, 1), &whole(&other, 1)));
        let w = Tensor::from_values(vec![2], &[1f32, 2.5]);
        other.initializers.insert("w".into(), w);
        assert!(alike(&whole(&graph, 0), &whole(&other, 0)));
        assert!(!alike(&whole(&graph, 1), &whole(&other, 1)));
    }
}
