//! What a search for a network found: `fit.json`.

use std::path::PathBuf;

use edgefit_base::units::format;
use serde::Deserialize;

use super::check::Check;
use super::metrics::Metrics;
use super::training::Exported;

/// `fit.json` of a search.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Search {
    pub run: PathBuf,
    pub device: String,
    pub chosen: Candidate,
    pub candidates: Vec<Candidate>,
    pub front: Vec<Candidate>,
    pub baselines: Vec<SimplerWay>,
    pub finalists: Vec<Finalist>,
    pub remarks: Vec<String>,
    pub test: Metrics,
    pub exported: Exported,
    pub check: Check,
    pub training: Trained,
    pub interrupted: bool,
    pub timing: SearchTiming,
}

impl Search {
    /// Name and version of the document.
    pub const SCHEMA: &str = "edgefit.fit/1";
}

/// One of the networks of a search, in one form.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Candidate {
    pub backbone: PathBuf,
    pub resolution: Option<usize>,
    pub cut: Option<String>,
    pub width: f64,
    pub widths: Option<String>,
    pub element_type: String,
    pub ram_bytes: Option<u64>,
    pub flash_bytes: Option<u64>,
    pub latency_ns: Option<u64>,
    pub fits: bool,
    pub accuracy: Option<f64>,
    pub samples: usize,
    pub basis: Option<String>,
}

impl Candidate {
    /// What it is, human-readable.
    pub fn name(&self) -> String {
        let stem = self
            .backbone
            .file_stem()
            .unwrap_or(self.backbone.as_os_str());
        let mut name = stem.to_string_lossy().into_owned();
        if let Some(side) = self.resolution {
            name.push_str(&format!(" {side}×{side}"));
        }
        if let Some(cut) = &self.cut {
            name.push_str(&format!(" to {cut}"));
        }
        if self.width < 1.0 {
            let by = self.widths.as_deref().filter(|by| *by != "cost");
            let by = by.map_or(String::new(), |by| format!(" ({by})"));
            name.push_str(&format!(
                ", {} of the channels{by}",
                format::percent(self.width)
            ));
        }
        format!("{name}, {}", self.element_type)
    }
}

/// What a simpler way reaches within the same budgets.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct SimplerWay {
    pub name: String,
    pub candidate: Option<Candidate>,
}

/// A network that was trained.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Finalist {
    #[serde(flatten)]
    pub candidate: Candidate,
    pub stages: Vec<String>,
    pub expected: f64,
}

/// The run that made the chosen model.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct Trained {
    pub run: PathBuf,
}

/// Wall-clock time of a search, in nanoseconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the document")]
pub struct SearchTiming {
    pub survey_ns: u64,
    pub finalists_ns: u64,
    pub total_ns: u64,
}
