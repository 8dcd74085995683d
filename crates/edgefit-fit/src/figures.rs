//! [`Figures`]: what a network reached on the validation samples, and its file in the folder of the run.

use std::cmp::Ordering;
use std::io::ErrorKind;
use std::path::Path;

use edgefit_base::{file, hash, losses};
use edgefit_device::ElementType;
use edgefit_train::{Int8Origin, MANIFEST, Validated};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::network::Network;
use crate::written::{read_json, write_json};

/// Name of the file; it is written when all of the run is trained.
pub const VALIDATED: &str = "validated.json";

/// Schema of that file.
const SCHEMA: &str = "edgefit.fit-validated/1";

/// What a network reached on the validation samples.
#[derive(Debug, Serialize, Deserialize)]
pub struct Figures {
    /// SHA-256 of the manifest of the run; `None` where an older edgefit wrote them.
    #[serde(default)]
    manifest_sha256: Option<String>,
    /// The forms in which it fits, the most accurate first.
    pub forms: Vec<Form>,
    /// Validation samples.
    pub samples: usize,
}

/// A trained network in one form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// The form.
    pub element_type: ElementType,
    /// Share of the validation samples that it classifies correctly.
    pub accuracy: f64,
    /// Loss on them.
    #[serde(deserialize_with = "losses::read")]
    pub loss: f64,
}

impl Form {
    /// The more accurate first; of equals the one with the smaller loss.
    pub fn best_first(&self, other: &Form) -> Ordering {
        // No number is as bad as infinity.
        let loss = |form: &Form| form.loss.min(f64::INFINITY);
        let by_accuracy = other.accuracy.total_cmp(&self.accuracy);
        by_accuracy.then(loss(self).total_cmp(&loss(other)))
    }
}

impl Figures {
    /// Those of `network`, trained in the folder `run`.
    ///
    /// # Errors
    /// The manifest of the run cannot be read.
    pub fn of(run: &Path, made: &Validated, network: &Network) -> Result<Self> {
        Ok(Figures {
            manifest_sha256: manifest_sha256(run)?,
            forms: forms(made, network),
            samples: made.val.accuracy().map_or(0, |share| share.samples),
        })
    }

    /// Those in the folder of a run; `None` where there are none, or another was trained there since.
    ///
    /// # Errors
    /// The file or the manifest of the run cannot be read.
    pub fn load(run: &Path) -> Result<Option<Self>> {
        let path = run.join(VALIDATED);
        if !path.exists() {
            return Ok(None);
        }
        let fix = "remove the folder that it lies in to train the network anew";
        let figures: Figures = read_json(&path, SCHEMA, fix)?;
        let is_of_run =
            figures.manifest_sha256.is_none() || figures.manifest_sha256 == manifest_sha256(run)?;
        Ok(is_of_run.then_some(figures))
    }

    /// Writes them into the folder of their run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, run: &Path) -> Result<()> {
        write_json(&run.join(VALIDATED), SCHEMA, self)
    }
}

/// SHA-256 of the manifest of a run; `None` where there is none.
fn manifest_sha256(run: &Path) -> Result<Option<String>> {
    let path = run.join(MANIFEST);
    match file::read(&path) {
        Ok(manifest) => Ok(Some(hash::sha256_hex(&manifest))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Run {
            path,
            problem: format!(
                "cannot be read ({error}); see that it can, or remove the folder that it lies in to train the network \
                 anew"
            ),
        }),
    }
}

/// The forms of a trained network in which it fits, the most accurate first; none where the user ended it before its
/// first epoch, whose weights are those of the start.
fn forms(made: &Validated, network: &Network) -> Vec<Form> {
    let mut forms = Vec::new();
    if made.interrupted && made.stages.iter().all(|stage| stage.epochs.is_empty()) {
        return forms;
    }
    if let Some(accuracy) = made.val.accuracy() {
        let kept = made.stages.iter().rfind(|stage| stage.kept);
        forms.push(Form {
            element_type: ElementType::F32,
            accuracy: accuracy.share,
            loss: kept.map_or(f64::INFINITY, |stage| stage.val_loss),
        });
    }
    let figures = made.int8.as_ref().map(|report| match &report.trained {
        Some(trained) if report.kept == Int8Origin::Training => trained,
        _ => &report.quantized,
    });
    forms.extend(figures.and_then(|figures| {
        Some(Form {
            element_type: ElementType::Int8,
            accuracy: figures.val_accuracy?,
            loss: figures.val_loss,
        })
    }));
    forms.retain(|form| network.fitting_as(form.element_type).is_some());
    forms.sort_by(Form::best_first);
    forms
}

#[cfg(test)]
pub(crate) mod tests {
    use edgefit_train::evaluate::metrics::{Classification, Metrics};

    use super::*;
    use crate::select::tests::network;

    fn made(interrupted: bool) -> Validated {
        Validated {
            val: Metrics::Classification(Classification::of(&[2.0, 0.0, 1.0, 3.0], &[0, 1], 2)),
            int8: None,
            stages: Vec::new(),
            guards: Vec::new(),
            model: "model.onnx".into(),
            interrupted,
        }
    }

    /// A network that fits in floats alone.
    pub(crate) fn float_only() -> Network {
        let mut network = network(128, Some("a"), 0.5, 0.9);
        network.footprints[0].element_type = ElementType::F32;
        network
    }

    #[test]
    fn what_was_ended_before_its_first_epoch_has_no_figures() {
        assert!(forms(&made(true), &float_only()).is_empty());
        assert_eq!(forms(&made(false), &float_only()).len(), 1);
    }

    #[test]
    fn figures_do_not_count_for_another_run_in_the_same_folder() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path();
        assert!(Figures::load(run).unwrap().is_none());
        let manifest = run.join(MANIFEST);
        std::fs::write(&manifest, "one").unwrap();
        let figures = Figures::of(run, &made(false), &float_only()).unwrap();
        figures.save(run).unwrap();
        let read = Figures::load(run).unwrap().unwrap();
        assert_eq!((read.forms, read.samples), (figures.forms, 2));
        std::fs::write(&manifest, "other").unwrap();
        assert!(Figures::load(run).unwrap().is_none());
        std::fs::remove_file(&manifest).unwrap();
        assert!(Figures::load(run).unwrap().is_none());
        // Nobody knows whether they count.
        std::fs::create_dir(&manifest).unwrap();
        let refused = Figures::load(run).unwrap_err().to_string();
        assert!(
            refused.contains("manifest.json cannot be read"),
            "{refused}"
        );
    }
}
