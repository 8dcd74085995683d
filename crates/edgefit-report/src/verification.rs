//! The page of `edgefit verify`.

use std::path::PathBuf;

use edgefit_base::units::format;
use serde::Deserialize;

use crate::section::Tone;
use crate::sheet::{Sheet, Table, columns};
use crate::words::{counted, dash, percent, shown, text};

/// `edgefit.verify/1`, as far as the page needs it.
#[derive(Deserialize)]
pub(crate) struct Verification {
    verdict: String,
    model: PathBuf,
    against: Option<PathBuf>,
    samples: usize,
    engines: Vec<EngineReport>,
    cases: Vec<Compared>,
    likely_cause: Option<String>,
    first_divergence: Option<Divergence>,
    accuracy: Vec<Accuracy>,
}

#[derive(Deserialize)]
struct EngineReport {
    engine: String,
    status: String,
    problem: Option<String>,
}

#[derive(Deserialize)]
struct Compared {
    input: String,
    samples: usize,
    output: String,
    a: String,
    b: String,
    max_abs: Option<f64>,
    cosine: Option<f64>,
    top1_agree: Option<f64>,
    within: bool,
    tolerance_used: Option<f64>,
}

#[derive(Deserialize)]
struct Divergence {
    node: String,
    op: String,
    cause: Option<String>,
}

#[derive(Deserialize)]
struct Accuracy {
    model: String,
    engine: String,
    samples: usize,
    correct: usize,
    accuracy: f64,
}

impl Verification {
    pub fn sheet(&self) -> Sheet {
        let agrees = self.verdict == "agree";
        let name = |path: &PathBuf| {
            let name = path.file_name().unwrap_or(path.as_os_str());
            shown(&name.to_string_lossy())
        };
        let what = match &self.against {
            Some(against) => format!("{} and {}", name(&self.model), name(against)),
            None => format!("The engines on {}", name(&self.model)),
        };
        let place = self
            .first_divergence
            .as_ref()
            .map_or(String::new(), |found| {
                let cause = found.cause.as_deref();
                let cause = cause.map_or(String::new(), |cause| format!(" ({cause})"));
                format!(": they part at node {} ({}){cause}", found.node, found.op)
            });
        let word = if agrees { "agree" } else { "do not agree" };
        let sentence = format!(
            "{what} {word} on {}{place}.",
            counted(self.samples, "sample", "samples")
        );
        let failed = self.engines.iter().filter_map(|one| {
            let problem = one.problem.as_deref()?;
            Some(text(&format!("{} {}: {problem}", one.engine, one.status)))
        });
        let cause = self.likely_cause.as_deref().map(text);
        Sheet {
            kind: "Verification",
            title: name(&self.model),
            tone: if agrees { Tone::Good } else { Tone::Bad },
            sentence: text(&sentence),
            notes: failed.chain(cause).collect(),
            chart: None,
            tables: self.tables(),
        }
    }

    fn tables(&self) -> Vec<Table> {
        let mut cases: Vec<&Compared> = self.cases.iter().collect();
        let used = |one: &Compared| one.tolerance_used.unwrap_or(f64::INFINITY);
        cases.sort_by(|a, b| used(b).total_cmp(&used(a)));
        let rows = cases.into_iter().map(|one| {
            vec![
                shown(&format!("{} – {}", one.a, one.b)),
                shown(&one.input),
                one.samples.to_string(),
                shown(&one.output),
                one.max_abs
                    .map_or_else(dash, |value| format!("{value:.1e}")),
                percent(one.tolerance_used),
                one.cosine
                    .map_or_else(dash, |cosine| format!("{cosine:.6}")),
                percent(one.top1_agree),
                if one.within { "yes" } else { "no" }.to_owned(),
            ]
        });
        let mut tables = vec![Table {
            head: "Pairs",
            caption: "Measured; what takes most of its tolerance first".into(),
            columns: columns(&[
                "between",
                "input",
                "#samples",
                "output",
                "#largest difference",
                "#of the tolerance",
                "#cosine",
                "#same top-1",
                "within",
            ]),
            rows: rows.collect(),
            left_out: 0,
        }];
        if !self.accuracy.is_empty() {
            let rows = self.accuracy.iter().map(|one| {
                vec![
                    shown(&one.model),
                    shown(&one.engine),
                    one.samples.to_string(),
                    one.correct.to_string(),
                    format::percent(one.accuracy),
                ]
            });
            tables.push(Table {
                head: "Accuracy",
                caption: "Measured on samples whose classes are known".into(),
                columns: columns(&["model", "engine", "#samples", "#right", "#accuracy"]),
                rows: rows.collect(),
                left_out: 0,
            });
        }
        tables
    }
}
