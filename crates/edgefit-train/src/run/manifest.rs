//! `manifest.json`: what a run began with, so that it is not gone on with on anything else.

use std::collections::HashMap;
use std::path::Path;

use edgefit_base::hash;
use edgefit_data::{Dataset, Sample, Split, Splits};
use edgefit_engine::{EngineName, fastest, onnxruntime};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::config::job::Job;
use crate::error::{Error, Result};
use crate::prepare::contents::{ContentHash, contents};
use crate::prepare::split::SplitSamples;
use crate::run::changes::{self, Listing, changed_setting};
use crate::run::listed::Listed;
use crate::run::{document, job_file};

/// Name of the file.
pub const NAME: &str = "manifest.json";

/// Name and version of the document.
pub(crate) const SCHEMA: &str = "edgefit.manifest/1";

/// SHA-256 of the models that a run needs, with their weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Models {
    pub backbone: String,
    /// Where the job has one.
    pub teacher: Option<String>,
}

/// What a run began with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    #[serde(flatten)]
    pub models: Models,
    /// What the job says of how it is trained.
    pub settings: Value,
    /// Classes, labels or regression targets, in the order of the outputs.
    pub classes: Vec<String>,
    /// All samples, also those that could not be read.
    pub samples: Vec<Listed>,
}

impl Manifest {
    /// That of a run which begins on `dataset`, whose samples have the given hashes and splits.
    pub fn of(
        job: &Job,
        models: Models,
        dataset: &Dataset,
        hashes: &[Option<ContentHash>],
        splits: &Splits<SplitSamples>,
    ) -> Self {
        let mut used = HashMap::new();
        for (split, samples) in splits.iter() {
            let names = samples.samples.iter();
            used.extend(names.map(|sample| (sample.relative.as_str(), split)));
        }
        let samples = dataset.samples.iter().zip(hashes);
        Manifest {
            models,
            settings: settings(job),
            classes: dataset.classes.clone(),
            samples: samples
                .map(|(sample, hash)| Listed {
                    split: used.get(sample.relative.as_str()).copied(),
                    ..listed(dataset, sample, *hash)
                })
                .collect(),
        }
    }

    /// Reads that of the run whose files lie in `folder`; `None` if it had not split its samples yet.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn load(folder: &Path) -> Result<Option<Self>> {
        let fix = "start the run again with `edgefit train --force`";
        document::load(&folder.join(NAME), SCHEMA, fix)
    }
}

/// Refuses to go on with what began in the folder `run` on an engine that is not here.
///
/// # Errors
/// [`Error::Run`].
pub fn ensure_engine(engine: EngineName, run: &Path) -> Result<()> {
    if engine != EngineName::OnnxRuntime || onnxruntime::found().is_some() {
        return Ok(());
    }
    Err(Error::Run {
        path: run.to_path_buf(),
        problem: "began on the engine onnxruntime, which is not here; `edgefit engine install onnxruntime` \
                  fetches it"
            .into(),
    })
}

/// How a run can be trained anew.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Anew {
    /// By the user, with `--force`.
    Forced,
    /// By the search that it belongs to, once it is gone.
    Removed,
}

/// A run that is gone on with, and what it began with.
pub(crate) struct Begun<'a> {
    /// The folder of the run.
    pub run: &'a Path,
    pub manifest: &'a Manifest,
    pub anew: Anew,
}

impl Begun<'_> {
    /// The engine that it began on; `None` where an older edgefit began it.
    ///
    /// # Errors
    /// It is not here.
    pub fn engine(&self) -> Result<Option<EngineName>> {
        let written = self.manifest.settings.get("engine");
        let engine = written.and_then(|engine| EngineName::deserialize(engine).ok());
        if let Some(engine) = engine {
            ensure_engine(engine, self.run)?;
        }
        Ok(engine)
    }

    /// Holds what the job says now against what the run began with.
    ///
    /// # Errors
    /// Something is different that makes other weights.
    pub fn hold_settings(&self, job: &Job) -> Result<()> {
        let changed = changed_setting(&self.manifest.settings, &settings(job));
        match changed {
            None => Ok(()),
            Some(changed) => Err(self.refuse(
                &self.run.join(job_file::NAME),
                &format!("asks for something else than the run began with ({changed})"),
            )),
        }
    }

    /// Holds the backbone in a file, by its hash, against that which the run began with.
    ///
    /// # Errors
    /// It is another one.
    pub fn hold_backbone(&self, path: &Path, sha256: &str) -> Result<()> {
        if self.manifest.models.backbone == sha256 {
            return Ok(());
        }
        Err(self.refuse_model(path, "backbone"))
    }

    /// The same for a teacher; an older edgefit noted none.
    ///
    /// # Errors
    /// It is another one.
    pub fn hold_teacher(&self, path: &Path, sha256: &str) -> Result<()> {
        let began = self.manifest.models.teacher.as_deref();
        if began.is_none_or(|began| began == sha256) {
            return Ok(());
        }
        Err(self.refuse_model(path, "teacher"))
    }

    fn refuse_model(&self, path: &Path, what: &str) -> Error {
        let problem = format!("is not the {what} that the run began with, though of the same name");
        self.refuse(path, &problem)
    }

    /// Holds the dataset against that which the run began with, file by file, and puts each sample into
    /// the split that it had.
    ///
    /// # Errors
    /// A sample is gone, new, changed, or of another class.
    pub fn hold_data(&self, dataset: &mut Dataset) -> Result<()> {
        let samples = dataset.samples.par_iter();
        let now: Vec<Listed> = samples
            .map(|sample| {
                let hash = contents(sample).map(|bytes| Sha256::digest(bytes).into());
                listed(dataset, sample, hash.ok())
            })
            .collect();
        let of = |classes, samples| Listing {
            classes,
            samples,
            noun: dataset.noun(),
        };
        let was = of(&self.manifest.classes, &self.manifest.samples);
        if let Some(changes) = changes::between(&was, &of(&dataset.classes, &now)) {
            let root = dataset.root.clone();
            return Err(self.refuse(&root, &format!("is not what the run began with: {changes}")));
        }
        let listed = self.manifest.samples.iter();
        let splits: HashMap<&str, Option<Split>> = listed
            .map(|listed| (listed.path.as_str(), listed.split))
            .collect();
        for sample in &mut dataset.samples {
            sample.split = splits.get(sample.relative.as_str()).copied().flatten();
        }
        Ok(())
    }

    fn refuse(&self, path: &Path, problem: &str) -> Error {
        let run = self.run.display();
        let anew = match self.anew {
            Anew::Forced => format!("train anew with -o {run} --force"),
            Anew::Removed => format!("remove {run} to train it anew"),
        };
        Error::Run {
            path: path.to_path_buf(),
            problem: format!("{problem}; undo that to go on with {run}, or {anew}"),
        }
    }
}

/// What the job says of how it is trained, and on which engine; all the rest may change while a run waits.
fn settings(job: &Job) -> Value {
    serde_json::json!({
        "backend": job.backend,
        "engine": job.engine.unwrap_or_else(fastest),
        "teacher": job.teacher.is_some(),
        "recipe": job.recipe,
        "stages": job.stages,
        "scheme": job.scheme,
        "tune": job.tune,
        "task": job.task,
        "head": job.head,
        "freeze_to": job.freeze_to,
        "input_shape": job.input_shape,
        "preprocessing": job.preprocessing,
    })
}

fn listed(dataset: &Dataset, sample: &Sample, hash: Option<ContentHash>) -> Listed {
    let truth = match sample.targets.as_slice() {
        [] => dataset
            .classes
            .get(sample.class)
            .cloned()
            .unwrap_or_default(),
        targets => {
            let words: Vec<String> = targets.iter().map(f32::to_string).collect();
            words.join(" ")
        }
    };
    Listed {
        path: sample.relative.clone(),
        sha256: hash.map(|hash| hash::hex(&hash)),
        truth,
        split: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgefit_base::schema;
    use edgefit_burn::Backend;

    /// What begins as a PNG does; nothing decodes it here.
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\none";

    fn dataset(folder: &Path) -> Dataset {
        for (path, bytes) in [("a/1.png", PNG), ("b/2.png", b"\x89PNG\r\n\x1a\ntwo")] {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        Dataset::scan(folder).unwrap()
    }

    fn manifest(dataset: &Dataset) -> Manifest {
        let listed = |sample: &Sample| Listed {
            split: Some(Split::Test),
            ..listed(
                dataset,
                sample,
                Some(Sha256::digest(contents(sample).unwrap()).into()),
            )
        };
        Manifest {
            models: Models {
                backbone: "00".into(),
                teacher: Some("01".into()),
            },
            settings: Value::Null,
            classes: dataset.classes.clone(),
            samples: dataset.samples.iter().map(listed).collect(),
        }
    }

    fn begun(manifest: &Manifest) -> Begun<'_> {
        Begun {
            run: "runs/a".as_ref(),
            manifest,
            anew: Anew::Forced,
        }
    }

    #[test]
    fn the_same_data_keep_their_splits_and_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut dataset = dataset(folder.path());
        let manifest = manifest(&dataset);
        let begun = begun(&manifest);
        begun.hold_data(&mut dataset).unwrap();
        let is_kept = |sample: &Sample| sample.split == Some(Split::Test);
        assert!(dataset.samples.iter().all(is_kept));

        std::fs::write(folder.path().join("a/1.png"), "other").unwrap();
        let refused = begun.hold_data(&mut dataset).unwrap_err().to_string();
        for words in ["1 image is changed (a/1.png)", "-o runs/a --force"] {
            assert!(refused.contains(words), "{refused}");
        }
        let of_search = Begun {
            anew: Anew::Removed,
            ..begun
        };
        let refused = of_search.hold_data(&mut dataset).unwrap_err().to_string();
        assert!(
            refused.ends_with("or remove runs/a to train it anew"),
            "{refused}"
        );
    }

    #[test]
    fn other_models_and_settings_are_refused_and_the_same_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let device = edgefit_device::find("raspberry-pi-4b").unwrap();
        let mut job = Job::new("data".as_ref(), "m.onnx".as_ref(), device, "run".as_ref());
        // As a number of 64 bits it has more digits than one of 32.
        job.recipe.augmentation.color_jitter = 0.12;
        let began = Manifest {
            settings: settings(&job),
            ..manifest(&dataset(folder.path()))
        };
        let text = schema::to_json(SCHEMA, &began).unwrap();
        std::fs::write(folder.path().join(NAME), text).unwrap();
        let manifest = Manifest::load(folder.path()).unwrap().unwrap();
        let teacher = Path::new("t.onnx");
        let mut unnoted = manifest.clone();
        unnoted.models.teacher = None;
        begun(&unnoted).hold_teacher(teacher, "02").unwrap();
        let begun = begun(&manifest);
        begun.hold_settings(&job).unwrap();
        begun.hold_backbone("m.onnx".as_ref(), "00").unwrap();
        begun.hold_teacher(teacher, "01").unwrap();

        let refused = begun.hold_teacher(teacher, "02").unwrap_err();
        let refused = refused.to_string();
        assert!(refused.contains("t.onnx is not the teacher"), "{refused}");
        job.backend = Backend::Ndarray;
        let refused = begun.hold_settings(&job).unwrap_err().to_string();
        assert!(refused.contains("backend is \"ndarray\""), "{refused}");
    }

    #[test]
    fn the_engine_that_a_run_began_on_is_told_and_a_missing_one_named() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = manifest(&dataset(folder.path()));
        let engine = |settings: Value| {
            let manifest = Manifest {
                settings,
                ..manifest.clone()
            };
            begun(&manifest).engine()
        };
        let named = |name: &str| serde_json::json!({"engine": name});
        assert_eq!(engine(serde_json::json!({})).unwrap(), None);
        assert_eq!(engine(named("tract")).unwrap(), Some(EngineName::Tract));
        // No test of this crate looks for it.
        let refused = engine(named("onnxruntime")).unwrap_err().to_string();
        assert!(refused.contains("engine install onnxruntime"), "{refused}");
    }

    #[test]
    fn a_manifest_comes_back_and_a_damaged_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::load(folder.path()).unwrap(), None);
        let manifest = manifest(&dataset(folder.path()));
        let text = schema::to_json(SCHEMA, &manifest).unwrap();
        let path = folder.path().join(NAME);
        std::fs::write(&path, &text).unwrap();
        assert_eq!(Manifest::load(folder.path()).unwrap(), Some(manifest));
        std::fs::write(&path, &text[..9]).unwrap();
        let damaged = Manifest::load(folder.path()).unwrap_err().to_string();
        assert!(damaged.contains("manifest.json is damaged"), "{damaged}");
    }
}
