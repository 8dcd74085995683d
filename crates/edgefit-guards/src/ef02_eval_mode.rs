//! EF02: evaluation, export and frozen normalisation must be in eval mode.

use crate::finding::some_of;
use crate::{Code, Finding, Status};

/// Relative change of a frozen statistic above which it has drifted; smaller ones are f32 rounding.
pub const DRIFT: f64 = 1e-6;
/// Relative difference of two eval passes; smaller ones come from the order of summation.
pub const REPEATED: f64 = 1e-5;
/// Relative difference between eval mode and the exported model.
pub const EXPORTED: f64 = 1e-3;

/// Running statistics of a normalisation layer that is not trained, before and after training.
#[derive(Debug, Clone)]
pub struct FrozenLayer {
    /// Name of the layer.
    pub name: String,
    /// Largest |after − before| over |before|, among mean and variance of all channels.
    pub relative_change: f64,
}

/// Fails where statistics of a frozen layer moved.
pub fn check_frozen(layers: &[FrozenLayer]) -> Finding {
    let drifted =
        |layer: &&FrozenLayer| layer.relative_change.is_nan() || layer.relative_change > DRIFT;
    let moved: Vec<&FrozenLayer> = layers.iter().filter(drifted).collect();
    let farthest = moved.iter().map(|layer| layer.relative_change);
    match farthest.max_by(f64::total_cmp) {
        None => {
            let text = format!("statistics of {} frozen layers untouched", layers.len());
            Finding::new(Code::Ef02, Status::Pass, text)
        }
        Some(change) => {
            let names = some_of(moved.iter().map(|layer| layer.name.as_str()));
            let text = format!(
                "running statistics of frozen normalisation moved by up to {:.1e} of \
                their value ({names}); keep it in eval mode while training",
                change
            );
            Finding::new(Code::Ef02, Status::Failed, text)
        }
    }
}

/// Nodes of an exported graph that behave as in training.
#[derive(Debug, Clone, Default)]
pub struct ExportedGraph {
    /// Normalisation nodes with `training_mode=1`.
    pub training_normalisation: Vec<String>,
    /// Dropout nodes that drop.
    pub active_dropout: Vec<String>,
}

/// Fails where the exported graph is in train mode.
pub fn check_export(graph: &ExportedGraph) -> Finding {
    let nodes = graph
        .training_normalisation
        .iter()
        .chain(&graph.active_dropout);
    let names = some_of(nodes.map(String::as_str));
    if names.is_empty() {
        let text = "the exported graph is in eval mode";
        return Finding::new(Code::Ef02, Status::Pass, text);
    }
    let text = format!("the exported graph is in train mode at {names}; export it in eval mode");
    Finding::new(Code::Ef02, Status::Failed, text)
}

/// How much two outputs for the same input differ.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    /// Largest absolute difference of two elements.
    pub max_abs: f64,
    /// Largest absolute value of an element.
    pub scale: f64,
}

impl Difference {
    fn is_within(self, tolerance: f64) -> bool {
        self.max_abs <= tolerance * self.scale.max(1.0)
    }
}

/// Fails where two eval passes on one input differ.
pub fn check_repeat(difference: Difference) -> Finding {
    if difference.is_within(REPEATED) {
        let text = "two eval passes on one input agree";
        return Finding::new(Code::Ef02, Status::Pass, text);
    }
    let text = format!(
        "two eval passes on one input differ by {:.1e}; dropout or batch statistics are active",
        difference.max_abs
    );
    Finding::new(Code::Ef02, Status::Failed, text)
}

/// Fails where the outputs of the exported model are not those of eval mode.
pub fn check_exported_outputs(difference: Difference) -> Finding {
    if difference.is_within(EXPORTED) {
        let text = "the exported model and eval mode agree";
        return Finding::new(Code::Ef02, Status::Pass, text);
    }
    let text = format!(
        "the exported model and eval mode differ by {:.1e} on outputs of up to {:.1e}; \
        `edgefit verify` names the first node",
        difference.max_abs, difference.scale
    );
    Finding::new(Code::Ef02, Status::Failed, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(change: f64) -> [FrozenLayer; 1] {
        let name = "stem.bn".into();
        let relative_change = change;
        [FrozenLayer {
            name,
            relative_change,
        }]
    }

    #[test]
    fn drifting_statistics_fail() {
        assert_eq!(check_frozen(&layers(0.0)).status, Status::Pass);
        for change in [0.01, f64::NAN] {
            let finding = check_frozen(&layers(change));
            assert_eq!(finding.status, Status::Failed);
            assert!(finding.message.contains("stem.bn"));
        }
    }

    #[test]
    fn a_graph_in_train_mode_fails() {
        assert_eq!(check_export(&ExportedGraph::default()).status, Status::Pass);
        let graph = ExportedGraph {
            active_dropout: vec!["drop1".into()],
            ..ExportedGraph::default()
        };
        let finding = check_export(&graph);
        assert_eq!(finding.status, Status::Failed);
        assert!(finding.message.contains("drop1"));
    }

    #[test]
    fn outputs_that_differ_fail() {
        let of = |max_abs| Difference {
            max_abs,
            scale: 12.0,
        };
        for check in [check_repeat, check_exported_outputs] {
            assert_eq!(check(of(1e-5)).status, Status::Pass);
            assert_eq!(check(of(0.3)).status, Status::Failed);
            assert_eq!(check(of(f64::NAN)).status, Status::Failed);
        }
    }
}
