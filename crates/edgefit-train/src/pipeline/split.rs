//! Second phase: train, val and test, and the model with an untrained head for their targets.

use edgefit_base::names::listed;
use edgefit_data::{Augmentation, Split, Splits, png, preview};
use edgefit_graph::rewrite::Head;
use edgefit_graph::{Graph, Task};

use crate::config::job::Job;
use crate::error::{Error, Result};
use crate::guards::evidence::Evidence;
use crate::guards::untrained::untrained;
use crate::observer::Observer;
use crate::pipeline::loaded::{Features, LoadedJob};
use crate::prepare::model::Model;
use crate::prepare::preparation::{Preparation, image};
use crate::prepare::split::{SplitSamples, divide};
use crate::prepare::target_transform::TargetTransform;
use crate::prepare::targets::Targets;
use crate::run::folder::RunFolder;
use crate::run::manifest::{self, Manifest, Models};
use crate::run::report::SplitCounts;
use crate::run::split_file::SplitFile;
use crate::stages::trainer::Trainer;

/// Rows of the sheet of augmented images.
const ROWS: usize = 6;

/// Its columns.
const COLUMNS: u32 = 6;

/// A job whose samples are split.
pub(crate) struct SplitJob<'a> {
    pub loaded: &'a LoadedJob,
    pub features: &'a Features,
    pub samples: Samples<'a>,
    /// With an untrained head.
    pub model: Model,
}

/// The samples, and the targets of those that are trained on and of those that choices are made on.
pub(crate) struct Samples<'a> {
    pub splits: Splits<SplitSamples<'a>>,
    pub train_targets: Targets,
    pub val_targets: Targets,
}

impl Samples<'_> {
    /// What stages of `job` train on.
    pub fn trainer<'s>(&'s self, job: &'s Job, loaded: &'s LoadedJob) -> Trainer<'s> {
        Trainer {
            job,
            engine: loaded.engine,
            splits: &self.splits,
            memory: &loaded.memory,
            train_targets: &self.train_targets,
            val_targets: &self.val_targets,
            teacher: loaded.teacher.as_ref(),
            first_learning_rate: None,
        }
    }

    /// What guards know of `job`, whose model is `graph` with this `head` before its first step.
    ///
    /// # Errors
    /// The head is no part of the graph.
    pub fn evidence<'s>(
        &'s self,
        job: &'s Job,
        loaded: &'s LoadedJob,
        graph: &Graph,
        head: &Head,
    ) -> Result<Evidence<'s>> {
        Ok(Evidence {
            job,
            engine: loaded.engine,
            dataset: &loaded.dataset,
            splits: &self.splits,
            train_targets: &self.train_targets,
            untrained_backbone: untrained(graph, head)?,
        })
    }
}

impl<'a> SplitJob<'a> {
    /// The samples that could be read in their splits, with targets fitted to those of train.
    ///
    /// # Errors
    /// The head is no part of the model.
    pub fn split(loaded: &'a LoadedJob, features: &'a Features) -> Result<Self> {
        let LoadedJob { job, dataset, .. } = loaded;
        let splits = divide(dataset, &features.entries, &features.splits);
        let mut model = loaded.model.clone();
        let outputs = dataset.classes.len();
        model.transform = TargetTransform::fit(dataset.task, outputs, &splits.train, &job.recipe);
        if !job.keeps_head() {
            model.reset_head()?;
        }
        Ok(SplitJob {
            loaded,
            features,
            samples: Samples {
                train_targets: model.transform.targets(&splits.train),
                val_targets: model.transform.targets(&splits.val),
                splits,
            },
            model,
        })
    }

    /// How many samples each split holds, and of what.
    pub fn counts(&self) -> Vec<SplitCounts> {
        let dataset = &self.loaded.dataset;
        let outputs = dataset.classes.len();
        let of = |(split, samples): (Split, &SplitSamples)| SplitCounts {
            split,
            total: samples.samples.len(),
            groups: samples.groups(),
            samples: match dataset.task {
                Task::Classes => (0..outputs).map(|class| samples.count(class)).collect(),
                Task::MultiLabel => samples.label_counts(outputs),
                Task::Regression => Vec::new(),
            },
        };
        self.samples.splits.iter().map(of).collect()
    }

    /// Says of which classes or labels a split has no sample.
    pub fn warn_of_absent(&self, observer: &mut dyn Observer) {
        let dataset = &self.loaded.dataset;
        for SplitCounts { split, samples, .. } in self.counts() {
            let named = dataset.classes.iter().zip(&samples);
            let absent = named.filter(|(_, count)| **count == 0);
            let absent: Vec<String> = absent.map(|(name, _)| format!("'{name}'")).collect();
            if !absent.is_empty() {
                observer.warn(&format!(
                    "no {split} {} of {}: {split} figures speak of the other {} of {} alone",
                    dataset.noun(),
                    listed(&absent),
                    samples.len() - absent.len(),
                    samples.len()
                ));
            }
        }
    }

    /// Writes which samples are in which split, a sheet of augmented images, and what the run begins
    /// with; of a run that had begun before, that is left as it is.
    ///
    /// # Errors
    /// A file cannot be written, or an image no longer be read.
    pub fn record(&self, run: &RunFolder) -> Result<()> {
        let file = SplitFile::of(&self.samples.splits);
        run.write_json("splits.json", SplitFile::SCHEMA, &file)?;
        let LoadedJob { job, dataset, .. } = self.loaded;
        let augmentation = job.strongest_augmentation();
        if !augmentation.is_off() {
            self.sheet(&augmentation, run)?;
        }
        if run.path(manifest::NAME).exists() {
            return Ok(());
        }
        let teacher = self.loaded.teacher.as_ref();
        let manifest = Manifest::of(
            job,
            Models {
                backbone: self.loaded.backbone_sha256.clone(),
                teacher: teacher.map(|teacher| teacher.sha256.clone()),
            },
            dataset,
            &self.features.hashes,
            &self.samples.splits,
        );
        run.write_json(manifest::NAME, manifest::SCHEMA, &manifest)
    }

    /// Draws some training images, each with augmented views of it.
    fn sheet(&self, augmentation: &Augmentation, run: &RunFolder) -> Result<()> {
        let Preparation::Images(preprocessing) = &self.model.preparation else {
            return Ok(());
        };
        let samples = &self.samples.splits.train.samples;
        let step = samples.len().div_ceil(ROWS).max(1);
        let some = samples.iter().step_by(step);
        let images = some.map(|sample| image(sample, |image| Ok(image.clone())));
        let images: Vec<_> = images.collect::<Result<_>>()?;
        let seed = self.loaded.job.recipe.seed;
        let drawn = preview(&images, preprocessing, augmentation, seed, COLUMNS);
        let bytes = drawn
            .and_then(|sheet| png(&sheet))
            .map_err(Error::Stopped)?;
        run.write("augmentation.png", |file| file.write_all(&bytes))
    }
}
