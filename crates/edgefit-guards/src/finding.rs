//! What a guard answers: a status and a message.

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::symptom::Symptom;

/// How a guard answered, from harmless to grave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was not run, or the user allowed what it raised.
    Off,
    /// The mistake was not made.
    Pass,
    /// The mistake was made and was fixed.
    Fixed,
    /// The mistake is likely.
    Warning,
    /// The mistake is certain, or grave enough to stop.
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
    /// All pairs of samples that the message gives an example of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<[String; 2]>,
    /// What was seen, where another mistake may be its cause.
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
            pairs: Vec::new(),
            symptom: None,
        }
    }

    /// Whether it may be why something else shows `symptom`. Features that are merely no better than raw samples
    /// are not: whatever spoils training makes both alike. Nor are worse ones why a loss does not fall: a head
    /// that learns nothing is why they seem so. What is missing in regularisation keeps no loss from falling.
    pub(crate) fn can_explain(&self, symptom: Symptom) -> bool {
        match self.symptom {
            Some(Symptom::PoorTransfer) => {
                self.status == Status::Failed && symptom != Symptom::FlatLoss
            }
            Some(Symptom::Unregularised) => symptom == Symptom::Gap,
            _ => true,
        }
    }

    /// A pass where something was raised, since another mistake made it look so.
    pub fn explained_by(self, cause: Code) -> Self {
        if !self.status.is_raised() {
            return self;
        }
        Finding {
            status: Status::Pass,
            message: format!("explained by {cause}: {}", self.message),
            symptom: None,
            ..self
        }
    }

    pub(crate) fn of(self, symptom: Symptom) -> Self {
        Finding {
            symptom: Some(symptom),
            ..self
        }
    }
}

/// The first three names, as `a, b, c and 2 more`.
pub(crate) fn some_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.len() {
        0..=3 => names.join(", "),
        count => format!("{} and {} more", names[..3].join(", "), count - 3),
    }
}

/// A learning rate or the like as a user writes it: up to three digits, such as `3e-4` or `1.25e-2`.
pub fn short(value: f64) -> String {
    let text = format!("{value:.2e}");
    match text.split_once('e') {
        Some((digits, power)) if digits.contains('.') => {
            let digits = digits.trim_end_matches('0').trim_end_matches('.');
            format!("{digits}e{power}")
        }
        _ => text,
    }
}

/// A share of 0 to 1 as a percentage, such as `81.4 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_written_as_people_write_them() {
        for (value, text) in [
            (3e-4, "3e-4"),
            (0.0125, "1.25e-2"),
            (3e-3 * 100.0, "3e-1"),
            (10.0, "1e1"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(short(value), text);
        }
    }
}
