//! How much of a quantised model an engine computes on integers.

mod islands;

use std::collections::HashSet;

use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::quantized::{computes_quantized, first_quantized};
use edgefit_graph::{Graph, Node};
use serde::{Deserialize, Serialize};

use crate::array::Array;
use crate::engine_name::EngineName;
use crate::error::Result;
use crate::onnxruntime;
use edgefit_base::panics::catch_panic;
use islands::float_islands;

/// How much of a quantised model an engine computes on integers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegerShare {
    /// Multiply-accumulates of the model.
    pub macs: u64,
    /// Those that the engine's integer kernels do.
    pub integer_macs: u64,
    /// Nodes that it computes in floats though they lie between quantised values, and convolutions and
    /// matrix products that it does.
    pub float_nodes: Vec<FloatNode>,
}

/// A node that is computed in floats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloatNode {
    /// Its name in the model; in the engine's where it is none of the model's.
    pub name: String,
    /// Operator.
    pub op: String,
}

impl IntegerShare {
    /// Integer multiply-accumulates of all.
    pub fn share(&self) -> f64 {
        self.integer_macs as f64 / self.macs.max(1) as f64
    }
}

/// How much of `graph`, run on `inputs`, `engine` computes on integers: of ONNX Runtime from the model as it
/// fuses it on this processor, of tract and burn nothing of a QDQ model, which they run in floats. `None`
/// of a float model, and where no work is known.
///
/// # Errors
/// ONNX Runtime is not there or does not run it.
pub fn integer_share(
    engine: EngineName,
    graph: &Graph,
    inputs: &[Array],
) -> Result<Option<IntegerShare>> {
    let names = graph.free_inputs().map(|input| input.name.clone());
    let dims = inputs.iter().map(|input| input.dims.clone());
    let shapes = InputShapes(names.zip(dims).collect());
    let Some(macs) = first_quantized(graph).and_then(|_| macs(graph, &shapes)) else {
        return Ok(None);
    };
    let all = macs.iter().copied().fold(0, u64::saturating_add);
    if all == 0 {
        return Ok(None);
    }
    if engine == EngineName::LiteRt {
        // What it runs is made of integers alone.
        return Ok(Some(IntegerShare {
            macs: all,
            integer_macs: all,
            float_nodes: Vec::new(),
        }));
    }
    if engine != EngineName::OnnxRuntime {
        let qdq = |node: &Node| node.op == "DequantizeLinear";
        return Ok(graph.nodes.iter().any(qdq).then(|| IntegerShare {
            macs: all,
            integer_macs: 0,
            float_nodes: working(graph, &macs),
        }));
    }
    let numbered = numbered(graph);
    let optimized = catch_panic(|| onnxruntime::optimized(&numbered));
    let optimized = optimized.map_err(|panic| crate::Error::run(engine, panic))??;
    Ok(Some(of_optimized(graph, &macs, &optimized)))
}

/// Multiply-accumulates of each node; `None` where the shapes do not go together.
fn macs(graph: &Graph, shapes: &InputShapes) -> Option<Vec<u64>> {
    let inference = infer(graph, shapes).ok()?;
    let nodes = graph.nodes.iter().zip(&inference.ops);
    let macs = nodes.map(|(node, op)| {
        let output = node.outputs.first().and_then(|name| inference.get(name));
        match (op, output) {
            (Some(op), Some(output)) => op.macs(&inference.inputs_of(node), output),
            _ => 0,
        }
    });
    Some(macs.collect())
}

/// The nodes that have multiply-accumulates.
fn working(graph: &Graph, macs: &[u64]) -> Vec<FloatNode> {
    let nodes = graph.nodes.iter().zip(macs);
    let nodes = nodes.filter(|(_, macs)| **macs > 0);
    nodes.map(|(node, _)| float_node(node)).collect()
}

fn float_node(node: &Node) -> FloatNode {
    FloatNode {
        name: node.label().to_owned(),
        op: node.op.clone(),
    }
}

/// First letter of the names that nodes get, so that their numbers are found again: ONNX Runtime keeps the
/// name of the node that a fused one does the work of, and appends to it.
const PREFIX: &str = "n";

/// What the names of nodes begin with that ONNX Runtime takes a function apart into.
const INLINED: &str = "_inlfunc_";

fn numbered(graph: &Graph) -> Graph {
    let mut numbered = graph.clone();
    for (index, node) in numbered.nodes.iter_mut().enumerate() {
        node.name = format!("{PREFIX}{index}");
    }
    numbered
}

/// The number of the node that `name` was made of.
fn number(name: &str) -> Option<usize> {
    let rest = name.strip_prefix(PREFIX)?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit());
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

/// Whether `node` of an optimised model computes on integers.
fn on_integers(node: &Node) -> bool {
    let makes_integers = matches!(node.op.as_str(), "QuantizeLinear" | "DynamicQuantizeLinear");
    (computes_quantized(node) && !makes_integers) || node.op.starts_with("MatMulInteger")
}

fn of_optimized(graph: &Graph, macs: &[u64], optimized: &Graph) -> IntegerShare {
    let on_integers = optimized.nodes.iter().filter(|node| on_integers(node));
    let fused: HashSet<usize> = on_integers.filter_map(|node| number(&node.name)).collect();
    let sum = |wanted: &dyn Fn(usize) -> bool| {
        let macs = macs.iter().enumerate().filter(|(index, _)| wanted(*index));
        macs.map(|(_, macs)| *macs).fold(0, u64::saturating_add)
    };
    let named = float_islands(optimized).into_iter().filter_map(|node| {
        let own = number(&node.name).and_then(|index| graph.nodes.get(index));
        let same = |own: &&Node| own.outputs.first() == node.outputs.first();
        let own = own.or_else(|| graph.nodes.iter().find(same));
        // A function that was written out is named by the node that makes its result.
        let inside = own.is_none() && node.name.starts_with(INLINED);
        (!inside).then(|| float_node(own.unwrap_or(node)))
    });
    IntegerShare {
        macs: sum(&|_| true),
        integer_macs: sum(&|index| fused.contains(&index)),
        float_nodes: named.collect(),
    }
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Dim, Tensor, ValueInfo};

    use super::*;

    /// x → quantised → a matrix product → quantised → y.
    fn quantized() -> Graph {
        let mut graph = Graph::new("g", 17);
        let dims = |size| vec![Dim::Symbol("n".into()), Dim::Known(size)];
        graph.inputs.push(ValueInfo::f32("x", dims(4)));
        graph.outputs.push(ValueInfo::f32("y", dims(2)));
        let mut constant = |name: &str, tensor: Tensor| {
            graph.initializers.insert(name.into(), tensor);
        };
        constant("w", Tensor::from_values(vec![4, 2], &[1i8; 8]));
        constant("s", Tensor::from_values(vec![], &[0.1f32]));
        constant("z", Tensor::from_values(vec![], &[0i8]));
        graph.nodes = vec![
            Node::new("QuantizeLinear", "q", &["x", "s", "z"], &["xq"]),
            Node::new("DequantizeLinear", "dx", &["xq", "s", "z"], &["xd"]),
            Node::new("DequantizeLinear", "dw", &["w", "s", "z"], &["wd"]),
            Node::new("MatMul", "fc", &["xd", "wd"], &["h"]),
            Node::new("QuantizeLinear", "qh", &["h", "s", "z"], &["hq"]),
            Node::new("DequantizeLinear", "dh", &["hq", "s", "z"], &["y"]),
        ];
        graph
    }

    fn input() -> Array {
        Array {
            dims: vec![1, 4],
            values: vec![1.0; 4],
        }
    }

    #[test]
    fn tract_runs_a_qdq_model_in_floats() {
        let found = integer_share(EngineName::Tract, &quantized(), &[input()]);
        let found = found.unwrap().unwrap();
        assert_eq!((found.macs, found.share()), (8, 0.0));
        assert_eq!(found.float_nodes[0].name, "fc");
        let float = Graph::new("float", 17);
        assert_eq!(integer_share(EngineName::Tract, &float, &[]).unwrap(), None);
    }

    #[test]
    fn fused_nodes_are_found_by_their_numbers() {
        let graph = quantized();
        let macs = [0, 0, 0, 8, 0, 0];
        let mut optimized = graph.clone();
        let product = Node::new("QLinearMatMul", "n3_token_7", &["xq", "w"], &["hq"]);
        optimized.nodes = vec![
            Node::new("QuantizeLinear", "n0", &["x", "s", "z"], &["xq"]),
            product,
            Node::new("DequantizeLinear", "n5", &["hq", "s", "z"], &["y"]),
        ];
        let found = of_optimized(&graph, &macs, &optimized);
        assert_eq!((found.integer_macs, found.float_nodes.len()), (8, 0));
        let found = of_optimized(&graph, &macs, &numbered(&graph));
        assert_eq!(found.integer_macs, 0);
        assert_eq!(found.float_nodes, [float_node(&graph.nodes[3])]);
        assert_eq!(
            (number("n12"), number("n3_token_7"), number("node")),
            (Some(12), Some(3), None)
        );
    }
}
