//! A model of a newer opset, as an older one would say it.

use crate::attribute::Attribute;
use crate::graph::{Graph, Node};

/// Ops that are not in opsets before the one given.
const NEW: &[(&str, i64)] = &[
    ("Mish", 18),
    ("BitwiseAnd", 18),
    ("CenterCropPad", 18),
    ("Col2Im", 18),
    ("GroupNormalization", 18),
    ("DeformConv", 19),
    ("Gelu", 20),
    ("AffineGrid", 20),
    ("Attention", 23),
    ("RMSNormalization", 23),
    ("RotaryEmbedding", 23),
    ("Swish", 24),
    ("TensorScatter", 24),
];

/// Reductions whose axes became an input at opset 18.
const REDUCTIONS: [&str; 8] = [
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceSumSquare",
    "ReduceLogSumExp",
];

/// Lowers a graph to opset `most`, at least 13: of the ops that images need, newer opsets mostly added
/// types. What cannot be said there is left, and named in the error; the graph is then as it was.
///
/// # Errors
/// The places of all nodes that have no equal in opset `most`.
pub fn lower_opset(graph: &mut Graph, most: i64) -> Result<(), Vec<String>> {
    let opset = graph.opset();
    if opset <= most {
        return Ok(());
    }
    let is_new = |node: &&Node| {
        let introduced = NEW.iter().any(|&(op, since)| op == node.op && most < since);
        let split = node.op == "Split" && node.attributes.contains_key("num_outputs") && most < 18;
        let pad = node.op == "Pad" && node.input(3).is_some() && most < 18;
        let resize = node.op == "Resize"
            && most < 18
            && ["antialias", "axes", "keep_aspect_ratio_policy"]
                .iter()
                .any(|name| node.attributes.contains_key(*name));
        let reduction = must_move_axes(node, opset, most)
            && (node.input(1)).is_some_and(|axes| {
                let axes = graph.initializers.get(axes);
                axes.is_none_or(|axes| axes.to_i64().is_err())
            });
        node.is_onnx() && (introduced || split || pad || resize || reduction)
    };
    let nodes: Vec<String> = graph.nodes.iter().filter(is_new).map(Node::place).collect();
    if !nodes.is_empty() {
        return Err(nodes);
    }
    for node in &mut graph.nodes {
        if must_move_axes(node, opset, most) && node.inputs.len() > 1 {
            let axes = graph.initializers.get(&node.inputs[1]);
            let axes = axes.and_then(|axes| axes.to_i64().ok());
            node.inputs.truncate(1);
            node.attributes.shift_remove("noop_with_empty_axes");
            if let Some(axes) = axes {
                node.attributes.insert("axes".into(), Attribute::Ints(axes));
            }
        }
    }
    graph.opsets.insert(String::new(), most);
    super::prune(graph);
    Ok(())
}

fn must_move_axes(node: &Node, opset: i64, most: i64) -> bool {
    opset >= 18 && most < 18 && node.is_onnx() && REDUCTIONS.contains(&node.op.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::ValueInfo;
    use crate::tensor::Tensor;

    #[test]
    fn axes_become_an_attribute_and_new_ops_are_named() {
        let mut graph = Graph::new("g", 20);
        graph.outputs.push(ValueInfo::float("y"));
        let axes = Tensor::from_values(vec![1], &[-1i64]);
        graph.initializers.insert("axes".into(), axes);
        graph.nodes = vec![
            Node::new("Gelu", "gelu", &["x"], &["g"]),
            Node::new("ReduceMean", "mean", &["g", "axes"], &["y"]),
        ];
        assert!(lower_opset(&mut graph.clone(), 20).is_ok());
        let left = lower_opset(&mut graph, 17).unwrap_err();
        assert!(left.len() == 1 && left[0].contains("gelu"), "{left:?}");
        assert_eq!(graph.opset(), 20);
        graph.nodes[0].op = "Relu".into();
        lower_opset(&mut graph, 17).unwrap();
        assert_eq!(graph.nodes[1].ints("axes").unwrap(), Some(&[-1][..]));
        assert_eq!((graph.opset(), graph.initializers.len()), (17, 0));
    }
}
