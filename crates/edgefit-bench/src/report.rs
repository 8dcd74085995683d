//! The whole answer of `edgefit bench`.

use edgefit_engine::{EngineName, Provider};
use edgefit_remote::BoardSummary;
use serde::Serialize;

use crate::assertion::{Assertion, Judged};
use crate::baseline::Baseline;
use crate::candidate::Candidate;
use crate::comparison::{Comparison, against_first};
use crate::context::Context;
use crate::result::{BenchResult, Hardware};
use crate::session::Session;
use crate::warning::{Observed, Warning};

/// Results, comparisons and what is to be known about them.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The candidates that ran.
    pub results: Vec<BenchResult>,
    /// Each against the first, and against the baseline.
    pub comparisons: Vec<Comparison>,
    /// What was asserted of them.
    pub assertions: Vec<Judged>,
    /// The candidates that did not run.
    pub failures: Vec<Failure>,
    /// The machine.
    pub context: Context,
    /// The board, where it was not this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<BoardSummary>,
    /// What may spoil a figure.
    pub warnings: Vec<Warning>,
}

/// A candidate that did not run.
#[derive(Debug, Serialize)]
pub struct Failure {
    /// File of the model.
    pub model: String,
    /// Engine.
    pub engine: EngineName,
    /// What the engine was to run it on.
    pub provider: Provider,
    /// Threads of the engine.
    pub threads: usize,
    /// What went wrong.
    pub error: String,
    /// The candidate, in a line.
    #[serde(skip)]
    pub label: String,
}

impl Report {
    /// Sums up a session. Times are left out where an emulator ran.
    pub fn of(candidates: &[Candidate], session: Session, remote: Option<BoardSummary>) -> Self {
        let hardware = if session.context.emulator.is_some() {
            Hardware::Emulated
        } else {
            Hardware::Real
        };
        let (mut results, mut failures) = (Vec::new(), Vec::new());
        for (candidate, measured) in candidates.iter().zip(&session.measured) {
            match &measured.failure {
                Some(error) => failures.push(Failure {
                    model: candidate.model.display().to_string(),
                    engine: candidate.target.engine,
                    provider: candidate.target.provider,
                    threads: candidate.threads,
                    error: error.to_string(),
                    label: candidate.label(),
                }),
                None => results.push(BenchResult::of(candidate, measured, hardware)),
            }
        }
        Report {
            comparisons: against_first(&results),
            results,
            assertions: Vec::new(),
            failures,
            warnings: Vec::new(),
            context: session.context,
            remote,
        }
    }

    /// What is left out, not known, or may spoil a figure, a sentence each.
    pub fn remarks(&self) -> Vec<String> {
        let failures = self.failures.iter();
        let mut remarks: Vec<String> = failures
            .map(|failure| format!("{}: {}; it is left out", failure.label, failure.error))
            .collect();
        for result in &self.results {
            if let Some(reason) = &result.integers_missing {
                remarks.push(format!(
                    "{}: not known what is computed on integers: {reason}",
                    result.label
                ));
            }
            if let Some(reason) = &result.nodes_missing {
                remarks.push(format!("{}: no times of the nodes: {reason}", result.label));
            }
        }
        remarks.extend(self.warnings.iter().map(ToString::to_string));
        remarks
    }

    /// Adds the comparisons with a baseline, then what becomes of the assertions, then all warnings.
    pub fn judge(&mut self, baseline: Option<&Baseline>, assertions: &[Assertion]) {
        let mut of_baseline = Vec::new();
        if let (Some(baseline), None) = (baseline, &self.context.emulator) {
            let (compared, warnings) = baseline.against(&self.results, &self.context);
            self.comparisons.extend(compared);
            of_baseline = warnings;
        }
        let judged = assertions
            .iter()
            .flat_map(|assertion| assertion.judge(&self.results, &self.comparisons));
        self.assertions = judged.collect();
        let measured = self.results.iter().map(|result| result.threads);
        let failed = self.failures.iter().map(|failure| failure.threads);
        self.warnings = Warning::of(&Observed {
            context: &self.context,
            results: &self.results,
            comparisons: &self.comparisons,
            most_threads: measured.chain(failed).max(),
        });
        self.warnings.extend(of_baseline);
    }

    /// Whether every candidate ran and every assertion holds. One that met nothing to be compared
    /// with does not.
    pub fn holds(&self, assertions: &[Assertion]) -> bool {
        let mut asserted = assertions.iter();
        let met = asserted.all(|assertion| assertion.is_among(&self.assertions));
        self.failures.is_empty() && met && self.assertions.iter().all(|judged| judged.holds)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn an_assertion_that_met_nothing_does_not_hold() {
        let asserted = ["p50<=1s", "ratio<=1.1"].map(|text| text.parse::<Assertion>().unwrap());
        let held = |assertion: &str| Judged {
            assertion: assertion.into(),
            of: "a".into(),
            value: Some(1.0),
            holds: true,
            within_noise: false,
        };
        let mut report = Report {
            results: Vec::new(),
            comparisons: Vec::new(),
            assertions: vec![held("p50<=1s")],
            failures: Vec::new(),
            context: Context::read(Path::new("no/such/root")),
            remote: None,
            warnings: Vec::new(),
        };
        assert!(report.holds(&asserted[..1]) && report.holds(&[]));
        assert!(!report.holds(&asserted));
        report.assertions.push(held("ratio<=1.1"));
        assert!(report.holds(&asserted));
    }
}
