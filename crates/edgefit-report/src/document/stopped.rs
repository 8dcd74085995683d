//! What is known of a training job that a guard ended: its `report.json`.

use serde::Deserialize;

use super::training::{Finding, Origin, Stage};

/// `report.json` of a run that a guard ended.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Stopped {
    #[serde(flatten)]
    pub origin: Origin,
    pub refused: String,
    pub guards: Vec<Finding>,
    pub stages: Vec<Stage>,
}

impl Stopped {
    /// Which guard ended it, and what that found.
    pub fn reason(&self) -> String {
        let found = self.guards.iter().find(|found| found.code == self.refused);
        let message = found.map_or("it says nothing more", |found| &found.message);
        format!("ended by {}: {message}", self.refused)
    }
}
