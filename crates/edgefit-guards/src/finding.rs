use serde::{Deserialize, Serialize};

use crate::causes::Symptom;
use crate::code::Code;

/// How a guard answered, by rising gravity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It did not look, or may not speak.
    Off,
    /// The mistake was not made.
    Pass,
    /// The mistake was there and was mended.
    Fixed,
    /// The mistake is likely.
    Warning,
    /// The mistake is certain or grave enough to stop.
    Failed,
}

impl Status {
    /// Whether the user has to act.
    pub fn is_raised(self) -> bool {
        self >= Status::Warning
    }
}

/// What a guard found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The guard.
    pub code: Code,
    /// Its answer.
    pub status: Status,
    /// The cause, with its figures.
    pub message: String,
    /// What the finding is a symptom of, where something else may be the cause.
    #[serde(skip)]
    pub symptom: Option<Symptom>,
}

impl Finding {
    /// A finding that nothing else explains.
    pub fn new(code: Code, status: Status, message: impl Into<String>) -> Self {
        Finding {
            code,
            status,
            message: message.into(),
            symptom: None,
        }
    }

    pub(crate) fn of(self, symptom: Symptom) -> Self {
        Finding {
            symptom: Some(symptom),
            ..self
        }
    }
}

/// `a, b, c and 2 more`: the first three of some names.
pub(crate) fn some_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.len() {
        0..=3 => names.join(", "),
        count => format!("{} and {} more", names[..3].join(", "), count - 3),
    }
}

/// A share as a percentage, such as `81.4 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
