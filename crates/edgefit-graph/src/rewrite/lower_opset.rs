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
    let nodes = graph.nodes.iter();
    let nodes = nodes.filter(|node| node.is_onnx() && is_new(graph, node, most));
    let nodes: Vec<String> = nodes.map(Node::place).collect();
    if !nodes.is_empty() {
        return Err(nodes);
    }
    for node in graph.nodes.iter_mut().filter(|node| node.is_onnx()) {
        let moves_axes = must_move_axes(node, opset, most);
        // Attributes that the older op does not have, and that say what it does anyway.
        let dropped: &[&str] = match node.op.as_str() {
            "Resize" if most < 18 => &["antialias", "keep_aspect_ratio_policy"],
            "AveragePool" if most < 19 => &["dilations"],
            _ if moves_axes => &["noop_with_empty_axes"],
            _ => &[],
        };
        for name in dropped {
            node.attributes.shift_remove(*name);
        }
        if moves_axes && node.inputs.len() > 1 {
            let axes = graph.initializers.get(&node.inputs[1]);
            let axes = axes.and_then(|axes| axes.to_i64().ok());
            node.inputs.truncate(1);
            if let Some(axes) = axes {
                node.attributes.insert("axes".into(), Attribute::Ints(axes));
            }
        }
    }
    graph.opsets.insert(String::new(), most);
    super::prune(graph);
    Ok(())
}

/// Whether opset `most` has no such op, or no such form of it.
fn is_new(graph: &Graph, node: &Node, most: i64) -> bool {
    let set = |name: &str| node.int_or(name, 0).unwrap_or(1) != 0;
    let text = |name: &str| node.string_or(name, "").unwrap_or_default();
    let is_there = |name: &str| node.attributes.contains_key(name);
    let form = match node.op.as_str() {
        "Split" => most < 18 && is_there("num_outputs"),
        "Pad" => (most < 18 && node.input(3).is_some()) || (most < 19 && text("mode") == "wrap"),
        "Resize" => {
            let stretches = matches!(text("keep_aspect_ratio_policy"), "" | "stretch");
            let symmetric = text("coordinate_transformation_mode") == "half_pixel_symmetric";
            (most < 18 && (set("antialias") || is_there("axes") || !stretches))
                || (most < 19 && symmetric)
        }
        "AveragePool" => {
            let dilations = node.ints("dilations").ok().flatten();
            most < 19 && dilations.is_some_and(|each| each.iter().any(|&dilation| dilation != 1))
        }
        _ if must_move_axes(node, graph.opset(), most) => {
            let known = |name: &str| graph.initializers.get(name)?.to_i64().ok();
            match node.input(1).map(known) {
                Some(None) => true,
                axes => {
                    let nothing = axes.flatten().is_none_or(|axes| axes.is_empty());
                    nothing && set("noop_with_empty_axes")
                }
            }
        }
        _ => false,
    };
    let introduced = NEW.iter().find(|(op, _)| *op == node.op);
    form || introduced.is_some_and(|&(_, since)| most < since)
}

fn must_move_axes(node: &Node, opset: i64, most: i64) -> bool {
    opset >= 18 && most < 18 && REDUCTIONS.contains(&node.op.as_str())
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

    /// `op` with one attribute, lowered from opset 20 to 17.
    fn lowered(op: &str, name: &str, value: Attribute) -> Result<Node, Vec<String>> {
        let mut graph = Graph::new("g", 20);
        graph.outputs.push(ValueInfo::float("y"));
        let none = Tensor::from_values(vec![0], &[0i64; 0]);
        graph.initializers.insert("none".into(), none);
        graph.nodes = vec![Node::new(op, "n", &["x", "none"], &["y"]).with(name, value)];
        lower_opset(&mut graph, 17)?;
        Ok(graph.nodes.remove(0))
    }

    #[test]
    fn forms_that_are_new_are_named_and_defaults_that_are_spelled_out_are_dropped() {
        let on = || Attribute::Int(1);
        let new = [
            ("Pad", "mode", "wrap".into()),
            (
                "Resize",
                "coordinate_transformation_mode",
                "half_pixel_symmetric".into(),
            ),
            ("Resize", "keep_aspect_ratio_policy", "not_larger".into()),
            ("Resize", "antialias", on()),
            ("AveragePool", "dilations", Attribute::Ints(vec![2, 2])),
            ("ReduceMean", "noop_with_empty_axes", on()),
        ];
        for (op, name, value) in new {
            assert!(lowered(op, name, value).is_err(), "{op} {name}");
        }
        let same = [
            ("Resize", "keep_aspect_ratio_policy", "stretch".into()),
            ("Resize", "antialias", Attribute::Int(0)),
            ("AveragePool", "dilations", Attribute::Ints(vec![1, 1])),
            ("ReduceMean", "noop_with_empty_axes", Attribute::Int(0)),
        ];
        for (op, name, value) in same {
            let node = lowered(op, name, value).unwrap();
            assert!(!node.attributes.contains_key(name), "{op} {name}");
        }
    }
}
