//! Collects what the guards found, and answers for all twenty of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
use crate::finding::{Finding, Status};

const NOT_REACHED: &str = "not reached";

/// What a warning counts as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Warnings {
    /// A warning.
    #[default]
    Keep,
    /// Failed, so that it stops the run.
    Deny,
}

/// Collects what the guards found, and answers for all twenty.
///
/// ```
/// use edgefit_guards::ef08_evaluation::{Split, check_split};
/// use edgefit_guards::{Code, Findings, Status};
///
/// let mut findings = Findings::default();
/// let split = Split { train: 80, val: 0, test: 20 };
/// findings.record(check_split(split));
/// findings.not_reached(Code::Ef20, "no device was named");
/// assert_eq!(findings.report().len(), 20);
/// let failed = findings.stops().expect("nothing was held out for validation");
/// assert_eq!((failed.code, failed.status), (Code::Ef08, Status::Failed));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Findings {
    allow: BTreeSet<Code>,
    warnings: Warnings,
    recorded: Vec<Finding>,
    reasons: BTreeMap<Code, String>,
}

impl Extend<Finding> for Findings {
    fn extend<T: IntoIterator<Item = Finding>>(&mut self, findings: T) {
        self.recorded.extend(findings);
    }
}

impl Findings {
    /// Nothing found yet. The guards in `allow` may not raise anything.
    pub fn new(allow: impl IntoIterator<Item = Code>, warnings: Warnings) -> Self {
        Findings {
            allow: allow.into_iter().collect(),
            warnings,
            ..Findings::default()
        }
    }

    /// Adds a finding.
    pub fn record(&mut self, finding: Finding) {
        self.recorded.push(finding);
    }

    /// Says why a guard is not run; it counts for as long as nothing is recorded for the guard.
    pub fn not_reached(&mut self, code: Code, reason: impl Into<String>) {
        self.reasons.insert(code, reason.into());
    }

    /// One finding for each of the twenty codes, in order: that of the gravest status, with the
    /// messages of that status joined by `; `.
    ///
    /// A symptom whose cause was raised as well passes, explained by that cause, also if the cause is
    /// allowed. A code without findings is off.
    pub fn report(&self) -> Vec<Finding> {
        Code::ALL.map(|code| self.answer(code)).into()
    }

    /// The first finding that stops the run.
    pub fn stops(&self) -> Option<Finding> {
        let failed = |finding: &Finding| finding.status == Status::Failed;
        Code::ALL
            .into_iter()
            .map(|code| self.answer(code))
            .find(failed)
    }

    fn answer(&self, code: Code) -> Finding {
        let own: Vec<Finding> = self
            .recorded
            .iter()
            .filter(|finding| finding.code == code)
            .map(|finding| self.explained(finding))
            .collect();
        let Some(status) = own.iter().map(|finding| finding.status).max() else {
            let reason = self.reasons.get(&code).map_or(NOT_REACHED, String::as_str);
            return Finding::new(code, Status::Off, reason);
        };
        let mut messages: Vec<String> = Vec::new();
        let mut pairs = Vec::new();
        for finding in own {
            if finding.status == status && !messages.contains(&finding.message) {
                messages.push(finding.message);
            }
            pairs.extend(finding.pairs);
        }
        self.judged(Finding {
            pairs,
            ..Finding::new(code, status, messages.join("; "))
        })
    }

    /// The finding itself, or a pass where its cause was raised.
    fn explained(&self, finding: &Finding) -> Finding {
        let Some(symptom) = finding.symptom else {
            return finding.clone();
        };
        let raised = |cause: &&Code| {
            self.recorded.iter().any(|other| {
                other.code == **cause && other.status.is_raised() && other.can_explain(symptom)
            })
        };
        match symptom.explained_by().iter().find(raised) {
            Some(cause) => finding.clone().explained_by(*cause),
            None => finding.clone(),
        }
    }

    fn judged(&self, finding: Finding) -> Finding {
        match finding.status {
            Status::Warning | Status::Failed if self.allow.contains(&finding.code) => Finding {
                status: Status::Off,
                message: format!("allowed: {}", finding.message),
                ..finding
            },
            Status::Warning if self.warnings == Warnings::Deny => Finding {
                status: Status::Failed,
                ..finding
            },
            _ => finding,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Symptom;

    fn find(findings: &Findings, code: Code) -> Finding {
        let report = findings.report();
        assert_eq!(report.len(), 20);
        report[code as usize].clone()
    }

    #[test]
    fn all_twenty_answer_and_the_gravest_counts() {
        let mut findings = Findings::default();
        findings.record(Finding::new(Code::Ef08, Status::Pass, "fine"));
        findings.record(Finding::new(Code::Ef08, Status::Warning, "a"));
        findings.record(Finding::new(Code::Ef08, Status::Warning, "b"));
        findings.record(Finding::new(Code::Ef08, Status::Warning, "a"));
        let pairs = vec![["val/a".to_owned(), "train/b".to_owned()]];
        findings.record(Finding {
            pairs: pairs.clone(),
            ..Finding::new(Code::Ef08, Status::Pass, "one looks like another")
        });
        findings.not_reached(Code::Ef20, "no device was named");
        assert_eq!(find(&findings, Code::Ef08).message, "a; b");
        assert_eq!(find(&findings, Code::Ef08).status, Status::Warning);
        assert_eq!(find(&findings, Code::Ef08).pairs, pairs);
        assert_eq!(find(&findings, Code::Ef20).message, "no device was named");
        assert_eq!(find(&findings, Code::Ef01).message, NOT_REACHED);
        assert_eq!(findings.stops(), None);
    }

    #[test]
    fn a_cause_comes_before_its_symptom() {
        let mut findings = Findings::default();
        let flat = Finding::new(Code::Ef13, Status::Failed, "flat").of(Symptom::FlatLoss);
        findings.record(flat);
        assert_eq!(findings.stops().unwrap().code, Code::Ef13);
        findings.record(Finding::new(Code::Ef10, Status::Fixed, "found"));
        assert_eq!(findings.stops().unwrap().code, Code::Ef13);
        findings.record(Finding::new(Code::Ef10, Status::Warning, "learning rate"));
        let explained = find(&findings, Code::Ef13);
        assert_eq!(explained.status, Status::Pass);
        assert_eq!(explained.message, "explained by EF10: flat");
        // Missing metrics are no symptom of anything else.
        findings.record(Finding::new(Code::Ef13, Status::Warning, "missing"));
        assert_eq!(find(&findings, Code::Ef13).message, "missing");
    }

    #[test]
    fn features_that_seem_to_fail_explain_nothing() {
        let mut findings = Findings::default();
        let poor = Finding::new(Code::Ef19, Status::Warning, "no better than raw pixels");
        findings.record(poor.of(Symptom::PoorTransfer));
        let equal = Finding::new(Code::Ef08, Status::Failed, "no better than chance");
        findings.record(equal.of(Symptom::NoBetterThanBaseline));
        assert_eq!(find(&findings, Code::Ef08).status, Status::Failed);
        // Not even features that are worse say why a loss does not fall.
        let worse = Finding::new(Code::Ef19, Status::Failed, "worse than raw pixels");
        findings.record(worse.of(Symptom::PoorTransfer));
        let flat = Finding::new(Code::Ef13, Status::Failed, "flat").of(Symptom::FlatLoss);
        findings.record(flat);
        assert_eq!(find(&findings, Code::Ef13).status, Status::Failed);
        // A backbone that is not trained does.
        findings.record(Finding::new(Code::Ef19, Status::Failed, "untrained"));
        assert_eq!(find(&findings, Code::Ef08).status, Status::Pass);
    }

    #[test]
    fn allowing_silences_and_denying_sharpens() {
        let mut findings = Findings::new([Code::Ef07], Warnings::Deny);
        findings.record(Finding::new(Code::Ef07, Status::Failed, "1 to 20"));
        findings.record(Finding::new(Code::Ef11, Status::Warning, "all off"));
        assert_eq!(find(&findings, Code::Ef07).status, Status::Off);
        assert_eq!(find(&findings, Code::Ef07).message, "allowed: 1 to 20");
        assert_eq!(findings.stops().unwrap().code, Code::Ef11);
    }

    #[test]
    fn findings_are_written_with_lowercase_statuses() {
        let finding = Finding::new(Code::Ef04, Status::Failed, "m").of(Symptom::InitialLoss);
        let json = serde_json::to_value(finding).unwrap();
        let expected = serde_json::json!({"code": "EF04", "status": "failed", "message": "m"});
        assert_eq!(json, expected);
    }
}
