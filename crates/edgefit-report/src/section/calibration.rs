//! How sure the model is, against how often it is right.

use edgefit_base::units::format;
use edgefit_graph::Task;

use crate::chart::reliability;
use crate::document::Metrics;
use crate::run::Run;
use crate::words::decimal;

/// How sure the model is, against how often it is right.
pub(crate) struct Calibration {
    pub chart: String,
    pub rows: Vec<Row>,
    /// What an answer is: `samples` or `labels`.
    pub noun: &'static str,
    pub error: Option<String>,
    /// What that says of it.
    pub reading: String,
}

/// Answers of about the same probability.
pub(crate) struct Row {
    pub range: String,
    pub count: usize,
    pub sure: String,
    pub right: String,
}

impl Calibration {
    /// `None` where the model gives no probabilities, or its answers are not there.
    pub fn of(run: &Run) -> Option<Self> {
        let bins = &run.predictions.as_ref()?.bins;
        let count: usize = bins.iter().map(|bin| bin.count).sum();
        if count == 0 {
            return None;
        }
        let width = 100 / bins.len().max(1);
        let known = bins.iter().enumerate().filter(|(_, bin)| bin.count > 0);
        let rows = known.map(|(at, bin)| Row {
            range: format!("{} – {} %", at * width, (at + 1) * width),
            count: bin.count,
            sure: format::percent(bin.sure / bin.count as f64),
            right: format::percent(bin.right as f64 / bin.count as f64),
        });
        let sure: f64 = bins.iter().map(|bin| bin.sure).sum::<f64>() / count as f64;
        let right: usize = bins.iter().map(|bin| bin.right).sum();
        let right = right as f64 / count as f64;
        let reading = match sure - right {
            gap if gap > 0.03 => "more sure of itself than it is right",
            gap if gap < -0.03 => "less sure of itself than it could be",
            _ => "about as sure of itself as it is right",
        };
        let error = match &run.report.test {
            Metrics::Classification(of) => of.calibration_error.map(|error| decimal(Some(error))),
            _ => None,
        };
        Some(Calibration {
            chart: reliability(
                bins,
                "Share of right answers against the probability that the model gives them",
            ),
            rows: rows.collect(),
            noun: if run.report.task == Task::MultiLabel {
                "labels"
            } else {
                "samples"
            },
            error,
            reading: format!(
                "On average it is sure by {} and right in {}: {reading}.",
                format::percent(sure),
                format::percent(right)
            ),
        })
    }
}
