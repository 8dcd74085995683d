//! Operations, parameters and bytes of a model, node by node.

use edgefit_graph::Graph;
use edgefit_graph::infer::Inference;
use edgefit_graph::trainable_parameters;
use serde::Serialize;

/// What every node costs, and all of them together.
#[derive(Debug, Clone, Serialize)]
pub struct Costs {
    /// In graph order.
    pub nodes: Vec<NodeCost>,
    /// Sums.
    pub totals: Totals,
}

/// What one node costs.
#[derive(Debug, Clone, Serialize)]
pub struct NodeCost {
    /// Name of the node, or of its first output.
    pub name: String,
    /// Operator.
    pub op: String,
    /// Shape of its first output; `None` behind an unsupported op.
    pub output_shape: Option<Vec<usize>>,
    /// Trainable parameters that this node is the first to read.
    pub parameters: u64,
    /// Multiply-accumulates; `None` where the op or a shape is not known.
    pub macs: Option<u64>,
    /// Bytes of all inputs, weights included.
    pub read_bytes: u64,
    /// Bytes of the output.
    pub write_bytes: u64,
}

/// What the whole model costs.
#[derive(Debug, Clone, Serialize)]
pub struct Totals {
    /// Trainable parameters; running statistics and constants are not among them.
    pub parameters: u64,
    /// Multiply-accumulates of convolutions and matrix products, as far as they are known.
    pub macs: u64,
    /// Nodes of which they are not.
    pub unknown_macs: usize,
    /// Bytes of all initializers as stored.
    pub weight_bytes: u64,
}

impl Costs {
    /// Counts `graph` with the shapes of `inference`.
    ///
    /// ```
    /// use edgefit_cost::Costs;
    /// use edgefit_graph::infer::{InputShapes, infer};
    /// use edgefit_graph::{Dim, Graph, Node, Tensor, ValueInfo};
    ///
    /// let mut graph = Graph::new("product", 17);
    /// graph.inputs.push(ValueInfo::f32("x", vec![Dim::Known(1), Dim::Known(8)]));
    /// graph.outputs.push(ValueInfo::f32("y", vec![]));
    /// graph.initializers.insert("w".into(), Tensor::from_values(vec![8, 4], &[0f32; 32]));
    /// graph.nodes.push(Node::new("MatMul", "product", &["x", "w"], &["y"]));
    /// let inference = infer(&graph, &InputShapes::bind(&graph, 1, None)?)?;
    ///
    /// let costs = Costs::of(&graph, &inference);
    /// assert_eq!((costs.totals.macs, costs.totals.weight_bytes), (32, 128));
    /// assert_eq!(costs.nodes[0].output_shape, Some(vec![1, 4]));
    /// # Ok::<(), edgefit_graph::Error>(())
    /// ```
    pub fn of(graph: &Graph, inference: &Inference) -> Self {
        let mut nodes: Vec<NodeCost> = graph
            .nodes
            .iter()
            .zip(&inference.ops)
            .map(|(node, op)| {
                let inputs = inference.inputs_of(node);
                let output = node.outputs.first().and_then(|name| inference.get(name));
                let macs = match (op, output) {
                    (Some(op), Some(output)) => Some(op.macs(&inputs, output)),
                    _ => None,
                };
                NodeCost {
                    name: node.label().to_owned(),
                    op: node.op.clone(),
                    output_shape: output.map(|ty| ty.dims.clone()),
                    parameters: 0,
                    macs,
                    read_bytes: inputs.iter().flatten().map(|ty| ty.bytes() as u64).sum(),
                    write_bytes: output.map_or(0, |ty| ty.bytes() as u64),
                }
            })
            .collect();
        for (node, name) in trainable_parameters(graph) {
            nodes[node].parameters += graph.initializers[name].elements() as u64;
        }
        let totals = Totals {
            parameters: nodes.iter().map(|node| node.parameters).sum(),
            macs: nodes
                .iter()
                .filter_map(|node| node.macs)
                .fold(0, u64::saturating_add),
            unknown_macs: nodes.iter().filter(|node| node.macs.is_none()).count(),
            weight_bytes: graph
                .initializers
                .values()
                .map(|tensor| tensor.bytes().len() as u64)
                .sum(),
        };
        Costs { nodes, totals }
    }
}
