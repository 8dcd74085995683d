//! What is to be said of the floats of a quantised model.

use edgefit_engine::{EngineName, FloatNode, IntegerShare};

use super::Warning;
use crate::result::BenchResult;

/// Nodes that are named.
const NAMED: usize = 5;

/// What to do where an engine runs a quantised model in floats.
pub(super) fn advice(engine: EngineName) -> &'static str {
    match engine {
        EngineName::OnnxRuntime => {
            "quantise it again in a scheme that it fuses, such as onnxruntime-x86"
        }
        _ => "run it with --engine onnxruntime, or measure the float model",
    }
}

pub(super) fn counted(nodes: usize) -> String {
    match nodes {
        1 => "1 node".to_owned(),
        nodes => format!("{nodes} nodes"),
    }
}

/// The first of them, such as `'pool' (ReduceMean)`.
pub(super) fn listed(nodes: &[FloatNode]) -> String {
    let named = nodes.iter().take(NAMED);
    let named: Vec<String> = named
        .map(|node| format!("'{}' ({})", node.name, node.op))
        .collect();
    match nodes.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// What is to be said of a quantised model's floats.
pub(super) fn warning(result: &BenchResult, share: &IntegerShare) -> Option<Warning> {
    let (label, engine) = (result.label.clone(), result.engine);
    if share.integer_macs == 0 {
        return Some(Warning::InFloats { label, engine });
    }
    let nodes = share.float_nodes.clone();
    (!nodes.is_empty()).then_some(Warning::FloatIslands {
        label,
        engine,
        nodes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_nodes_are_named_and_the_rest_counted() {
        let nodes: Vec<FloatNode> = (0..7)
            .map(|index| FloatNode {
                name: format!("pool{index}"),
                op: "ReduceMean".into(),
            })
            .collect();
        let said = listed(&nodes);
        assert!(said.starts_with("'pool0' (ReduceMean), 'pool1'"), "{said}");
        assert!(said.ends_with("and 2 more"), "{said}");
        assert_eq!(counted(1), "1 node");
        let warning = Warning::InFloats {
            label: "q.onnx on tract".into(),
            engine: EngineName::Tract,
        };
        assert!(
            warning.to_string().contains("--engine onnxruntime"),
            "{warning}"
        );
    }
}
