//! First phase: the inputs are there, and the result will fit.

use std::time::Instant;

use edgefit_cost::{Check, Request, Verdict, check};
use edgefit_data::{Augmentation, Dataset};
use edgefit_device::Profile;
use edgefit_engine::{EngineName, fastest};
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use edgefit_guards::{Code, Findings, Warnings};

use crate::config::job::Job;
use crate::error::{Error, Result};
use crate::evaluate::exported::compared_engines;
use crate::guards;
use crate::observer::Observer;
use crate::prepare::feature_cache::Entry;
use crate::prepare::features::extract_clean;
use crate::prepare::inference::Inference;
use crate::prepare::model::{Model, load_backbone};
use crate::prepare::unreadable::{Unreadable, unreadable};
use crate::stages::trained_part::TrainedPart;
use crate::stages::training_memory::{StageMemory, available_bytes};
use crate::stages::tune;

/// A job whose inputs are there, and whose result will fit.
pub(crate) struct LoadedJob {
    /// The job, as it suits the dataset.
    pub job: Job,
    pub started: Instant,
    pub model: Model,
    pub dataset: Dataset,
    /// Engine of the frozen backbone.
    pub engine: EngineName,
    /// Engines that have to agree on the exported model.
    pub compared: Vec<EngineName>,
    pub memory: Vec<StageMemory>,
    pub findings: Findings,
}

/// Features of all samples of a job.
pub(crate) struct Features {
    pub entries: Vec<Result<Entry, String>>,
    /// How many of them came from the cache.
    pub cached: usize,
    pub unreadable: Vec<Unreadable>,
    pub duration_ns: u64,
}

impl LoadedJob {
    /// Opens the dataset and the backbone, and checks device and memory.
    ///
    /// # Errors
    /// As [`train`](crate::train), but for those of training.
    pub fn load(job: &Job, observer: &mut dyn Observer) -> Result<Self> {
        let started = Instant::now();
        job.recipe.validate().map_err(|problem| Error::Recipe {
            path: job.run.clone(),
            problem,
        })?;
        tune::check(job)?;
        let warnings = if job.deny_warnings {
            Warnings::Deny
        } else {
            Warnings::Keep
        };
        let mut findings = Findings::new(job.allow.iter().copied(), warnings);
        let dataset = Dataset::open(&job.data)?;
        let job = suited(job, &dataset);
        let backbone = load_backbone(&job)?;
        guards::exported::check_import(&mut findings, &backbone);
        guards::stop::stop_on_failure(&findings)?;
        let mut model = Model::of(backbone, &job, &dataset, &mut findings, observer)?;
        if dataset.other_files > 0 {
            let count = match dataset.other_files {
                1 => "1 file".to_owned(),
                count => format!("{count} files"),
            };
            observer.warn(&format!(
                "{count} in {} ignored: not an image",
                job.data.display()
            ));
        }
        let engine = job.engine.unwrap_or_else(fastest);

        // Weights of 0 have the size of trained ones: what does not fit is refused before the work.
        model.reset_head()?;
        let empty = model.to_export();
        let fits = fits(&empty, &job.device)?;
        guards::device::check(&mut findings, &fits);
        if fits.verdict == Verdict::DoesNotFit && !job.allow.contains(&Code::Ef20) {
            return Err(Error::DoesNotFit(Box::new(fits)));
        }
        let available = match job.memory {
            Some(given) => given,
            None => available_bytes()?,
        };
        let rows = dataset.samples.len() * tune::views(&job);
        let memory = job
            .stages
            .iter()
            .map(|&stage| {
                let part = TrainedPart::of(&model, &job, stage)?;
                part.fits(job.recipe.stage(stage), engine, rows, available)
            })
            .collect::<Result<_>>()?;
        let compared = compared_engines(&empty, engine, job.threads, observer)?;
        Ok(LoadedJob {
            job,
            started,
            model,
            dataset,
            engine,
            compared,
            memory,
            findings,
        })
    }

    /// The features of all samples.
    ///
    /// # Errors
    /// The engine fails, or a sample cannot be read and the job is strict.
    pub fn features(&self, observer: &mut dyn Observer) -> Result<Features> {
        let clock = Instant::now();
        let inference = Inference {
            engine: self.engine,
            threads: self.job.threads,
            batch: self.job.recipe.probe.batch,
            observer: &mut *observer,
        };
        let extracted = extract_clean(&self.job, &self.model, &self.dataset, inference)?;
        let duration_ns = nanoseconds(clock);
        let unreadable = unreadable(&self.job, &self.dataset, &extracted.entries, observer)?;
        Ok(Features {
            entries: extracted.entries,
            cached: extracted.cached,
            unreadable,
            duration_ns,
        })
    }
}

/// The job as it suits the samples: arrays are not augmented, and have one view each.
fn suited(job: &Job, dataset: &Dataset) -> Job {
    let mut job = job.clone();
    if !dataset.has_images() {
        job.recipe.augmentation = Augmentation::none();
        job.recipe.views = 1;
    }
    job
}

/// Whether a model fits the device, for one sample at a time.
pub(crate) fn fits(graph: &Graph, device: &Profile) -> Result<Check> {
    let shapes = InputShapes::bind(graph, 1, None)?;
    Ok(check(graph, &shapes, &Request::new(device))?)
}

pub(crate) fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
