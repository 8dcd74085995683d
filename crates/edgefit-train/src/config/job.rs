//! What is to be trained, on what, for which device.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use edgefit_burn::Backend;
use edgefit_data::Augmentation;
use edgefit_device::Profile;
use edgefit_engine::EngineName;
use edgefit_graph::Task;
use edgefit_graph::preprocessing::PreprocessingName;
use edgefit_guards::Code;
use edgefit_quant::Scheme;
use serde::{Deserialize, Serialize};

use crate::config::recipe::Recipe;
use crate::config::stage_name::StageName;

/// Fine-tuning of a backbone on images or arrays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Folder of class folders, or a file or folder of arrays.
    pub data: PathBuf,
    /// What the targets of arrays mean; their type, shape and values say it, if not given.
    pub task: Option<Task>,
    /// ONNX file of the pretrained model.
    pub backbone: PathBuf,
    /// The device that the result has to fit.
    pub device: Profile,
    /// Folder that everything is written to.
    pub run: PathBuf,
    /// Folder for features that the next run can use again.
    pub cache: PathBuf,
    /// Name of the last node of the classifier; detected if not given.
    pub head: Option<String>,
    /// Name of the node behind which stage top trains; chosen if not given.
    pub freeze_to: Option<String>,
    /// Shape of the input, where the model leaves it open or another is wanted; its batch size is
    /// ignored.
    pub input_shape: Option<Vec<usize>>,
    /// Name of the preprocessing, instead of the one that the model carries.
    pub preprocessing: Option<PreprocessingName>,
    /// Engine for the frozen backbone; the fastest that is there by default.
    pub engine: Option<EngineName>,
    /// What burn trains with.
    #[serde(default)]
    pub backend: Backend,
    /// Threads of the engine.
    pub threads: usize,
    /// Whether an image that cannot be read ends the job.
    pub strict: bool,
    /// A trained model of the same classes, whose answers are part of the targets of the float stages, in the
    /// shares that the recipe says.
    #[serde(default)]
    pub teacher: Option<PathBuf>,
    /// Scheme of stage int8; what the device's engine wants, if not given.
    pub scheme: Option<Scheme>,
    /// What is trained, from simple to complex.
    pub stages: Vec<StageName>,
    /// How it is trained.
    pub recipe: Recipe,
    /// Number of candidates that tuning tries besides the recipe's own choices of stage probe.
    pub tune: Option<usize>,
    /// Bytes of memory that the job may take; what is free, if not given.
    pub memory: Option<u64>,
    /// Guards that may not raise anything.
    pub allow: BTreeSet<Code>,
    /// Whether a warning of a guard ends the job like a failure.
    pub deny_warnings: bool,
    /// Whether epochs are written for TensorBoard, too.
    #[serde(default)]
    pub tensorboard: bool,
    /// Address of an MLflow tracking server that the run is logged on, too.
    #[serde(default)]
    pub mlflow: Option<String>,
    /// The command that asked for it, word for word; empty where no command did.
    pub command: Vec<String>,
    /// What becomes of a run that is in the folder already.
    #[serde(skip)]
    pub existing: Existing,
}

/// What becomes of what is in the folder of a new run already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Existing {
    /// It is kept, and the new run is refused.
    #[default]
    Keep,
    /// A run is replaced when the new one is whole; other files stay beside it.
    Replace,
}

impl Job {
    /// A linear probe of `backbone` on `data` by the default recipe, for `device`, with all files that
    /// it writes in the folder `run`.
    ///
    /// ```
    /// use edgefit_train::{Job, StageName};
    ///
    /// let device = edgefit_device::find("raspberry-pi-4b")?;
    /// let mut job = Job::new("photos".as_ref(), "model.onnx".as_ref(), device, "runs/a".as_ref());
    /// job.stages.push(StageName::Top);
    /// job.recipe.top.learning_rate = 5e-4;
    /// assert_eq!(job.cache, job.run.join("cache"));
    /// # Ok::<(), edgefit_device::Error>(())
    /// ```
    pub fn new(data: &Path, backbone: &Path, device: Profile, run: &Path) -> Self {
        Job {
            data: data.to_path_buf(),
            task: None,
            backbone: backbone.to_path_buf(),
            device,
            run: run.to_path_buf(),
            cache: run.join("cache"),
            head: None,
            freeze_to: None,
            input_shape: None,
            preprocessing: None,
            engine: None,
            backend: Backend::default(),
            threads: edgefit_base::threads(),
            strict: false,
            teacher: None,
            scheme: None,
            stages: vec![StageName::Probe],
            recipe: Recipe::default(),
            tune: None,
            memory: None,
            allow: BTreeSet::new(),
            deny_warnings: false,
            tensorboard: false,
            mlflow: None,
            command: Vec::new(),
            existing: Existing::Keep,
        }
    }

    /// The stages that train in floats.
    pub(crate) fn float_stages(&self) -> impl Iterator<Item = StageName> {
        let stages = self.stages.iter().copied();
        stages.filter(|stage| *stage != StageName::Int8)
    }

    /// Augmentation of training samples in the stage that augments most.
    pub(crate) fn strongest_augmentation(&self) -> Augmentation {
        let stages = self.stages.iter().map(|stage| self.recipe.stage(*stage));
        let strengths = stages.map(|stage| stage.augmentation);
        let strongest = strengths.fold(0.0, f64::max);
        self.recipe.augmentation.scaled(strongest as f32)
    }

    /// Whether the model stays as it is, and is only made int8.
    pub(crate) fn keeps_head(&self) -> bool {
        self.stages == [StageName::Int8]
    }

    /// Folder of the features that are kept.
    pub(crate) fn feature_cache(&self) -> PathBuf {
        self.cache.join("features")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_augmentation_is_that_of_one_of_the_stages() {
        let device = edgefit_device::find("raspberry-pi-4b").unwrap();
        let mut job = Job::new("data".as_ref(), "m.onnx".as_ref(), device, "run".as_ref());
        let own = job.recipe.augmentation.clone();
        (job.recipe.probe.augmentation, job.recipe.top.augmentation) = (0.0, 2.0);
        assert!(job.strongest_augmentation().is_off());
        job.stages.push(StageName::Top);
        assert_eq!(job.strongest_augmentation(), own.scaled(2.0));
    }
}
