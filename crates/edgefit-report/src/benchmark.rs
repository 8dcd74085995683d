//! The page of `edgefit bench`.

use edgefit_base::units::format;
use serde::Deserialize;

use crate::chart::{Interval, intervals};
use crate::section::Tone;
use crate::sheet::{Chart, Sheet, Table, columns};
use crate::words::{counted, dash, shown, text};

/// Results that are drawn.
const DRAWN: usize = 16;

/// `edgefit.bench/1`, as far as the page needs it.
#[derive(Deserialize)]
pub(crate) struct Benchmark {
    results: Vec<Measured>,
    comparisons: Vec<Comparison>,
    assertions: Vec<Assertion>,
    failures: Vec<Failure>,
    warnings: Vec<Warning>,
    context: Context,
}

#[derive(Deserialize)]
struct Measured {
    model: String,
    engine: String,
    threads: u32,
    samples: usize,
    p50_ns: Option<u64>,
    p90_ns: Option<u64>,
    p99_ns: Option<u64>,
    min_ns: u64,
    cold_start_ns: Option<u64>,
    peak_rss_bytes: Option<u64>,
    energy_mj: Option<f64>,
}

#[derive(Deserialize)]
struct Comparison {
    candidate: String,
    reference: String,
    basis: String,
    ratio: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    verdict: String,
}

#[derive(Deserialize)]
struct Assertion {
    holds: Option<bool>,
}

#[derive(Deserialize)]
struct Failure {
    label: String,
    error: String,
}

#[derive(Deserialize)]
struct Warning {
    message: String,
}

#[derive(Deserialize)]
struct Context {
    cpu: Option<String>,
    cores: Option<usize>,
}

impl Benchmark {
    pub fn sheet(&self) -> Sheet {
        let fastest = self.results.iter().min_by_key(|result| result.typical());
        let broken = self.assertions.iter().any(|one| one.holds == Some(false));
        let machine = self.context.cpu.as_deref().unwrap_or("this machine");
        let cores = self.context.cores.map_or(String::new(), |cores| {
            format!(", {}", counted(cores, "core", "cores"))
        });
        let sentence = fastest.map_or("Nothing could be measured.".to_owned(), |one| {
            let time = match one.p50_ns {
                Some(ns) => format!("{} a run, the median", format::milliseconds(ns)),
                None => format!("{} a run at its fastest", format::milliseconds(one.min_ns)),
            };
            let broken = if broken {
                ", and an assertion does not hold"
            } else {
                ""
            };
            format!(
                "{} takes {time} of {}, on {machine}{cores}{broken}.",
                one.name(),
                counted(one.samples, "run", "runs"),
            )
        });
        let failed = self.failures.iter();
        let notes = self.warnings.iter().map(|warning| text(&warning.message));
        Sheet {
            kind: "Benchmark",
            title: fastest.map_or("nothing was measured".into(), |one| shown(&one.model)),
            tone: match (broken || self.results.is_empty(), self.warnings.is_empty()) {
                (true, _) => Tone::Bad,
                (_, false) => Tone::Unsure,
                (_, true) => Tone::Good,
            },
            sentence: text(&sentence),
            chart: self.chart(),
            tables: self.tables(),
            notes: notes
                .chain(failed.map(|one| text(&format!("{} is left out: {}", one.label, one.error))))
                .collect(),
        }
    }

    /// From the fastest run to the 90 % quantile, in milliseconds.
    fn chart(&self) -> Option<Chart> {
        let drawn = &self.results[..self.results.len().min(DRAWN)];
        let most = drawn
            .iter()
            .map(|one| one.p90_ns.unwrap_or(one.typical()))
            .max()? as f64;
        let rows: Vec<Interval> = drawn
            .iter()
            .enumerate()
            .map(|(at, one)| Interval {
                name: shown(&one.engine).chars().take(14).collect(),
                value: one.typical() as f64 / most,
                interval: [one.min_ns, one.p90_ns.unwrap_or(one.typical())]
                    .map(|ns| ns as f64 / most),
                is_own: at == 0,
            })
            .collect();
        let written = |share: f64| format::milliseconds((share * most) as u64);
        Some(Chart {
            picture: intervals(&rows, written, "Times of a run by engine"),
            caption: "The first results; the point is the median, the line goes from the fastest run to the 90 % quantile.",
        })
    }

    fn tables(&self) -> Vec<Table> {
        let ms = |ns: Option<u64>| ns.map_or_else(dash, format::milliseconds);
        let rows = self.results.iter().map(|one| {
            vec![
                one.name(),
                one.samples.to_string(),
                ms(one.p50_ns),
                ms(one.p90_ns),
                ms(one.p99_ns),
                ms(Some(one.min_ns)),
                ms(one.cold_start_ns),
                one.peak_rss_bytes.map_or_else(dash, format::bytes),
                one.energy_mj.map_or_else(dash, format::millijoules),
            ]
        });
        let mut tables = vec![Table {
            head: "Times",
            caption: "Measured, each process apart; p90 and p99 where there are runs enough".into(),
            columns: columns(&[
                "candidate",
                "#runs",
                "#median",
                "#p90",
                "#p99",
                "#fastest",
                "#cold start",
                "#peak RAM",
                "#energy",
            ]),
            rows: rows.collect(),
            left_out: 0,
        }];
        if !self.comparisons.is_empty() {
            let rows = self.comparisons.iter().map(|one| {
                let ratio =
                    |value: Option<f64>| value.map_or_else(dash, |value| format!("{value:.3}"));
                vec![
                    shown(&one.candidate),
                    shown(&one.reference),
                    ratio(one.ratio),
                    format!("{} – {}", ratio(one.low), ratio(one.high)),
                    one.basis.replace('_', " "),
                    one.verdict.replace('_', " "),
                ]
            });
            tables.push(Table {
                head: "Compared",
                caption: "Ratio of the times, with its 95 % interval".into(),
                columns: columns(&[
                    "candidate",
                    "against",
                    "#ratio",
                    "#95 % interval",
                    "by",
                    "it is",
                ]),
                rows: rows.collect(),
                left_out: 0,
            });
        }
        tables
    }
}

impl Measured {
    /// The median; the fastest run, where there were too few for one.
    fn typical(&self) -> u64 {
        self.p50_ns.unwrap_or(self.min_ns)
    }

    fn name(&self) -> String {
        let threads = counted(self.threads as usize, "thread", "threads");
        shown(&format!("{} on {}, {threads}", self.model, self.engine))
    }
}
