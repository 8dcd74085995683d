//! Nodes that hand their input on, dropped.

use std::collections::HashMap;

use crate::error::Result;
use crate::graph::Graph;
use crate::ops::{Op, OpReader};

/// Drops Identity nodes and, as at inference, Dropout nodes whose result is no output of the graph.
/// Returns how many there were.
///
/// # Errors
/// A node is not what its op says.
pub fn drop_identities(graph: &mut Graph) -> Result<usize> {
    let mut source: HashMap<String, String> = HashMap::new();
    {
        let reader = OpReader::new(graph);
        let outputs: Vec<&String> = graph.outputs.iter().map(|output| &output.name).collect();
        for node in &graph.nodes {
            let (Some(x), Some(y)) = (node.input(0), node.outputs.first()) else {
                continue;
            };
            let is_identity = node.is_onnx()
                && !outputs.contains(&y)
                && node.present_outputs().count() == 1
                && match node.op.as_str() {
                    "Identity" => true,
                    "Dropout" => matches!(reader.read(node)?, Op::Dropout { training: false, .. }),
                    _ => false,
                };
            if is_identity {
                let x = source.get(x).cloned().unwrap_or_else(|| x.to_owned());
                source.insert(y.clone(), x);
            }
        }
    }
    let inputs = graph.nodes.iter_mut().flat_map(|node| &mut node.inputs);
    for input in inputs {
        if let Some(name) = source.get(input) {
            input.clone_from(name);
        }
    }
    super::prune(graph);
    Ok(source.len())
}
