//! [`Report`]: what became of a model that was quantised.

use std::collections::BTreeMap;
use std::path::PathBuf;

use edgefit_engine::{EngineName, Execution};
use edgefit_predict::Comparison;
use serde::Serialize;

use crate::equalize::Equalized;
use crate::execution::execution_of;
use crate::guard::{Guarded, KeptFloat, Limits};
use crate::provenance::Provenance;
use crate::quantize::{Calibrated, FloatNode, FloatReason};

/// The files before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Files {
    /// The float model.
    pub float: PathBuf,
    /// Its bytes, external data included.
    pub float_bytes: u64,
    /// The quantised model.
    pub model: PathBuf,
    /// Its bytes.
    pub model_bytes: u64,
}

/// What became of a model that was quantised.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The files.
    #[serde(flatten)]
    pub files: Files,
    /// Where it comes from.
    #[serde(flatten)]
    pub provenance: Provenance,
    /// What ran both models for the comparison.
    pub engine: EngineName,
    /// How it ran them.
    pub execution: Execution,
    /// Fusion groups that run on integers.
    pub int8_groups: usize,
    /// Nodes that compute on floats by the scheme, by op.
    pub float_ops: BTreeMap<String, usize>,
    /// Every node that computes on floats, those among them that do so for their accuracy.
    pub float_nodes: Vec<FloatNode>,
    /// Pairs of layers that were equalised.
    pub equalized: Vec<Equalized>,
    /// What was allowed.
    pub limits: Limits,
    /// Against the float model, on samples that calibrated nothing; on the same one where there is no other.
    pub comparison: Comparison,
    /// The same with nothing kept float for its accuracy.
    pub all_int8: Comparison,
    /// Groups that stay float.
    pub kept_float: Vec<KeptFloat>,
    /// Whether the limits are kept.
    pub is_kept: bool,
}

impl Report {
    /// Name and version of the document.
    pub const SCHEMA: &str = "edgefit.quantize/1";

    /// Of a model that was `calibrated` and `guarded`, as `engine` ran it.
    pub fn of(
        calibrated: &Calibrated,
        guarded: &Guarded,
        files: Files,
        provenance: Provenance,
        engine: EngineName,
    ) -> Self {
        let execution = match engine {
            EngineName::OnnxRuntime => execution_of(&provenance.scheme),
            // Others compute QDQ in floats.
            _ => Execution::NodeByNode,
        };
        Report {
            files,
            execution,
            provenance,
            engine,
            int8_groups: guarded.quantized.groups.len(),
            float_ops: float_by_scheme(&guarded.quantized.float_nodes),
            float_nodes: guarded.quantized.float_nodes.clone(),
            equalized: calibrated.equalized.clone(),
            limits: guarded.limits,
            comparison: guarded.comparison.clone(),
            all_int8: guarded.all_int8.clone(),
            kept_float: guarded.kept_float.clone(),
            is_kept: guarded.is_kept,
        }
    }
}

/// How many of `nodes` the scheme leaves on floats, by op.
fn float_by_scheme(nodes: &[FloatNode]) -> BTreeMap<String, usize> {
    let mut ops = BTreeMap::new();
    for node in nodes {
        if node.reason != FloatReason::Accuracy {
            *ops.entry(node.op.clone()).or_default() += 1;
        }
    }
    ops
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_float_for_its_accuracy_is_not_the_schemes() {
        let reasons = [FloatReason::Accuracy, FloatReason::NoIntegerKernel];
        let nodes = reasons.map(|reason| FloatNode {
            node: "node".into(),
            op: "Mul".into(),
            reason,
        });
        assert_eq!(
            float_by_scheme(&nodes),
            BTreeMap::from([("Mul".to_owned(), 1)])
        );
    }
}
