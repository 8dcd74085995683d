//! What the guards found, with the fix.

use super::tone::Tone;
use crate::document::{Finding, Status};
use crate::words::{shown, text};

/// What the guards found.
pub(crate) struct Guards {
    /// Those that found something.
    pub found: Vec<Row>,
    /// The others.
    pub quiet: Vec<Row>,
}

/// A guard.
pub(crate) struct Row {
    pub code: String,
    pub title: String,
    pub status: &'static str,
    pub tone: Tone,
    pub message: String,
    pub fix: String,
}

/// What is known of a guard by its code: its title, and the fix for what it finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What it looks at.
    pub title: String,
    /// What to change.
    pub fix: String,
}

impl Guards {
    pub fn of(guards: &[Finding], advice: &dyn Fn(&str) -> Option<Advice>) -> Self {
        let mut rows: Vec<&Finding> = guards.iter().collect();
        rows.sort_by_key(|found| std::cmp::Reverse(found.status));
        let row = |found: &Finding| {
            let known = advice(&found.code);
            let (status, tone) = match found.status {
                Status::Off => ("not run", Tone::Good),
                Status::Pass => ("passed", Tone::Good),
                Status::Fixed => ("fixed", Tone::Good),
                Status::Warning => ("warning", Tone::Unsure),
                Status::Failed => ("failed", Tone::Bad),
            };
            let (title, fix) =
                known.map_or_else(Default::default, |known| (known.title, known.fix));
            Row {
                code: shown(&found.code),
                title,
                status,
                tone,
                message: text(&found.message),
                fix,
            }
        };
        let (quiet, found): (Vec<_>, Vec<_>) = rows
            .into_iter()
            .partition(|found| matches!(found.status, Status::Off | Status::Pass));
        Guards {
            found: found.into_iter().map(row).collect(),
            quiet: quiet.into_iter().map(row).collect(),
        }
    }
}
