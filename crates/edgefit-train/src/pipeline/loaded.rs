//! First phase: the inputs are there, and the result will fit.

use std::collections::HashSet;
use std::time::Instant;

use edgefit_base::hash;
use edgefit_base::shell::word;
use edgefit_burn::Backend;
use edgefit_cost::{Check, Request, Verdict, check};
use edgefit_data::{Augmentation, Dataset, Split};
use edgefit_engine::{EngineName, fastest};
use edgefit_graph::infer::InputShapes;
use edgefit_graph::{Graph, ValueInfo};
use edgefit_guards::{Code, Findings, Warnings};
use edgefit_micro::judge_lowered;
use edgefit_quant::Calibrated;

use crate::config::job::Job;
use crate::config::stage_name::StageName;
use crate::error::{Error, Result};
use crate::evaluate::exported::compared_engines;
use crate::guards;
use crate::observer::Observer;
use crate::prepare::clean_features::CleanFeatures;
use crate::prepare::contents::ContentHash;
use crate::prepare::copies::Copies;
use crate::prepare::feature_cache::MOST_BYTES;
use crate::prepare::inference::Inference;
use crate::prepare::model::{Model, load_backbone};
use crate::prepare::sample_features::SampleFeatures;
use crate::prepare::split::splits_of;
use crate::prepare::teacher_model::TeacherModel;
use crate::prepare::unreadable::{Unreadable, unreadable};
use crate::run::manifest::Begun;
use crate::stages::int8_part::scheme_of;
use crate::stages::stage_memory::{StageMemory, available_bytes};
use crate::stages::trained_part::TrainedPart;
use crate::stages::training_memory::row_bytes;
use crate::stages::tune;

/// A job whose inputs are there, and whose result will fit.
pub(crate) struct LoadedJob {
    /// The job, as it suits the dataset.
    pub job: Job,
    pub started: Instant,
    pub model: Model,
    pub teacher: Option<TeacherModel>,
    pub dataset: Dataset,
    /// Engine of the frozen backbone.
    pub engine: EngineName,
    /// Engines that have to agree on the exported model.
    pub compared: Vec<EngineName>,
    /// SHA-256 of the backbone with its weights.
    pub backbone_sha256: String,
    pub memory: Vec<StageMemory>,
    pub findings: Findings,
}

/// What a job reads.
pub(crate) struct Inputs {
    /// The job, as it suits the dataset; of a run that has begun, on the engine that it began on.
    job: Job,
    dataset: Dataset,
    backbone: Graph,
    /// SHA-256 of it with its weights.
    backbone_sha256: String,
    teacher: Option<TeacherModel>,
}

impl Inputs {
    /// Opens what a job reads; of a run that has `begun`, it has to be what that began with.
    ///
    /// # Errors
    /// Something cannot be read, or is another.
    pub fn open(job: &Job, begun: Option<&Begun>, observer: &mut dyn Observer) -> Result<Self> {
        let mut dataset = Dataset::open_as(&job.data, job.task)?;
        for remark in &dataset.remarks {
            observer.warn(&format!("{}: {remark}", job.data.display()));
        }
        let mut job = suited(job, &dataset);
        if let Some(begun) = begun {
            if job.engine.is_none() {
                job.engine = begun.engine()?;
            }
            begun.hold_settings(&job)?;
            begun.hold_data(&mut dataset)?;
        }
        let backbone = load_backbone(&job, observer)?;
        let backbone_sha256 = hash::sha256_hex(&backbone.to_bytes());
        if let Some(begun) = begun {
            begun.hold_backbone(&job.backbone, &backbone_sha256)?;
        }
        let teacher = match &job.teacher {
            Some(path) => {
                let teacher = TeacherModel::load(path, &dataset)?;
                if let Some(begun) = begun {
                    begun.hold_teacher(path, &teacher.sha256)?;
                }
                Some(teacher)
            }
            None => None,
        };
        Ok(Inputs {
            job,
            dataset,
            backbone,
            backbone_sha256,
            teacher,
        })
    }
}

/// The samples of a job, read and split; those of train and val with their features.
pub(crate) struct Features {
    pub entries: Vec<Result<SampleFeatures, String>>,
    /// `None` where neither a sample nor what it is a copy of can be read.
    pub splits: Vec<Option<Split>>,
    pub hashes: Vec<Option<ContentHash>>,
    /// How many features came from the cache.
    pub cached: usize,
    pub unreadable: Vec<Unreadable>,
    /// Peak resident set of the process meanwhile, where the system says.
    pub peak_bytes: Option<u64>,
    pub duration_ns: u64,
}

impl LoadedJob {
    /// Opens the dataset and the backbone, and checks device and memory; of a run that has `begun`, they
    /// have to be those that it began with.
    ///
    /// # Errors
    /// As [`train`](crate::train), but for those of training.
    pub fn load(job: &Job, begun: Option<Begun>, observer: &mut dyn Observer) -> Result<Self> {
        let started = Instant::now();
        job.recipe.validate().map_err(|problem| Error::Recipe {
            path: job.run.clone(),
            problem,
        })?;
        tune::check(job)?;
        job.backend.device()?;
        if job.backend != Backend::Flex {
            observer.warn(&format!(
                "memory is predicted for backend flex; what backend {} takes is not known",
                job.backend
            ));
        }
        let warnings = if job.deny_warnings {
            Warnings::Deny
        } else {
            Warnings::Keep
        };
        let mut findings = Findings::new(job.allow.iter().copied(), warnings);
        let Inputs {
            job,
            dataset,
            backbone,
            backbone_sha256,
            teacher,
        } = Inputs::open(job, begun.as_ref(), observer)?;
        guards::exported::check_import(&mut findings, &backbone);
        guards::stop::stop_on_failure(&findings)?;
        let mut model = Model::of(backbone, &job, &dataset, &mut findings, observer)?;
        let engine = job.engine.unwrap_or_else(fastest);

        // Weights of 0 have the size of trained ones: what does not fit is refused before the work.
        if !job.keeps_head() {
            model.reset_head()?;
        }
        let empty = model.to_export();
        // What goes onto the device.
        let fits = if job.stages.contains(&StageName::Int8) {
            fits(&blank_int8(&empty, &job)?, &job)?
        } else {
            fits(&empty, &job)?
        };
        guards::device::check(&mut findings, &fits);
        if fits.verdict == Verdict::DoesNotFit && !job.allow.contains(&Code::Ef20) {
            return Err(Error::DoesNotFit(Box::new(fits)));
        }
        let available = match job.memory {
            Some(given) => given,
            None => available_bytes()?,
        };
        let rows = dataset.samples.len() * tune::views(&job);
        let trained = |stage: &&StageName| job.recipe.stage(**stage).epochs > 0;
        let memory = job
            .stages
            .iter()
            .filter(trained)
            .map(|&stage| {
                let part = TrainedPart::of(&model, &job, stage)?;
                part.fits(&job, engine, rows, available)
            })
            .collect::<Result<Vec<StageMemory>>>()?;
        for stage in memory.iter().filter(|stage| stage.recomputed > 0.0) {
            observer.warn(&stage.remark());
        }
        let compared = compared_engines(&empty, engine, job.threads, observer)?;
        Ok(LoadedJob {
            job,
            started,
            model,
            teacher,
            dataset,
            engine,
            compared,
            backbone_sha256,
            memory,
            findings,
        })
    }

    /// Reads and splits all samples, and makes the features of those of train and val.
    ///
    /// # Errors
    /// The engine fails, a sample cannot be read and the job is strict, or a class has too few.
    pub fn features(&self, observer: &mut dyn Observer) -> Result<Features> {
        let clock = Instant::now();
        let (job, model, dataset) = (&self.job, &self.model, &self.dataset);
        let boundary = self.boundary_on_the_way()?;
        let clean = CleanFeatures::new(job, model, dataset, boundary.as_ref())?;
        edgefit_engine::restart_peak_rss();
        let mut extracted = clean.extract(self.inference(observer))?;
        let copies = Copies::among(&dataset.samples, &extracted.hashes);
        copies.leave_out_contradictions(dataset, &mut extracted.entries);
        let unreadable = unreadable(job, dataset, &extracted.entries, observer)?;
        copies.warn(dataset, observer);
        let splits = splits_of(job, dataset, &extracted.entries, &copies.originals)?;
        clean.complete(&mut extracted, &splits, self.inference(observer))?;
        let peak_bytes = edgefit_engine::peak_rss_bytes();
        let duration_ns = nanoseconds(clock);
        Ok(Features {
            entries: extracted.entries,
            splits,
            hashes: extracted.hashes,
            cached: extracted.cached,
            unreadable,
            peak_bytes,
            duration_ns,
        })
    }

    fn inference<'o>(&self, observer: &'o mut dyn Observer) -> Inference<'o> {
        Inference {
            engine: self.engine,
            threads: self.job.threads,
            observer,
        }
    }

    /// The value at the freeze boundary of stage top, if the pass that makes the features comes by it: what
    /// is in front has to be as it came when the stage begins, and the cache has to hold both.
    fn boundary_on_the_way(&self) -> Result<Option<ValueInfo>> {
        let mut stages = self.job.float_stages();
        let first = stages.find(|stage| *stage != StageName::Probe);
        if first != Some(StageName::Top) || self.job.recipe.top.epochs == 0 {
            return Ok(None);
        }
        let part = TrainedPart::of(&self.model, &self.job, StageName::Top)?;
        let bytes = row_bytes(&part.graph)? * self.dataset.samples.len() as u64;
        let boundary = part.graph.inputs.into_iter().next();
        Ok(boundary.filter(|_| bytes <= MOST_BYTES as u64 / 2))
    }
}

/// The job as it suits the samples: arrays are not augmented, and have one view each.
pub(crate) fn suited(job: &Job, dataset: &Dataset) -> Job {
    let mut job = job.clone();
    if !dataset.has_images() {
        job.recipe.augmentation = Augmentation::none();
        job.recipe.views = 1;
    }
    job
}

/// The int8 model that stage int8 will make of a model, as far as its shape goes.
fn blank_int8(graph: &Graph, job: &Job) -> Result<Graph> {
    let calibrated = Calibrated::blank(graph, &scheme_of(job)?)?;
    Ok(calibrated.quantize(&HashSet::new())?.graph)
}

/// Whether a model fits the device of the job, for one sample at a time.
pub(crate) fn fits(graph: &Graph, job: &Job) -> Result<Check> {
    let shapes = InputShapes::bind(graph, 1, None)?;
    let [data, backbone] = [&job.data, &job.backbone].map(|path| path.display().to_string());
    let request = Request {
        search: Some(format!(
            "edgefit fit {} --backbone {} --device {} -o RUN",
            word(&data),
            word(&backbone),
            word(&job.device.name)
        )),
        ..Request::new(&job.device)
    };
    let mut check = check(graph, &shapes, &request)?;
    judge_lowered(&mut check, (graph, &shapes), &request);
    Ok(check)
}

pub(crate) fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
