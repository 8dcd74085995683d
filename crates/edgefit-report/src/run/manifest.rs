//! `manifest.json`: the samples of a run.

use std::collections::HashMap;
use std::path::Path;

use edgefit_base::{file, schema};
use serde::Deserialize;

/// The samples that a run began with.
#[derive(Debug, Deserialize)]
pub(crate) struct Manifest {
    pub samples: Vec<Listed>,
}

/// A sample.
#[derive(Debug, Deserialize)]
pub(crate) struct Listed {
    pub path: String,
    pub sha256: Option<String>,
    pub truth: String,
    pub split: Option<String>,
}

impl Manifest {
    /// # Errors
    /// Why it cannot be read, as a clause.
    pub fn load(folder: &Path) -> Result<Self, String> {
        let text = file::read_to_string(&folder.join("manifest.json"));
        let text = text.map_err(|error| format!("manifest.json: {error}"))?;
        schema::from_json(&text, "edgefit.manifest/1")
            .map_err(|error| format!("manifest.json: {error}"))
    }

    /// Samples of equal contents, in the order of the first of each.
    pub fn copies(&self) -> Vec<Vec<&Listed>> {
        let mut place: HashMap<&str, usize> = HashMap::new();
        let mut groups: Vec<Vec<&Listed>> = Vec::new();
        for listed in &self.samples {
            let Some(hash) = listed.sha256.as_deref() else {
                continue;
            };
            let at = *place.entry(hash).or_insert(groups.len());
            if at == groups.len() {
                groups.push(Vec::new());
            }
            groups[at].push(listed);
        }
        groups.retain(|group| group.len() > 1);
        groups
    }
}
