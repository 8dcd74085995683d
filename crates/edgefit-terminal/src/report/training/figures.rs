//! How good a model is, as tables: one of the whole next to the baselines, one of its classes, labels or targets.

use edgefit_train::Report;
use edgefit_train::evaluate::metrics::{Classification, Metrics, MultiLabel, Regression};

use crate::table::table;
use edgefit_base::units::format;

/// Most classes, labels or regression targets that are listed one by one.
const MOST: usize = 20;

/// Figures of the test samples.
pub(super) fn figures(report: &Report) -> String {
    let (heads, details) = match &report.test {
        Metrics::Classification(of) => (
            &[
                "test",
                "accuracy",
                "95 % interval",
                "balanced",
                "macro F1",
                "ROC-AUC",
                "calibration error",
                "val",
            ][..],
            by_class(&report.classes, of),
        ),
        Metrics::MultiLabel(of) => (
            &[
                "test",
                "exact match",
                "95 % interval",
                "label accuracy",
                "macro F1",
                "95 % interval",
                "ROC-AUC",
                "val",
            ][..],
            by_label(&report.classes, of),
        ),
        Metrics::Regression(of) => (
            &["test", "R²", "95 % interval", "val"][..],
            by_target(&report.classes, of),
        ),
    };
    let mut rows = table(heads);
    rows.add_row(row("this model", &report.test, &report.val));
    for baseline in &report.baselines {
        rows.add_row(row(baseline.name, &baseline.test, &baseline.val));
    }
    format!("{rows}\n{details}")
}

fn row(name: &str, test: &Metrics, val: &Metrics) -> Vec<String> {
    let val = match val {
        Metrics::Classification(val) => format::percent(val.accuracy),
        Metrics::MultiLabel(val) => format::percent(val.accuracy),
        Metrics::Regression(val) => figure(Some(val.r2)),
    };
    let mut cells = vec![name.to_owned()];
    cells.extend(match test {
        Metrics::Classification(of) => vec![
            format::percent(of.accuracy),
            percents(of.accuracy_interval),
            format::percent(of.balanced_accuracy),
            figure(Some(of.macro_f1)),
            figure(of.roc_auc),
            figure(of.calibration_error),
        ],
        Metrics::MultiLabel(of) => vec![
            format::percent(of.accuracy),
            percents(of.accuracy_interval),
            format::percent(of.label_accuracy),
            figure(Some(of.macro_f1)),
            interval(of.macro_f1_interval),
            figure(of.roc_auc),
        ],
        Metrics::Regression(of) => vec![figure(Some(of.r2)), interval(of.r2_interval)],
    });
    cells.push(val);
    cells
}

fn by_class(classes: &[String], test: &Classification) -> String {
    let heads = [
        "output",
        "class",
        "test samples",
        "precision",
        "recall",
        "F1",
    ];
    let worst = |class: usize| test.per_class[class].f1;
    let mut text = rows_of(&heads, classes, worst, |class| {
        let of = &test.per_class[class];
        vec![
            of.samples.to_string(),
            format::percent(of.precision),
            format::percent(of.recall),
            figure(Some(of.f1)),
        ]
    });
    let absent = test.per_class.iter().filter(|of| of.samples == 0).count();
    if absent > 0 {
        text.push_str(&format!(
            "\nbalanced accuracy and macro F1 are means over the {} classes with test samples, {absent} \
             have none",
            classes.len() - absent
        ));
    }
    if let Some(share) = test.top5_accuracy {
        text.push_str(&format!("\ntop-5 accuracy {}", format::percent(share)));
    }
    text
}

fn by_label(labels: &[String], test: &MultiLabel) -> String {
    let heads = [
        "output",
        "label",
        "test samples",
        "precision",
        "recall",
        "F1",
    ];
    let worst = |label: usize| test.per_label[label].f1;
    rows_of(&heads, labels, worst, |label| {
        let of = &test.per_label[label];
        vec![
            of.samples.to_string(),
            format::percent(of.precision),
            format::percent(of.recall),
            figure(Some(of.f1)),
        ]
    })
}

fn by_target(targets: &[String], test: &Regression) -> String {
    let heads = [
        "output",
        "target",
        "mean absolute error",
        "95 % interval",
        "root mean squared error",
        "R²",
    ];
    let worst = |target: usize| test.per_target[target].r2;
    rows_of(&heads, targets, worst, |target| {
        let of = &test.per_target[target];
        let [low, high] = of.mean_absolute_error_interval;
        vec![
            format!("{:.4}", of.mean_absolute_error),
            format!("{low:.4} – {high:.4}"),
            format!("{:.4}", of.root_mean_squared_error),
            figure(Some(of.r2)),
        ]
    })
}

/// A row for each of `names`; of many, those whose figure is the worst.
fn rows_of(
    heads: &[&str],
    names: &[String],
    worst: impl Fn(usize) -> f64,
    cells: impl Fn(usize) -> Vec<String>,
) -> String {
    let mut order: Vec<usize> = (0..names.len()).collect();
    if names.len() > MOST {
        order.sort_by(|&a, &b| worst(a).total_cmp(&worst(b)));
        order.truncate(MOST);
    }
    let mut rows = table(heads);
    for &at in &order {
        rows.add_row([vec![at.to_string(), names[at].clone()], cells(at)].concat());
    }
    if order.len() < names.len() {
        let all = names.len();
        format!("{rows}\nthe {MOST} worst of {all}; report.json has all")
    } else {
        rows.to_string()
    }
}

fn figure(figure: Option<f64>) -> String {
    figure.map_or("–".to_owned(), |value| format!("{value:.3}"))
}

fn interval([low, high]: [f64; 2]) -> String {
    format!("{low:.3} – {high:.3}")
}

fn percents([low, high]: [f64; 2]) -> String {
    format!("{} – {}", format::percent(low), format::percent(high))
}
