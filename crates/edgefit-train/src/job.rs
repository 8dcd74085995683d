use std::path::PathBuf;
use std::time::Instant;

use edgefit_cost::{Request, Verdict, check};
use edgefit_data::{Dataset, Part, Sample};
use edgefit_device::Profile;
use edgefit_engine::{EngineName, fastest, keep_one_heap};
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use edgefit_graph::rewrite::{Head, fold_batch_norm};

use crate::baselines::baselines;
use crate::error::{Error, Result};
use crate::events::Observer;
use crate::exported::{compared_engines, parity, predict, sha256};
use crate::features::{Pass, extract};
use crate::head::{self, Fit, Recipe, class_weights, log_prior_bias};
use crate::memory::{self, StageMemory};
use crate::metrics::Metrics;
use crate::model::Model;
use crate::parts::{SplitFile, divide, unreadable};
use crate::report::{Exported, PartCounts, Report, SCHEMA, Stage, Timing};
use crate::run_folder::RunFolder;

/// Most validation images that the engines are compared on.
const PARITY_IMAGES: usize = 16;

/// Fine-tuning of a backbone on a folder of images.
#[derive(Debug, Clone)]
pub struct Job {
    /// Folder of class folders.
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
    /// How the head is fitted.
    pub recipe: Recipe,
    /// Bytes of memory that the job may take; what is free, if not given.
    pub memory: Option<u64>,
}

/// Runs the whole job: features, baselines, head, export, test, parity, check.
///
/// # Errors
/// What is wrong with the inputs, with the place and the mend; [`Error::DoesNotFit`] before the
/// first step when the model cannot fit the device, [`Error::Memory`] when the training cannot fit
/// this machine.
pub fn train(job: &Job, observer: &mut dyn Observer) -> Result<Report> {
    keep_one_heap();
    let started = Instant::now();
    let mut timing = Timing::default();
    let mut model = Model::load(job, observer)?;
    let dataset = Dataset::scan(&job.data)?;
    let classes = dataset.classes.len();
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
    model.replace_head(&model.head.blank(&vec![0.0; classes]))?;
    let empty = model.finished(&dataset.classes);
    fits(&empty, &job.device)?;
    let mut backbone = model.head.backbone(&model.graph)?;
    // The frozen part never trains: folded, it runs faster in engines that do not fold by themselves.
    fold_batch_norm(&mut backbone)?;
    let batch = job.recipe.batch;
    let mut memory = fits_memory(job, &model, &backbone, engine, dataset.samples.len())?;
    let compared = compared_engines(&empty, engine, job.threads, observer)?;
    drop(empty);

    let mut run = RunFolder::create(&job.run)?;
    let clock = Instant::now();
    let extracted = extract(
        &backbone,
        &model.preprocessing,
        Pass {
            engine,
            threads: job.threads,
            batch,
        },
        &dataset.samples,
        &job.cache.join("features"),
        observer,
    )?;
    timing.features_ns = nanoseconds(clock);
    let unreadable = unreadable(job, &dataset, &extracted.entries, observer)?;
    let parts = divide(job, &dataset, &extracted.entries)?;
    let [training, validation, test] = &parts;
    run.write_json("splits.json", "edgefit.splits/1", &SplitFile::of(&parts))?;

    let train_samples = training.features();
    let val_samples = validation.features();
    let weights = class_weights(&train_samples.labels, classes);
    let bias = log_prior_bias(&train_samples.labels, &weights);

    let clock = Instant::now();
    let baselines = baselines(job, &parts, &weights, &bias, observer)?;
    timing.baselines_ns = nanoseconds(clock);

    let clock = Instant::now();
    model.replace_head(&model.head.blank(&bias))?;
    let mut head_graph = model.head.extract(&model.graph)?;
    observer.begin("head", job.recipe.epochs as u64);
    let Fit {
        module,
        epochs,
        best_epoch,
    } = head::fit(
        &head_graph,
        &train_samples,
        &val_samples,
        &weights,
        &job.recipe,
        observer,
    )?;
    observer.end();
    timing.head_ns = nanoseconds(clock);
    memory.measured_peak_bytes = edgefit_engine::peak_rss_bytes();
    for epoch in &epochs {
        run.event(&serde_json::json!({"event": "epoch", "stage": "probe", "epoch": epoch}))?;
    }
    let (val_logits, _) = head::evaluate(&head_graph, &module, &val_samples, &weights)?;

    module.write_into(&mut head_graph)?;
    let fitted = Head::of(&head_graph, job.head.as_deref())?.weights(&head_graph)?;
    let parameters = fitted
        .iter()
        .map(|layer| layer.weight.len() + layer.bias.len());
    let parameters = parameters.sum();
    model.replace_head(&fitted)?;
    let preprocessing = model.preprocessing.clone();
    let finished = model.finished(&dataset.classes);
    let path = run.path("model.onnx");
    finished.save(&path)?;
    let exported = Graph::load(&path)?;

    let clock = Instant::now();
    let test_logits = predict(
        &exported,
        &preprocessing,
        engine,
        job.threads,
        &test.samples,
        observer,
    )?;
    timing.test_ns = nanoseconds(clock);

    let clock = Instant::now();
    // Samples are sorted by class: every so many of them come from all classes.
    let step = validation.samples.len().div_ceil(PARITY_IMAGES);
    let images: Vec<&Sample> = validation.samples.iter().copied().step_by(step).collect();
    let parity = parity(
        &exported,
        &preprocessing,
        &images,
        &compared,
        job.threads,
        observer,
    )?;
    timing.parity_ns = nanoseconds(clock);

    let shapes = InputShapes::bind(&exported, 1, None)?;
    let check = check(&exported, &shapes, &Request::new(&job.device))?;
    timing.total_ns = nanoseconds(started);
    let report = Report {
        data: job.data.clone(),
        backbone: job.backbone.clone(),
        counts: parts
            .iter()
            .zip([Part::Train, Part::Val, Part::Test])
            .map(|(samples, part)| PartCounts {
                part,
                samples: (0..classes).map(|class| samples.count(class)).collect(),
            })
            .collect(),
        unreadable,
        engine,
        cached_features: extracted.cached,
        recipe: job.recipe,
        class_weights: weights,
        stages: vec![Stage {
            name: "probe",
            parameters,
            best_epoch,
            epochs,
        }],
        memory: vec![memory],
        val: Metrics::of(&val_logits, &val_samples.labels, classes),
        test: Metrics::of(&test_logits, &test.labels(), classes),
        baselines,
        guards: Vec::new(),
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
    run.write_json("report.json", SCHEMA, &report)?;
    Ok(report)
}

/// Refuses a model that will not fit (EF20).
fn fits(graph: &Graph, device: &Profile) -> Result<()> {
    let shapes = InputShapes::bind(graph, 1, None)?;
    let check = check(graph, &shapes, &Request::new(device))?;
    match check.verdict {
        Verdict::DoesNotFit => Err(Error::DoesNotFit(Box::new(check))),
        _ => Ok(()),
    }
}

/// Refuses a stage that will not fit this machine's memory.
fn fits_memory(
    job: &Job,
    model: &Model,
    backbone: &Graph,
    engine: EngineName,
    samples: usize,
) -> Result<StageMemory> {
    let available = match job.memory {
        Some(given) => given,
        None => memory::available_bytes()?,
    };
    let head = model.head.extract(&model.graph)?;
    StageMemory::check("probe", job.recipe.batch, available, |batch| {
        memory::probe(backbone, &head, engine, batch, samples)
    })
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
