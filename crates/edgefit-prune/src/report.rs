//! [`Report`]: what became of a model that was pruned.

use std::path::PathBuf;

use edgefit_graph::Graph;
use edgefit_predict::Comparison;
use serde::Serialize;

use crate::error::Result;
use crate::kept::Kept;
use crate::macs::totals;
use crate::structure::{Frozen, Structure};

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// The model that was pruned.
    pub source: PathBuf,
    /// The file that was written.
    pub model: PathBuf,
    /// Calibration samples.
    pub calibration_samples: usize,
    /// Seed by which they were drawn.
    pub seed: u64,
    /// What widths are multiples of.
    pub multiple: usize,
}

/// Channels that go together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupReport {
    /// The layers that make them.
    pub nodes: Vec<String>,
    /// How many there were.
    pub channels: usize,
    /// How many are left.
    pub kept: usize,
}

/// A figure of both models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// Of the model as it was.
    pub before: u64,
    /// Of the pruned one.
    pub after: u64,
}

/// What both models cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Multiply-accumulates of a sample.
    pub macs: Pair,
    /// Trainable parameters.
    pub parameters: Pair,
    /// Bytes of all weights as stored.
    pub weight_bytes: Pair,
}

/// Accuracy of both models on the same labelled samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Accuracy {
    /// Of the model as it was.
    pub before: f64,
    /// Of the pruned one.
    pub after: f64,
    /// Labelled samples.
    pub samples: usize,
    /// Points lost.
    pub lost: f64,
    /// 95 % interval of the points lost, by the samples on which the two differ.
    pub interval: [f64; 2],
}

/// What became of a model that was pruned.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What was asked for.
    #[serde(flatten)]
    pub run: Run,
    /// Groups of channels of which some could go.
    pub groups: Vec<GroupReport>,
    /// Layers whose channels had to stay.
    pub frozen: Vec<Frozen>,
    /// What both models cost.
    pub totals: Totals,
    /// Samples that both were compared on, none of which calibrated.
    pub samples: usize,
    /// Mean cosine of the outputs.
    pub cosine: f64,
    /// Share of the samples whose largest output is the same; of classifiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
    /// Of classifiers, where labels are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Accuracy>,
}

/// Standard errors that a 95 % interval spans to each side.
const HALF_INTERVAL: f64 = 1.96;

impl Report {
    /// Name and version of the document.
    pub const SCHEMA: &str = "edgefit.prune/1";

    /// Of `structure` of which `kept` was left, with the model as it was loaded, the one that was made, and how
    /// they compare.
    ///
    /// # Errors
    /// A shape of either model cannot be known.
    pub fn of(
        run: Run,
        structure: &Structure,
        kept: &Kept,
        ([loaded, made], comparison): ([&Graph; 2], &Comparison),
    ) -> Result<Self> {
        let (before, after) = (totals(loaded)?, totals(made)?);
        let left = kept.channels(structure);
        let groups = structure.groups().iter().zip(left);
        let pair = |before, after| Pair { before, after };
        Ok(Report {
            run,
            groups: groups
                .map(|(group, kept)| GroupReport {
                    nodes: group.nodes.clone(),
                    channels: group.channels,
                    kept,
                })
                .collect(),
            frozen: structure.frozen().to_vec(),
            totals: Totals {
                macs: pair(before.macs, after.macs),
                parameters: pair(before.parameters, after.parameters),
                weight_bytes: pair(before.weight_bytes, after.weight_bytes),
            },
            samples: comparison.samples,
            cosine: comparison.cosine,
            agreement: comparison.agreement,
            accuracy: comparison.accuracy.map(|accuracy| {
                let half = HALF_INTERVAL * accuracy.standard_error;
                Accuracy {
                    before: accuracy.float,
                    after: accuracy.quantized,
                    samples: accuracy.samples,
                    lost: accuracy.drop,
                    interval: [accuracy.drop - half, accuracy.drop + half],
                }
            }),
        })
    }
}
