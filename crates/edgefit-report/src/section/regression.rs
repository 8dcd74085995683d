//! Predicted against true, target by target.

use crate::chart::scatter;
use crate::document::Metrics;
use crate::run::Run;
use crate::words::{figure, shown};

/// Predicted against true.
pub(crate) struct RegressionPictures {
    pub charts: Vec<Chart>,
    pub rows: Vec<Row>,
    /// Targets without a picture.
    pub left_out: usize,
}

/// A target that is drawn.
pub(crate) struct Chart {
    pub name: String,
    pub picture: String,
    /// How many of the samples are drawn, where not all are.
    pub sampled: Option<String>,
}

/// Figures of a target.
pub(crate) struct Row {
    pub name: String,
    pub error: String,
    pub interval: String,
    pub root: String,
    pub r2: String,
}

impl RegressionPictures {
    /// `None` for other tasks.
    pub fn of(run: &Run, rows: usize) -> Option<Self> {
        let report = &run.report;
        let Metrics::Regression(of) = &report.test else {
            return None;
        };
        let name = |at: usize| {
            report
                .classes
                .get(at)
                .map_or_else(|| at.to_string(), |name| shown(name))
        };
        let scatters = run.predictions.as_ref();
        let scatters = scatters.map_or(&[][..], |all| all.scatters.as_slice());
        let charts: Vec<Chart> = scatters
            .iter()
            .map(|one| Chart {
                name: name(one.target),
                picture: scatter(one, "Predicted against true"),
                sampled: (one.points.len() < one.samples)
                    .then(|| format!("{} of {} samples, evenly.", one.points.len(), one.samples)),
            })
            .collect();
        let figures = of.per_target.iter().enumerate().take(rows);
        let figures = figures.map(|(at, target)| Row {
            name: name(at),
            error: figure(target.mean_absolute_error),
            interval: target.mean_absolute_error_interval.map(figure).join(" – "),
            root: figure(target.root_mean_squared_error),
            r2: format!("{:.3}", target.r2),
        });
        Some(RegressionPictures {
            left_out: of.per_target.len().saturating_sub(charts.len()),
            rows: figures.collect(),
            charts,
        })
    }
}
