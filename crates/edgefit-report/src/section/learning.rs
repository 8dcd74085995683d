//! How training went.

use edgefit_base::units::format;

use crate::chart::learning;
use crate::document::{Finding, Stage};
use crate::words::{decimal, percent, shown, text};

/// Guards that look at how training went.
const GUARDS: [&str; 7] = ["EF01", "EF09", "EF10", "EF14", "EF16", "EF17", "EF18"];

/// How training went.
pub(crate) struct Learning {
    pub chart: String,
    pub stages: Vec<Row>,
    /// What guards say of it.
    pub notes: Vec<Note>,
}

/// A stage.
pub(crate) struct Row {
    pub name: String,
    pub parameters: String,
    pub rate: String,
    pub epochs: usize,
    pub best: usize,
    pub ended: String,
    pub accuracy: String,
    pub loss: String,
    pub took: String,
    pub kept: &'static str,
}

/// What a guard says.
pub(crate) struct Note {
    pub code: String,
    pub message: String,
}

impl Learning {
    /// `None` where nothing was trained.
    pub fn of(all: &[Stage], guards: &[Finding]) -> Option<Self> {
        if all.iter().all(|stage| stage.epochs.is_empty()) {
            return None;
        }
        let stages = all.iter().map(|stage| Row {
            name: shown(&stage.name),
            parameters: format::count(stage.parameters as u64),
            rate: format!("{:.0e}", stage.learning_rate),
            epochs: stage.epochs.len(),
            best: stage.best_epoch,
            ended: match stage.ended.as_str() {
                "patience" => "no longer better".into(),
                "finished" => "all epochs ran".into(),
                other => shown(other),
            },
            accuracy: percent(stage.val_accuracy),
            loss: decimal(stage.val_loss),
            took: format::seconds(stage.duration_ns),
            kept: if stage.kept {
                "kept"
            } else {
                "not better, left out"
            },
        });
        let noted = guards
            .iter()
            .filter(|found| found.is_raised() && GUARDS.contains(&found.code.as_str()));
        let notes = noted.map(|found| Note {
            code: shown(&found.code),
            message: text(&found.message),
        });
        Some(Learning {
            chart: learning(
                all,
                "Losses, validation accuracy and learning rate by epoch",
            ),
            stages: stages.collect(),
            notes: notes.collect(),
        })
    }
}
