//! Figures of each class or label, and what is taken for what.

use edgefit_base::units::format;

use crate::document::{Metrics, Training};
use crate::page::Allowance;
use crate::words::{all_shown, shown};

/// Classes whose confusion is shown as a matrix; of more, the most frequent confusions are listed.
const MATRIX: usize = 24;

/// Figures of each class or label.
pub(crate) struct Classes {
    /// `class` or `label`.
    pub noun: &'static str,
    /// Whether there is a column of the specificity.
    pub has_specificity: bool,
    pub rows: Vec<ClassRow>,
    /// Classes that are not shown.
    pub left_out: usize,
}

/// Figures of one.
pub(crate) struct ClassRow {
    pub name: String,
    pub samples: usize,
    pub precision: String,
    pub recall: String,
    pub specificity: String,
    pub f1: String,
    /// F1 in hundredths, as the length of a bar.
    pub bar: u32,
}

impl Classes {
    /// `None` for regression.
    pub fn of(report: &Training, allowance: Allowance) -> Option<Self> {
        let name = |at: usize| {
            report
                .classes
                .get(at)
                .map_or_else(|| at.to_string(), |name| shown(name))
        };
        let mut rows: Vec<(f64, ClassRow)> = match &report.test {
            Metrics::Classification(of) => of
                .per_class
                .iter()
                .enumerate()
                .map(|(at, class)| {
                    (
                        class.f1,
                        row(
                            name(at),
                            class.samples,
                            [class.precision, class.recall, 0.0, class.f1],
                        ),
                    )
                })
                .collect(),
            Metrics::MultiLabel(of) => of
                .per_label
                .iter()
                .enumerate()
                .map(|(at, label)| {
                    let figures = [label.precision, label.recall, label.specificity, label.f1];
                    (label.f1, row(name(at), label.samples, figures))
                })
                .collect(),
            Metrics::Regression(_) => return None,
        };
        let is_long = rows.len() > allowance.rows.min(100);
        if is_long {
            // Whoever reads a thousand rows looks for the worst.
            rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        let left_out = rows.len().saturating_sub(allowance.rows);
        rows.truncate(allowance.rows);
        let labels = matches!(report.test, Metrics::MultiLabel(_));
        Some(Classes {
            noun: if labels { "label" } else { "class" },
            has_specificity: labels,
            rows: rows.into_iter().map(|(_, row)| row).collect(),
            left_out,
        })
    }
}

fn row(name: String, samples: usize, [precision, recall, specificity, f1]: [f64; 4]) -> ClassRow {
    ClassRow {
        name,
        samples,
        precision: format::percent(precision),
        recall: format::percent(recall),
        specificity: format::percent(specificity),
        f1: format!("{f1:.3}"),
        bar: (100.0 * f1).round() as u32,
    }
}

/// What is taken for what.
pub(crate) enum Confusion {
    /// Every pair of classes.
    Matrix {
        names: Vec<String>,
        rows: Vec<MatrixRow>,
    },
    /// The most frequent confusions.
    Pairs { rows: Vec<PairRow>, left_out: usize },
}

/// What the samples of one class were taken for.
pub(crate) struct MatrixRow {
    pub name: String,
    pub cells: Vec<Cell>,
}

/// So many samples.
pub(crate) struct Cell {
    pub count: usize,
    /// Share of the class in tenths, as a shade.
    pub shade: usize,
    pub is_right: bool,
}

/// Samples of one class that were taken for another.
pub(crate) struct PairRow {
    pub truth: String,
    pub predicted: String,
    pub count: usize,
    pub share: String,
}

impl Confusion {
    /// `None` where there are no classes.
    pub fn of(report: &Training, allowance: Allowance) -> Option<Self> {
        let Metrics::Classification(of) = &report.test else {
            return None;
        };
        let names = all_shown(&report.classes);
        let name = |at: usize| names.get(at).cloned().unwrap_or_else(|| at.to_string());
        if of.confusion.len() <= MATRIX.min(allowance.rows) {
            let rows = of.confusion.iter().enumerate().map(|(truth, counts)| {
                let whole = counts.iter().sum::<usize>().max(1);
                let cell = |(predicted, &count): (usize, &usize)| Cell {
                    count,
                    shade: (10 * count).div_ceil(whole),
                    is_right: truth == predicted,
                };
                MatrixRow {
                    name: name(truth),
                    cells: counts.iter().enumerate().map(cell).collect(),
                }
            });
            let rows = rows.collect();
            return Some(Confusion::Matrix { names, rows });
        }
        let mut pairs: Vec<(usize, usize, usize, usize)> = Vec::new();
        for (truth, counts) in of.confusion.iter().enumerate() {
            let whole = counts.iter().sum::<usize>().max(1);
            let wrong = counts.iter().enumerate();
            let wrong = wrong.filter(|&(predicted, &count)| predicted != truth && count > 0);
            pairs.extend(wrong.map(|(predicted, &count)| (count, truth, predicted, whole)));
        }
        pairs.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let most = allowance.rows.min(50);
        let left_out = pairs.len().saturating_sub(most);
        let rows = pairs.into_iter().take(most);
        let rows = rows.map(|(count, truth, predicted, whole)| PairRow {
            truth: name(truth),
            predicted: name(predicted),
            count,
            share: format::percent(count as f64 / whole as f64),
        });
        Some(Confusion::Pairs {
            rows: rows.collect(),
            left_out,
        })
    }
}
