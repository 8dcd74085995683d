//! A budget: what a model needs of one resource, and what the device has; and the verdict on all.

use serde::Serialize;

use crate::basis::NeedBasis;

/// The answer of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every budget holds.
    Fits,
    /// A budget does not hold.
    DoesNotFit,
    /// No budget is exceeded, but at least one need is not known.
    Unknown,
}

/// Something that a device has a limited amount of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
    /// How the need is known.
    pub basis: NeedBasis,
    /// Where it is needed: a memory, several, or the limit that was given.
    pub place: String,
    /// What the need consists of, and the limit if it is not obvious.
    pub explanation: String,
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

    /// Need as a share of what there is.
    pub fn share(&self) -> Option<f64> {
        let (need, have) = self.amounts.both();
        need.map(|need| need as f64 / have.max(1) as f64)
    }
}

impl Verdict {
    pub(super) fn of(budgets: &[Budget]) -> Self {
        if budgets.iter().any(|budget| budget.holds == Some(false)) {
            Verdict::DoesNotFit
        } else if budgets.iter().any(|budget| budget.holds.is_none()) {
            Verdict::Unknown
        } else {
            Verdict::Fits
        }
    }
}
