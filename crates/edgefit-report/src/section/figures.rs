//! Figures on the test samples beside those of baselines, each with interval and basis.

use edgefit_base::units::format;
use edgefit_graph::Task;

use crate::chart::{Interval, intervals};
use crate::document::{Classification, Metrics, MultiLabel, Regression, Training};
use crate::words::{dash, decimal, percent, percents, shown};

/// Figures on the test samples.
pub(crate) struct Figures {
    pub rows: Vec<Row>,
    pub baselines: Vec<String>,
    pub chart: String,
}

/// A figure.
pub(crate) struct Row {
    pub name: &'static str,
    pub test: String,
    pub interval: String,
    pub val: String,
    /// The same of each baseline, on the test samples.
    pub baselines: Vec<String>,
    pub basis: &'static str,
}

/// A figure of one model: value, interval.
type Value = (String, String);

const WILSON: &str = "measured; Wilson’s score interval";
const BOOTSTRAP: &str = "measured; bootstrap of 1,000 draws";
const MEASURED: &str = "measured";

impl Figures {
    pub fn of(report: &Training) -> Self {
        let rows: Vec<(&'static str, &'static str)> = match &report.test {
            Metrics::Classification(_) => vec![
                ("accuracy", WILSON),
                ("balanced accuracy", BOOTSTRAP),
                ("macro F1", BOOTSTRAP),
                ("top-5 accuracy", MEASURED),
                ("area under the ROC curve", MEASURED),
                ("expected calibration error", MEASURED),
            ],
            Metrics::MultiLabel(_) => vec![
                ("all labels right", WILSON),
                ("single labels right", MEASURED),
                ("balanced accuracy", MEASURED),
                ("macro F1", BOOTSTRAP),
                ("area under the ROC curve", MEASURED),
            ],
            Metrics::Regression(_) => vec![("R²", BOOTSTRAP)],
        };
        let test = values(&report.test);
        let val = values(&report.val);
        let others: Vec<Vec<Value>> = report
            .baselines
            .iter()
            .map(|baseline| values(&baseline.test))
            .collect();
        let value =
            |of: &[Value], at: usize| of.get(at).map_or_else(dash, |(value, _)| value.clone());
        let rows = rows
            .into_iter()
            .enumerate()
            .filter_map(|(at, (name, basis))| {
                let (test, interval) = test.get(at)?.clone();
                (test != dash()).then(|| Row {
                    name,
                    test,
                    interval,
                    val: value(&val, at),
                    baselines: others.iter().map(|of| value(of, at)).collect(),
                    basis,
                })
            });
        Figures {
            rows: rows.collect(),
            baselines: report
                .baselines
                .iter()
                .map(|one| shown(&one.name))
                .collect(),
            chart: chart(report),
        }
    }
}

fn chart(report: &Training) -> String {
    let (value, interval) = report.test.score();
    let own = Interval {
        name: "this model".into(),
        value,
        interval,
        is_own: true,
    };
    let others = report.baselines.iter().rev().map(|baseline| {
        let (value, interval) = baseline.test.score();
        Interval {
            name: shown(&baseline.name),
            value,
            interval,
            is_own: false,
        }
    });
    let rows: Vec<Interval> = std::iter::once(own).chain(others).collect();
    match report.task {
        Task::Regression => intervals(
            &rows,
            |value| format!("{value:.1}"),
            "R² on the test samples with 95 % intervals",
        ),
        _ => intervals(
            &rows,
            |value| format!("{:.0} %", 100.0 * value),
            "Accuracy on the test samples with 95 % intervals",
        ),
    }
}

fn values(metrics: &Metrics) -> Vec<Value> {
    match metrics {
        Metrics::Classification(of) => of_classes(of),
        Metrics::MultiLabel(of) => of_labels(of),
        Metrics::Regression(of) => of_numbers(of),
    }
}

fn of_classes(of: &Classification) -> Vec<Value> {
    vec![
        (format::percent(of.accuracy), percents(of.accuracy_interval)),
        (
            format::percent(of.balanced_accuracy),
            percents(of.bootstrap.balanced_accuracy),
        ),
        (decimal(Some(of.macro_f1)), decimals(of.bootstrap.macro_f1)),
        (percent(of.top5_accuracy), dash()),
        (decimal(of.roc_auc), dash()),
        (decimal(of.calibration_error), dash()),
    ]
}

fn of_labels(of: &MultiLabel) -> Vec<Value> {
    vec![
        (format::percent(of.accuracy), percents(of.accuracy_interval)),
        (format::percent(of.label_accuracy), dash()),
        (format::percent(of.balanced_accuracy), dash()),
        (decimal(Some(of.macro_f1)), decimals(of.macro_f1_interval)),
        (decimal(of.roc_auc), dash()),
    ]
}

fn of_numbers(of: &Regression) -> Vec<Value> {
    vec![(decimal(Some(of.r2)), decimals(of.r2_interval))]
}

fn decimals([low, high]: [f64; 2]) -> String {
    format!("{low:.3} – {high:.3}")
}
