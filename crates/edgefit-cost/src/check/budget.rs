//! A budget: what a model needs of one resource, and what the device has; and the verdict on all.

use serde::{Deserialize, Serialize};

use super::execution::Execution;
use crate::basis::NeedBasis;

/// The answer of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every budget holds, and nothing is known that keeps the engine from running it.
    Fits,
    /// A budget does not hold, or the engine does not run it.
    DoesNotFit,
    /// No budget is exceeded, but something is not known.
    Unknown,
}

/// Something that a device has a limited amount of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Resource {
    Flash,
    Ram,
    Latency,
}

/// One resource: what the model needs and the device has.
#[derive(Debug, Clone, Serialize)]
pub struct Budget {
    /// Which resource.
    pub resource: Resource,
    /// How much.
    #[serde(flatten)]
    pub amounts: Amounts,
    /// `have − need`; negative is what is short.
    pub margin: Option<i64>,
    /// Whether it is enough; `None` when that cannot be said.
    pub holds: Option<bool>,
    /// What else has to be true for it to be enough, where nothing more is unknown.
    pub holds_if: Option<Condition>,
    /// How the need is known.
    pub basis: NeedBasis,
    /// Where it is needed: a memory, several, or the limit that was given.
    pub place: String,
    /// What the need consists of, and the limit if it is not obvious.
    pub explanation: String,
}

/// A need that nobody has measured, and the room that is left for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Which resource it takes.
    pub resource: Resource,
    /// What is missing, such as `tflite-micro's own RAM`.
    pub missing: String,
    /// Bytes that it has to stay below.
    pub bytes: u64,
}

/// Amounts of a [`Budget`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Amounts {
    /// Of memory.
    Bytes {
        /// What is known to be needed; `None` when unsupported ops hide it.
        need_bytes: Option<u64>,
        /// What there is, in the place where it is needed.
        have_bytes: u64,
    },
    /// Of time.
    Time {
        /// Predicted; `None` when nothing is known of the device's speed.
        need_ns: Option<u64>,
        /// The limit.
        have_ns: u64,
    },
}

impl Amounts {
    /// Bytes that are needed, as far as they are known; `None` for time.
    pub fn need_bytes(self) -> Option<u64> {
        match self {
            Amounts::Bytes { need_bytes, .. } => need_bytes,
            Amounts::Time { .. } => None,
        }
    }

    /// Need and have, whatever the unit.
    pub(super) fn both(self) -> (Option<u64>, u64) {
        match self {
            Amounts::Bytes {
                need_bytes: need,
                have_bytes: have,
            }
            | Amounts::Time {
                need_ns: need,
                have_ns: have,
            } => (need, have),
        }
    }
}

impl Budget {
    pub(super) fn new(
        resource: Resource,
        amounts: Amounts,
        place: &str,
        explanation: String,
    ) -> Self {
        let (need, have) = amounts.both();
        let margin = need.map(|need| have.cast_signed().saturating_sub_unsigned(need));
        Budget {
            resource,
            amounts,
            margin,
            holds: margin.map(|margin| margin >= 0),
            holds_if: None,
            basis: NeedBasis::Estimate,
            place: place.to_owned(),
            explanation,
        }
    }

    pub(super) fn bytes(
        resource: Resource,
        need: Option<u64>,
        have: u64,
        place: &str,
        why: String,
    ) -> Self {
        let amounts = Amounts::Bytes {
            need_bytes: need,
            have_bytes: have,
        };
        Budget::new(resource, amounts, place, why)
    }

    /// Part of the need is not known: enough is no answer any more, too little still is.
    pub(super) fn at_least(mut self) -> Self {
        self.holds = self.holds.filter(|holds| !holds);
        self
    }

    /// As [`Budget::at_least`], where all that is not known is `missing`, and `room` bytes are left for it.
    pub(super) fn holds_if(self, missing: String, room: u64) -> Self {
        let fits = self.holds == Some(true);
        let mut budget = self.at_least();
        if fits && room == 0 {
            budget.holds = Some(false);
            let words = format!("; nothing is left for {missing}");
            budget.explanation.push_str(&words);
        } else if fits {
            budget.holds_if = Some(Condition {
                resource: budget.resource,
                missing,
                bytes: room,
            });
        }
        budget
    }

    /// Need as a share of what there is.
    pub fn share(&self) -> Option<f64> {
        let (need, have) = self.amounts.both();
        need.map(|need| need as f64 / have.max(1) as f64)
    }
}

impl Verdict {
    /// The answer for all budgets, and for whether the engine runs the model at all.
    pub(super) fn of(budgets: &[Budget], runs: Option<&Execution>) -> Self {
        let mut all = budgets.iter().map(|budget| budget.holds);
        let runs = runs.map_or(Some(true), |runs| runs.holds);
        if all.clone().chain([runs]).any(|holds| holds == Some(false)) {
            Verdict::DoesNotFit
        } else if all.any(|holds| holds.is_none()) || runs.is_none() {
            Verdict::Unknown
        } else {
            Verdict::Fits
        }
    }
}
