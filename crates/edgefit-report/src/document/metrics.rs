//! Figures of a model on a split.

use serde::Deserialize;

/// Figures of a model on samples whose targets are known.
#[derive(Debug, Clone, Deserialize)]
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
    /// Number of samples.
    pub fn samples(&self) -> usize {
        match self {
            Metrics::Classification(of) => of.samples,
            Metrics::MultiLabel(of) => of.samples,
            Metrics::Regression(of) => of.samples,
        }
    }

    /// What models of the task are compared by, accuracy or R², with its 95 % interval.
    pub fn score(&self) -> (f64, [f64; 2]) {
        match self {
            Metrics::Classification(of) => (of.accuracy, of.accuracy_interval),
            Metrics::MultiLabel(of) => (of.accuracy, of.accuracy_interval),
            Metrics::Regression(of) => (of.r2, of.r2_interval),
        }
    }
}

/// Figures of a classifier.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Classification {
    pub samples: usize,
    pub accuracy: f64,
    pub accuracy_interval: [f64; 2],
    pub balanced_accuracy: f64,
    pub macro_f1: f64,
    pub bootstrap: Bootstrap,
    pub top5_accuracy: Option<f64>,
    pub roc_auc: Option<f64>,
    pub calibration_error: Option<f64>,
    pub per_class: Vec<ClassFigures>,
    pub confusion: Vec<Vec<usize>>,
}

/// Intervals by drawing the samples anew.
#[derive(Debug, Clone, Copy, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Bootstrap {
    pub balanced_accuracy: [f64; 2],
    pub macro_f1: [f64; 2],
}

/// Figures of one class.
#[derive(Debug, Clone, Copy, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct ClassFigures {
    pub samples: usize,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
}

/// Figures of a model of labels.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct MultiLabel {
    pub samples: usize,
    pub accuracy: f64,
    pub accuracy_interval: [f64; 2],
    pub label_accuracy: f64,
    pub balanced_accuracy: f64,
    pub macro_f1: f64,
    pub macro_f1_interval: [f64; 2],
    pub roc_auc: Option<f64>,
    pub per_label: Vec<LabelFigures>,
}

/// Figures of one label.
#[derive(Debug, Clone, Copy, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct LabelFigures {
    pub samples: usize,
    pub precision: f64,
    pub recall: f64,
    pub specificity: f64,
    pub f1: f64,
}

/// Figures of a regression.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Regression {
    pub samples: usize,
    pub r2: f64,
    pub r2_interval: [f64; 2],
    pub per_target: Vec<TargetFigures>,
}

/// Figures of one target.
#[derive(Debug, Clone, Copy, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct TargetFigures {
    pub mean_absolute_error: f64,
    pub mean_absolute_error_interval: [f64; 2],
    pub root_mean_squared_error: f64,
    pub r2: f64,
}
