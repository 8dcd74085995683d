//! A value from a driver or the kernel, or why there is none.

use serde::{Deserialize, Serialize};

/// A value, or the reason that there is none.
///
/// As JSON it is `{"value": …}` or `{"missing": "reason"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading<T> {
    /// What the driver or the kernel says.
    Value(T),
    /// Why it says nothing that can be believed, with the fix where one is known.
    Missing(String),
}

impl<T> Reading<T> {
    /// The value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Reading::Value(value) => Some(value),
            Reading::Missing(_) => None,
        }
    }

    pub(super) fn missing(reason: &str) -> Self {
        Reading::Missing(reason.to_owned())
    }
}

impl<T> From<Result<T, String>> for Reading<T> {
    fn from(result: Result<T, String>) -> Self {
        match result {
            Ok(value) => Reading::Value(value),
            Err(reason) => Reading::Missing(reason),
        }
    }
}

/// A text from outside, up to its first NUL, safe to print.
pub(super) fn printable(text: impl AsRef<[u8]>) -> String {
    let text = text.as_ref();
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text)
        .trim()
        .replace(char::is_control, "\u{fffd}")
}

/// `value`, unless it is out of `range`, as the all-ones that some drivers give for none.
pub(super) fn believed<T>(
    value: T,
    range: std::ops::RangeInclusive<T>,
    unit: &str,
) -> Result<T, String>
where
    T: PartialOrd + std::fmt::Display,
{
    if range.contains(&value) {
        Ok(value)
    } else {
        Err(format!("{value} {unit} cannot be"))
    }
}
