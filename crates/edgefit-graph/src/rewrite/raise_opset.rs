//! A model of an older opset, as a newer one would say it.

use crate::attribute::Attribute;
use crate::error::{Error, Result};
use crate::fresh_names::FreshNames;
use crate::graph::{Graph, Node};
use crate::infer::Inference;
use crate::tensor::Tensor;

/// Oldest opset that can be raised: before it, ops broadcast and pool otherwise.
const OLDEST: i64 = 9;

/// The opset that is reached. Between it and 17 no op of images changed its meaning.
const REACHED: i64 = 13;

/// Raises a graph of opset 9 to 12 to opset 13: what became an input there (limits, axes, sizes)
/// becomes one. A graph of opset 13 or higher stays as it is.
///
/// # Errors
/// The opset is older, or a node has no equal in opset 13; the error names it.
pub fn raise_opset(graph: &mut Graph, inference: &Inference) -> Result<()> {
    let opset = graph.opset();
    if opset >= REACHED {
        return Ok(());
    }
    if opset < OLDEST {
        return Err(Error::invalid(
            format!("opset {opset}"),
            "is older than 9, and its ops mean other things; export the model with opset 13 to 21",
        ));
    }
    let mut names = FreshNames::of(graph);
    let mut constants = Vec::new();
    for node in graph.nodes.iter_mut().filter(|node| node.is_onnx()) {
        let problem = match node.op.as_str() {
            "Upsample" => Some("was replaced by Resize"),
            "Resize" | "TopK" if opset < 11 => Some("has other inputs"),
            "Softmax" | "LogSoftmax" | "Hardmax" => raise_softmax(node, inference)?,
            _ => None,
        };
        if let Some(problem) = problem {
            let problem = format!(
                "{problem} since opset {opset}; export the model with opset 13 to 21, or convert it with \
                 onnx.version_converter"
            );
            return Err(Error::invalid(node.place(), problem));
        }
        for (attribute, index) in moved(&node.op, opset) {
            let Some(value) = node.attributes.shift_remove(*attribute) else {
                continue;
            };
            let tensor = match value {
                Attribute::Int(value) => Tensor::from_values(vec![], &[value]),
                Attribute::Ints(values) => Tensor::from_values(vec![values.len()], &values),
                Attribute::Float(value) => Tensor::from_values(vec![], &[value]),
                _ => {
                    let problem = format!("attribute '{attribute}' is of another type");
                    return Err(Error::invalid(node.place(), problem));
                }
            };
            let label = node.label().to_owned();
            let name = names.take(&format!("{label}_{attribute}"));
            if node.inputs.len() <= *index {
                node.inputs.resize(*index + 1, String::new());
            }
            node.inputs[*index].clone_from(&name);
            constants.push((name, tensor));
        }
    }
    graph.initializers.extend(constants);
    graph.opsets.insert(String::new(), REACHED);
    graph.ir_version = graph.ir_version.max(7);
    Ok(())
}

/// Attributes of `op` in `opset` that are inputs in opset 13, and which.
fn moved(op: &str, opset: i64) -> &'static [(&'static str, usize)] {
    match op {
        "Clip" if opset < 11 => &[("min", 1), ("max", 2)],
        "Pad" if opset < 11 => &[("pads", 1), ("value", 2)],
        "Slice" if opset < 10 => &[("starts", 1), ("ends", 2), ("axes", 3)],
        "Dropout" if opset < 12 => &[("ratio", 1)],
        "Squeeze" | "Unsqueeze" | "ReduceSum" => &[("axes", 1)],
        "Split" => &[("split", 1)],
        _ => &[],
    }
}

/// Before opset 13 the sum went over all dimensions behind the axis, too: the same where that is the last
/// one. What is in the way, where it is not.
fn raise_softmax(node: &mut Node, inference: &Inference) -> Result<Option<&'static str>> {
    let axis = node.int_or("axis", 1)?;
    let x = node.input(0).and_then(|x| inference.get(x));
    let last = x.map(|x| x.dims.len() as i64 - 1);
    if axis == -1 || Some(axis) == last {
        node.attributes.insert("axis".into(), Attribute::Int(axis));
        return Ok(None);
    }
    Ok(Some("sums over other dimensions"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Dim, ValueInfo};
    use crate::infer::{InputShapes, infer};

    fn raised(graph: &mut Graph) -> Result<()> {
        let dims = [1, 1, 4].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        let inference = infer(graph, &InputShapes::bind(graph, 1, None)?)?;
        raise_opset(graph, &inference)
    }

    #[test]
    fn attributes_become_inputs() {
        let mut graph = Graph::new("g", 10);
        let clip = Node::new("Clip", "clip", &["x"], &["c"]);
        let squeeze = Node::new("Squeeze", "squeeze", &["c"], &["y"]);
        graph.nodes = vec![
            clip.with("max", Attribute::Float(6.0)),
            squeeze.with("axes", Attribute::Ints(vec![1])),
        ];
        raised(&mut graph).unwrap();
        assert_eq!(graph.opset(), 13);
        assert_eq!(graph.nodes[0].inputs, ["x", "", "clip_max"]);
        assert_eq!(graph.nodes[1].inputs, ["c", "squeeze_axes"]);
        assert_eq!(graph.initializers["clip_max"].to_f32().unwrap(), [6.0]);
        assert!(graph.nodes.iter().all(|node| node.attributes.is_empty()));
    }

    #[test]
    fn what_has_no_equal_is_named() {
        let mut graph = Graph::new("g", 9);
        graph.nodes = vec![Node::new("Upsample", "up", &["x", "s"], &["y"])];
        let error = raised(&mut graph).unwrap_err().to_string();
        assert!(
            error.contains("'up'") && error.contains("opset 13"),
            "{error}"
        );
        let mut graph = Graph::new("g", 12);
        let softmax = Node::new("Softmax", "s", &["x"], &["y"]);
        graph.nodes = vec![softmax.with("axis", Attribute::Int(1))];
        assert!(raised(&mut graph).is_err());
        graph.nodes[0].attributes["axis"] = Attribute::Int(2);
        graph.inputs.clear();
        raised(&mut graph).unwrap();
        let mut old = Graph::new("g", 8);
        assert!(
            raised(&mut old)
                .unwrap_err()
                .to_string()
                .contains("opset 8")
        );
    }
}
