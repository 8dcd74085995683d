use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use edgefit_base::file::write_atomically;
use edgefit_cost::{Check, Request, Verdict, check};
use edgefit_data::{Augmentation, Dataset, Part, Sample, png, preview};
use edgefit_device::Profile;
use edgefit_engine::malloc::keep_one_heap;
use edgefit_engine::{EngineName, fastest};
use edgefit_graph::infer::InputShapes;
use edgefit_graph::{Graph, Task};
use edgefit_guards::{Code, Findings};
use serde::{Deserialize, Serialize};

use crate::baselines::baselines;
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::events::Observer;
use crate::exported::{compared_engines, parity, predict, sha256};
use crate::features::{Extracted, Pass, Views, extract};
use crate::goal::Goal;
use crate::guards::{self, Course, Evidence};
use crate::memory::{self, StageMemory};
use crate::model::Model;
use crate::parts::{PartSamples, SplitFile, divide, unreadable};
use crate::preparation::{Preparation, image};
use crate::recipe::{Recipe, StageName};
use crate::report::{Exported, PartCounts, Report, SCHEMA, Timing};
use crate::run_folder::RunFolder;
use crate::stages::Stage;
use crate::training::{Part as Trained, Training};
use crate::tune;

/// Fine-tuning of a backbone on images or arrays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Folder of class folders, or a file or folder of arrays.
    pub data: PathBuf,
    /// ONNX file of the pretrained model.
    pub backbone: PathBuf,
    /// The device that the result has to fit.
    pub device: Profile,
    /// Folder that everything is written to.
    pub run: PathBuf,
    /// Folder for features that the next run can use again.
    pub cache: PathBuf,
    /// Name of the node that makes the classes; found by itself if not given.
    pub head: Option<String>,
    /// Name of the node that stage top trains behind; found by itself if not given.
    pub freeze_to: Option<String>,
    /// Shape of the input, where the model leaves it open or another is wanted; its batch does not
    /// matter.
    pub input_shape: Option<Vec<usize>>,
    /// Name of the preprocessing, instead of the one that the model carries.
    pub preprocessing: Option<String>,
    /// Engine for the frozen backbone; the fastest that is there by default.
    pub engine: Option<EngineName>,
    /// Threads of the engine.
    pub threads: usize,
    /// Whether an image that cannot be read ends the job.
    pub strict: bool,
    /// What is trained, from simple to complex.
    pub stages: Vec<StageName>,
    /// How it is trained.
    pub recipe: Recipe,
    /// Candidates that are tried beside the recipe's own choices of stage probe.
    pub tune: Option<usize>,
    /// Bytes of memory that the job may take; what is free, if not given.
    pub memory: Option<u64>,
    /// Guards that may not raise anything.
    pub allow: BTreeSet<Code>,
    /// Whether a warning of a guard ends the job like a failure.
    pub deny_warnings: bool,
}

impl Job {
    /// A linear probe of `backbone` on `data` by the default recipe, for `device`, with everything
    /// that it leaves behind in the folder `run`.
    pub fn new(data: &Path, backbone: &Path, device: Profile, run: &Path) -> Self {
        Job {
            data: data.to_path_buf(),
            backbone: backbone.to_path_buf(),
            device,
            run: run.to_path_buf(),
            cache: run.join("cache"),
            head: None,
            freeze_to: None,
            input_shape: None,
            preprocessing: None,
            engine: None,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            strict: false,
            stages: vec![StageName::Probe],
            recipe: Recipe::default(),
            tune: None,
            memory: None,
            allow: BTreeSet::new(),
            deny_warnings: false,
        }
    }
}

/// Runs the whole job: features, baselines, stages, export, test, parity, check, under the eyes of
/// the guards.
///
/// # Errors
/// What is wrong with the inputs, with the place and the mend; [`Error::DoesNotFit`] before the
/// first step when the model cannot fit the device, [`Error::Memory`] when the training cannot fit
/// this machine, [`Error::Guard`] when a guard ends the training.
pub fn train(job: &Job, observer: &mut dyn Observer) -> Result<Report> {
    keep_one_heap();
    let prepared = Prepared::of(job, observer)?;
    let mut run = RunFolder::create(&job.run)?;
    run.begin(job)?;
    prepared.go(Checkpoint::default(), run, observer)
}

/// Goes on with a run that was killed or ended by the user.
///
/// What comes out is what would have come out if it had never been interrupted.
///
/// # Errors
/// As [`train`], and [`Error::Checkpoint`] if there is nothing to go on with.
pub fn resume(run: &Path, observer: &mut dyn Observer) -> Result<Report> {
    keep_one_heap();
    let (job, checkpoint, run) = RunFolder::open(run)?;
    Prepared::of(&job, observer)?.go(checkpoint, run, observer)
}

/// A job whose inputs are there, and whose result will fit.
pub(crate) struct Prepared {
    pub job: Job,
    started: Instant,
    pub model: Model,
    pub dataset: Dataset,
    pub engine: EngineName,
    compared: Vec<EngineName>,
    memory: Vec<StageMemory>,
    findings: Findings,
}

impl Prepared {
    pub fn of(job: &Job, observer: &mut dyn Observer) -> Result<Self> {
        let started = Instant::now();
        job.recipe.validate().map_err(|problem| Error::Recipe {
            path: job.run.clone(),
            problem,
        })?;
        tune::check(job)?;
        let mut findings = Findings::new(job.allow.iter().copied(), job.deny_warnings);
        let dataset = Dataset::open(&job.data)?;
        let job = suited(job, &dataset);
        let mut model = Model::load(&job, &dataset, &mut findings, observer)?;
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
        model.begin()?;
        let empty = model.finished();
        let check = fits(&empty, &job.device)?;
        guards::device(&mut findings, &check);
        if check.verdict == Verdict::DoesNotFit && !job.allow.contains(&Code::Ef20) {
            return Err(Error::DoesNotFit(Box::new(check)));
        }
        let available = match job.memory {
            Some(given) => given,
            None => memory::available_bytes()?,
        };
        let rows = dataset.samples.len() * tune::views(&job);
        let memory = job
            .stages
            .iter()
            .map(|&name| {
                let part = Trained::of(&model, &job, name)?;
                part.fits(name, job.recipe.stage(name), engine, rows, available)
            })
            .collect::<Result<_>>()?;
        let compared = compared_engines(&empty, engine, job.threads, observer)?;
        Ok(Prepared {
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

    fn go(
        self,
        mut checkpoint: Checkpoint,
        mut run: RunFolder,
        observer: &mut dyn Observer,
    ) -> Result<Report> {
        let Prepared {
            ref job,
            started,
            mut model,
            dataset,
            engine,
            compared,
            mut memory,
            mut findings,
        } = self;
        let mut timing = Timing::default();
        let classes = dataset.classes.len();
        let clock = Instant::now();
        let extracted = clean_features(job, &model, &dataset, engine, observer)?;
        timing.features_ns = nanoseconds(clock);
        let unreadable = unreadable(job, &dataset, &extracted.entries, observer)?;
        let parts = divide(job, &dataset, &extracted.entries)?;
        let [training, validation, test] = &parts;
        run.write_json("splits.json", SplitFile::SCHEMA, &SplitFile::of(&parts))?;

        if !job.recipe.augmentation.is_off() {
            sheet(job, &model, training, &run.path("augmentation.png"))?;
        }

        model.goal = Goal::fit(dataset.task, classes, training, &job.recipe);
        let goal = model.goal.clone();
        let train_targets = goal.targets(training);
        let val_targets = goal.targets(validation);
        model.begin()?;

        let evidence = Evidence {
            job,
            engine,
            dataset: &dataset,
            parts: &parts,
            train_targets: &train_targets,
        };
        observer.begin("preflight", 0);
        let first_rate = evidence.before(&model, &mut findings)?;
        observer.end();
        stopped(&findings)?;

        let clock = Instant::now();
        let baselines = baselines(job, &dataset, &model, &parts, observer)?;
        timing.baselines_ns = nanoseconds(clock);

        let before = model.graph.clone();
        let work = Training {
            job,
            engine,
            parts: &parts,
            train_targets: &train_targets,
            val_targets: &val_targets,
            first_rate,
        };
        let clock = Instant::now();
        let tuned = tune::tuned(&work, &model, &mut checkpoint, &mut run, observer)?;
        timing.tuning_ns = nanoseconds(clock);
        let job = &tuned.job;
        let evidence = Evidence { job, ..evidence };
        let work = Training {
            job,
            first_rate: tuned.first_rate,
            ..work
        };

        let clock = Instant::now();
        let interrupted =
            tuned.interrupted || work.all(&mut model, &mut checkpoint, &mut run, observer)?;
        timing.stages_ns = nanoseconds(clock);
        for (memory, done) in memory.iter_mut().zip(&checkpoint.done) {
            memory.measured_peak_bytes = done.stage.peak_bytes;
        }
        let course = Course {
            evidence: &evidence,
            done: &checkpoint.done,
            baselines: &baselines,
            interrupted,
        };
        course.judge(&mut findings);
        let epochs = checkpoint.done.iter().map(|done| done.stage.epochs.len());
        findings.record(guards::records(&run.path("events.jsonl"), epochs.sum())?);
        if let Some(tuning) = &checkpoint.tuning {
            guards::search(&mut findings, tuning);
        }
        stopped(&findings)?;

        let path = run.path("model.onnx");
        model.finished().save(&path)?;
        let exported = Graph::load(&path)?;
        let predicted = |samples: &[&Sample], what: &str, observer: &mut dyn Observer| {
            predict(
                &exported,
                &model.preparation,
                engine,
                job.threads,
                samples,
                what,
                observer,
            )
        };
        let val_answers = predicted(&validation.samples, "validation", observer)?;
        let clock = Instant::now();
        let test_answers = predicted(&test.samples, "test", observer)?;
        timing.test_ns = nanoseconds(clock);

        let clock = Instant::now();
        let parity = parity(
            &exported,
            &model.preparation,
            &validation.samples,
            &compared,
            job.threads,
            observer,
        )?;
        timing.parity_ns = nanoseconds(clock);
        let val = goal.metrics(&val_answers, validation);
        guards::export(&mut findings, &before, &exported, &parity);
        guards::predictions(&mut findings, &dataset.classes, &val);

        let check = fits(&exported, &job.device)?;
        timing.total_ns = nanoseconds(started);
        let stages: Vec<Stage> = checkpoint.done.into_iter().map(|done| done.stage).collect();
        let report = Report {
            task: dataset.task,
            data: job.data.clone(),
            backbone: job.backbone.clone(),
            counts: parts
                .iter()
                .zip([Part::Train, Part::Val, Part::Test])
                .map(|(samples, part)| PartCounts {
                    part,
                    total: samples.samples.len(),
                    samples: match dataset.task {
                        Task::Classes => (0..classes).map(|class| samples.count(class)).collect(),
                        Task::MultiLabel => samples.having(classes),
                        Task::Regression => Vec::new(),
                    },
                })
                .collect(),
            unreadable,
            engine,
            cached_features: extracted.cached,
            recipe: job.recipe.clone(),
            tuning: checkpoint.tuning,
            class_weights: match &goal {
                Goal::Classes { weights, .. } => weights.clone(),
                _ => Vec::new(),
            },
            stages,
            memory,
            val,
            test: goal.metrics(&test_answers, test),
            baselines,
            guards: findings.report(),
            interrupted,
            exported: Exported {
                sha256: sha256(&path)?,
                path,
            },
            parity,
            check,
            timing,
            classes: dataset.classes,
        };
        run.event(&serde_json::json!({"event": "end", "timing": timing}))?;
        if !interrupted {
            run.write_json("report.json", SCHEMA, &report)?;
            run.finish()?;
        }
        Ok(report)
    }
}

/// The job as it suits the samples: arrays are what they are, and have one view each.
fn suited(job: &Job, dataset: &Dataset) -> Job {
    let mut job = job.clone();
    if !dataset.has_images() {
        job.recipe.augmentation = Augmentation::none();
        job.recipe.views = 1;
    }
    job
}

/// Draws some training images beside what augmentation makes of them.
fn sheet(job: &Job, model: &Model, training: &PartSamples, path: &Path) -> Result<()> {
    let Preparation::Images(preprocessing) = &model.preparation else {
        return Ok(());
    };
    let (rows, columns) = (6, 6);
    let step = training.samples.len().div_ceil(rows).max(1);
    let some = training.samples.iter().step_by(step);
    let images = some.map(|sample| image(sample, |image| Ok(image.clone())));
    let images: Vec<_> = images.collect::<Result<_>>()?;
    let recipe = &job.recipe;
    let drawn = preview(
        &images,
        preprocessing,
        &recipe.augmentation,
        recipe.seed,
        columns,
    );
    let bytes = drawn
        .and_then(|sheet| png(&sheet))
        .map_err(Error::Stopped)?;
    Ok(write_atomically(path, |file| file.write_all(&bytes))?)
}

/// The features of the samples as they are, which also says which of them can be read.
pub(crate) fn clean_features(
    job: &Job,
    model: &Model,
    dataset: &Dataset,
    engine: EngineName,
    observer: &mut dyn Observer,
) -> Result<Extracted> {
    let mut backbone = model.head.backbone(&model.graph)?;
    // The frozen part never trains: folded, it runs faster in engines that do not fold by themselves.
    edgefit_graph::rewrite::fold_batch_norm(&mut backbone)?;
    let samples: Vec<&Sample> = dataset.samples.iter().collect();
    extract(
        &backbone,
        &model.preparation,
        Views::Clean,
        Pass {
            engine,
            threads: job.threads,
            batch: job.recipe.probe.batch,
        },
        &samples,
        &job.cache.join("features"),
        observer,
    )
}

/// Ends the job where a guard failed.
pub(crate) fn stopped(findings: &Findings) -> Result<()> {
    match findings.stops() {
        Some(first) => Err(Error::Guard {
            first: first.message,
            code: first.code,
            guards: findings.report(),
        }),
        None => Ok(()),
    }
}

fn fits(graph: &Graph, device: &Profile) -> Result<Check> {
    let shapes = InputShapes::bind(graph, 1, None)?;
    Ok(check(graph, &shapes, &Request::new(device))?)
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
