//! Metrics: how good a model is.

mod bootstrap;
mod class_figures;
mod classification;
mod multi_label;
mod regression;
mod scores;
mod tally;
mod wilson;

use edgefit_guards::Proportion;
use edgefit_guards::ef08_evaluation::Recalls;
use serde::Serialize;

pub use bootstrap::Bootstrap;
pub use class_figures::ClassFigures;
pub use classification::Classification;
pub use multi_label::{LabelFigures, MultiLabel};
pub use regression::{Regression, TargetFigures};

/// Figures of a model on samples whose targets are known.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Metrics {
    /// Each sample has one class.
    Classification(Classification),
    /// Each sample has any number of labels.
    MultiLabel(MultiLabel),
    /// Each sample has regression targets.
    Regression(Regression),
}

impl Metrics {
    /// Accuracy: the share of samples whose class, or all of whose labels, are predicted; `None` for
    /// regression.
    pub fn accuracy(&self) -> Option<Proportion> {
        match self {
            Metrics::Classification(of) => Some(Proportion::new(of.accuracy, of.samples)),
            Metrics::MultiLabel(of) => Some(Proportion::new(of.accuracy, of.samples)),
            Metrics::Regression(_) => None,
        }
    }

    /// Share of each class that is recognised, of those that have samples; the accuracy for samples with
    /// several labels; `None` for regression.
    pub fn recalls(&self) -> Option<Recalls> {
        match self {
            Metrics::Classification(of) => {
                let present = of.per_class.iter().filter(|class| class.samples > 0);
                let recall = |class: &ClassFigures| Proportion::new(class.recall, class.samples);
                Some(Recalls(present.map(recall).collect()))
            }
            _ => Some(Recalls(vec![self.accuracy()?])),
        }
    }
}
