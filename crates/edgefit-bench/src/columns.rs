//! Columns of the tables of results.

use edgefit_base::units::format;
use edgefit_engine::Target;

use crate::result::BenchResult;

/// A figure of a result.
pub(crate) enum Figure {
    Text(String),
    Count(Option<usize>),
    Nanoseconds(Option<u64>),
    Bytes(Option<u64>),
    Millijoules(Option<f64>),
}

/// A column of every table of results.
pub(crate) struct Column {
    /// Its heading; `None` where it is in files of comma-separated values alone.
    pub name: Option<&'static str>,
    /// What the JSON document calls it.
    pub field: &'static str,
    /// Its figure.
    pub of: fn(&BenchResult) -> Figure,
}

const fn column(
    name: Option<&'static str>,
    field: &'static str,
    of: fn(&BenchResult) -> Figure,
) -> Column {
    Column { name, field, of }
}

/// All columns, from left to right.
pub(crate) const COLUMNS: [Column; 14] = [
    column(Some("model"), "model", |one| {
        Figure::Text(one.model.clone())
    }),
    column(Some("engine"), "engine", |one| {
        let target = Target {
            engine: one.engine,
            provider: one.provider,
        };
        Figure::Text(target.to_string())
    }),
    column(Some("threads"), "threads", |one| {
        Figure::Count(Some(one.threads))
    }),
    column(Some("runs"), "samples", |one| {
        Figure::Count(one.summary.as_ref().map(|times| times.samples))
    }),
    column(Some("p50"), "p50_ns", |one| {
        Figure::Nanoseconds(one.summary.as_ref().and_then(|times| times.p50_ns))
    }),
    column(Some("p90"), "p90_ns", |one| {
        Figure::Nanoseconds(one.summary.as_ref().and_then(|times| times.p90_ns))
    }),
    column(Some("p99"), "p99_ns", |one| {
        Figure::Nanoseconds(one.summary.as_ref().and_then(|times| times.p99_ns))
    }),
    column(Some("mean"), "mean_ns", |one| {
        Figure::Nanoseconds(one.summary.as_ref().map(|times| times.mean_ns))
    }),
    column(Some("min"), "min_ns", |one| {
        Figure::Nanoseconds(one.summary.as_ref().map(|times| times.min_ns))
    }),
    column(Some("cold start"), "cold_start_ns", |one| {
        Figure::Nanoseconds(one.cold_start_ns)
    }),
    column(None, "load_ns", |one| Figure::Nanoseconds(one.load_ns)),
    column(None, "first_ns", |one| Figure::Nanoseconds(one.first_ns)),
    column(Some("peak RSS"), "peak_rss_bytes", |one| {
        Figure::Bytes(one.peak_rss_bytes)
    }),
    column(Some("energy"), "energy_mj", |one| {
        Figure::Millijoules(one.energy_mj)
    }),
];

/// Headings of the human-readable table.
pub fn header() -> Vec<&'static str> {
    COLUMNS.iter().filter_map(|column| column.name).collect()
}

/// Cells of the human-readable table.
pub fn row(result: &BenchResult) -> Vec<String> {
    let shown = COLUMNS.iter().filter(|column| column.name.is_some());
    shown
        .map(|column| (column.of)(result).human_readable())
        .collect()
}

impl Figure {
    /// With its unit; a dash where it is missing.
    pub fn human_readable(self) -> String {
        let text = match self {
            Figure::Text(text) => Some(text),
            Figure::Count(count) => count.map(|count| count.to_string()),
            Figure::Nanoseconds(ns) => ns.map(format::milliseconds),
            Figure::Bytes(bytes) => bytes.map(format::bytes),
            Figure::Millijoules(mj) => mj.map(|mj| format!("{mj:.1} mJ")),
        };
        text.unwrap_or_else(|| "–".into())
    }

    /// In the unit that the field's name says; nothing where it is missing.
    pub fn plain(self) -> String {
        let text = match self {
            Figure::Text(text) => Some(text),
            Figure::Count(count) => count.map(|count| count.to_string()),
            Figure::Nanoseconds(number) | Figure::Bytes(number) => {
                number.map(|number| number.to_string())
            }
            Figure::Millijoules(mj) => mj.map(|mj| mj.to_string()),
        };
        text.unwrap_or_default()
    }
}
