//! Whether a model fits a device.

use edgefit_base::units::format;
use serde::Deserialize;

/// Whether a model fits a device, `edgefit.check/1` or a part of another document.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Check {
    pub verdict: Verdict,
    pub device: String,
    pub engine: Option<String>,
    #[serde(default)]
    pub fits_if: Vec<Condition>,
    pub budgets: Vec<Budget>,
    pub latency: Option<Latency>,
    pub note: Option<String>,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the variants are those of the document")]
pub enum Verdict {
    Fits,
    DoesNotFit,
    Unknown,
}

/// What has to be true for a model to fit.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Condition {
    pub missing: String,
    pub bytes: u64,
}

/// What a model needs of one resource, and what the device has; of memory in bytes, of time in nanoseconds.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Budget {
    pub resource: String,
    pub need_bytes: Option<u64>,
    pub have_bytes: Option<u64>,
    pub need_ns: Option<u64>,
    pub have_ns: Option<u64>,
    pub margin: Option<i64>,
    pub holds: Option<bool>,
    pub basis: String,
    pub place: String,
    pub explanation: String,
}

/// Time of one run.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Latency {
    pub ns: Option<u64>,
    pub low_ns: u64,
    pub high_ns: Option<u64>,
    pub basis: String,
    pub threads: u32,
}

impl Check {
    /// The answer in words, without the device.
    pub fn words(&self) -> String {
        match (self.verdict, self.fits_if.as_slice()) {
            (Verdict::Fits, _) => "fits".into(),
            (Verdict::DoesNotFit, _) => "does not fit".into(),
            (Verdict::Unknown, []) => "may or may not fit".into(),
            (Verdict::Unknown, open) => {
                let open = open.iter().map(|condition| {
                    let bytes = format::bytes(condition.bytes);
                    format!("{} is below {bytes}", condition.missing)
                });
                format!("fits if {}", open.collect::<Vec<_>>().join(" and "))
            }
        }
    }
}

impl Budget {
    /// Need and have in words.
    pub fn amounts(&self) -> [String; 2] {
        let either = |bytes: Option<u64>, ns: Option<u64>| match (bytes, ns) {
            (Some(bytes), _) => format::bytes(bytes),
            (None, Some(ns)) => format::milliseconds(ns),
            (None, None) => "unknown".to_owned(),
        };
        [
            either(self.need_bytes, self.need_ns),
            either(self.have_bytes, self.have_ns),
        ]
    }

    /// What is left or short, in words.
    pub fn margin_words(&self) -> String {
        let Some(margin) = self.margin else {
            return "unknown".into();
        };
        let amount = margin.unsigned_abs();
        let shown = match self.have_bytes {
            Some(_) => format::bytes(amount),
            None => format::milliseconds(amount),
        };
        if margin < 0 {
            format!("{shown} short")
        } else {
            shown
        }
    }

    /// Need as a share of what there is.
    pub fn share(&self) -> Option<f64> {
        let need = self.need_bytes.or(self.need_ns)?;
        let have = self.have_bytes.or(self.have_ns)?;
        Some(need as f64 / have.max(1) as f64)
    }
}

impl Latency {
    /// In words, with its interval.
    pub fn words(&self) -> String {
        let low = format::milliseconds(self.low_ns);
        match (self.ns, self.high_ns) {
            (Some(ns), Some(high)) => format!(
                "{} ({low} – {})",
                format::milliseconds(ns),
                format::milliseconds(high)
            ),
            _ => format!("{low} at least"),
        }
    }
}
