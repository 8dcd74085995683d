use std::path::{Path, PathBuf};
use std::time::Instant;

use edgefit_cost::{Check, Verdict, check};
use edgefit_data::{Dataset, Part, Sample, decode, prepare, split};
use edgefit_device::Profile;
use edgefit_engine::parity::{Pair, Tolerance, across};
use edgefit_engine::{Array, EngineName, fastest, onnxruntime};
use edgefit_graph::infer::InputShapes;
use edgefit_graph::preprocessing::NAMES;
use edgefit_graph::rewrite::{CutSoftmax, Head, cut_softmax, replace_head};
use edgefit_graph::{Dim, Graph, Preprocessing, labels};
use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::events::Observer;
use crate::features::{Entry, THUMBNAIL, extract};
use crate::head::{self, Fit, Recipe, Samples, class_weights, log_prior_bias};
use crate::metrics::Metrics;
use crate::report::{Baseline, Exported, PartCounts, Report, Stage, Timing, Unreadable};
use crate::run_folder::RunFolder;

/// Most validation images that the engines are compared on.
const PARITY_IMAGES: usize = 16;

/// Images of a batch through the exported model.
const BATCH: usize = 16;

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
    /// Name of the preprocessing, for a model that carries none.
    pub preprocessing: Option<String>,
    /// Engine for the frozen backbone; the fastest that is there by default.
    pub engine: Option<EngineName>,
    /// Threads of the engine.
    pub threads: usize,
    /// Whether an image that cannot be read ends the job.
    pub strict: bool,
    /// How the head is fitted.
    pub recipe: Recipe,
}

/// The samples of one part.
struct PartSamples<'a> {
    samples: Vec<&'a Sample>,
    entries: Vec<&'a Entry>,
}

/// Runs the whole job: features, baselines, head, export, test, parity, check.
///
/// # Errors
/// What is wrong with the inputs, with the place and the mend; [`Error::DoesNotFit`] before the
/// first step when the model cannot fit the device.
pub fn train(job: &Job, observer: &mut dyn Observer) -> Result<Report> {
    let started = Instant::now();
    let mut timing = Timing::default();
    let mut model = Model::load(job)?;
    let dataset = Dataset::scan(&job.data)?;
    let classes = dataset.classes.len();
    if dataset.other_files > 0 {
        let count = dataset.other_files;
        observer.warn(&format!(
            "{count} files in {} are not images and were ignored",
            job.data.display()
        ));
    }
    let engine = job.engine.unwrap_or_else(fastest);

    // Weights of 0 have the size of trained ones: what does not fit is refused before the work.
    let width = model.head.inputs;
    model.replace_head(&vec![0.0; classes * width], &vec![0.0; classes])?;
    fits(&model.finished(&dataset.classes), &job.device)?;

    let mut run = RunFolder::create(&job.run)?;
    let clock = Instant::now();
    let backbone = model.head.backbone(&model.graph)?;
    let extracted = extract(
        &backbone,
        &model.preprocessing,
        engine,
        job.threads,
        &dataset.samples,
        &job.cache.join("features"),
        observer,
    )?;
    timing.features_ns = nanoseconds(clock);
    let unreadable = unreadable(job, &dataset, &extracted.entries, observer)?;
    let parts = divide(job, &dataset, &extracted.entries)?;
    let [training, validation, test] = &parts;
    run.write_json("splits.json", &SplitFile::of(&parts))?;

    let train_samples = training.features();
    let val_samples = validation.features();
    let weights = class_weights(&train_samples.labels, classes);
    let bias = log_prior_bias(&train_samples.labels, &weights);

    let clock = Instant::now();
    let baselines = baselines(job, &parts, &weights, &bias, observer)?;
    timing.baselines_ns = nanoseconds(clock);

    let clock = Instant::now();
    model.replace_head(&vec![0.0; classes * width], &bias)?;
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
    for epoch in &epochs {
        run.event(&serde_json::json!({"event": "epoch", "stage": "probe", "epoch": epoch}))?;
    }
    let (val_logits, _) = head::evaluate(&module, &val_samples, &weights)?;

    module.write_into(&mut head_graph)?;
    let (weight, bias) = Head::of(&head_graph)?.weights(&head_graph)?;
    model.replace_head(&weight, &bias)?;
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
    let images = &validation.samples[..validation.samples.len().min(PARITY_IMAGES)];
    let parity = parity(&exported, &preprocessing, images, job.threads, observer)?;
    timing.parity_ns = nanoseconds(clock);

    let shapes = InputShapes::bind(&exported, 1, None)?;
    let check = check(&exported, &shapes, &job.device)?;
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
            parameters: weight.len() + bias.len(),
            best_epoch,
            epochs,
        }],
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
    run.write_json("report.json", &report)?;
    Ok(report)
}

/// The backbone with its classifier, ending in logits.
struct Model {
    graph: Graph,
    softmax: Option<CutSoftmax>,
    head: Head,
    preprocessing: Preprocessing,
}

impl Model {
    fn load(job: &Job) -> Result<Self> {
        let mut graph = Graph::load(&job.backbone)?;
        let problem = |problem: String| Error::Backbone {
            path: job.backbone.clone(),
            problem,
        };
        let carried = Preprocessing::of(&graph).map_err(|error| problem(error.to_string()))?;
        let preprocessing = match (&job.preprocessing, carried) {
            (Some(name), _) => named(name, &graph).map_err(problem)?,
            (None, Some(carried)) => carried,
            (None, None) => {
                return Err(problem(format!(
                    "does not say how its images are to be prepared; give --preprocessing, one of \
                     {}",
                    NAMES.join(", ")
                )));
            }
        };
        let softmax = cut_softmax(&mut graph);
        let head = Head::of(&graph).map_err(|error| problem(error.to_string()))?;
        Ok(Model {
            graph,
            softmax,
            head,
            preprocessing,
        })
    }

    fn replace_head(&mut self, weight: &[f32], bias: &[f32]) -> Result<()> {
        replace_head(&mut self.graph, &self.head, weight, bias)?;
        self.head = Head::of(&self.graph)?;
        Ok(())
    }

    /// The model as it is exported: self-describing, and ending as the original did.
    fn finished(&self, classes: &[String]) -> Graph {
        let mut graph = self.graph.clone();
        if let Some(softmax) = self.softmax.clone() {
            softmax.restore(&mut graph);
        }
        self.preprocessing.store(&mut graph);
        labels::store(&mut graph, classes);
        graph
    }
}

/// The preprocessing called `name` for the input size that the graph declares.
fn named(name: &str, graph: &Graph) -> Result<Preprocessing, String> {
    let input = graph.free_inputs().next().and_then(|input| input.dims());
    let Some(&[_, _, Dim::Known(height), Dim::Known(width)]) = input else {
        return Err(
            "its input has no fixed size (batch, 3, height, width); export it with one".into(),
        );
    };
    let side = |size: usize| u32::try_from(size).map_err(|_| "its input is too large".to_owned());
    Preprocessing::named(name, side(width)?, side(height)?).ok_or_else(|| {
        format!(
            "preprocessing '{name}' is not known; it is one of {}",
            NAMES.join(", ")
        )
    })
}

/// Refuses a model that will not fit (EF20).
fn fits(graph: &Graph, device: &Profile) -> Result<()> {
    let shapes = InputShapes::bind(graph, 1, None)?;
    let check: Check = check(graph, &shapes, device)?;
    match check.verdict {
        Verdict::DoesNotFit => Err(Error::DoesNotFit(Box::new(check))),
        _ => Ok(()),
    }
}

fn unreadable(
    job: &Job,
    dataset: &Dataset,
    entries: &[Result<Entry, String>],
    observer: &mut dyn Observer,
) -> Result<Vec<Unreadable>> {
    let unreadable: Vec<Unreadable> = dataset
        .samples
        .iter()
        .zip(entries)
        .filter_map(|(sample, entry)| {
            Some(Unreadable {
                path: sample.relative.clone(),
                problem: entry.as_ref().err()?.clone(),
            })
        })
        .collect();
    if let (true, Some(first)) = (job.strict, unreadable.first()) {
        return Err(edgefit_data::Error::Image {
            path: dataset.root.join(&first.path),
            detail: first.problem.clone(),
        }
        .into());
    }
    for image in &unreadable {
        observer.warn(&format!("{}: {}; left out", image.path, image.problem));
    }
    if unreadable.len() > 1 {
        observer.warn(&format!(
            "{} images could not be read and were left out",
            unreadable.len()
        ));
    }
    Ok(unreadable)
}

/// The readable samples in train, val and test.
fn divide<'a>(
    job: &Job,
    dataset: &'a Dataset,
    entries: &'a [Result<Entry, String>],
) -> Result<[PartSamples<'a>; 3]> {
    let readable: Vec<(&Sample, &Entry)> = dataset
        .samples
        .iter()
        .zip(entries)
        .filter_map(|(sample, entry)| Some((sample, entry.as_ref().ok()?)))
        .collect();
    let classes: Vec<usize> = readable.iter().map(|(sample, _)| sample.class).collect();
    let given: Vec<Option<Part>> = readable.iter().map(|(sample, _)| sample.part).collect();
    let too_few = |class: usize, count: usize| edgefit_data::Error::Dataset {
        path: dataset.root.clone(),
        problem: format!(
            "class '{}' has {count} readable images to train on, too few to hold some out; add \
             some, or remove the class",
            dataset.classes[class]
        ),
    };
    let absent = (0..dataset.classes.len()).find(|class| !classes.contains(class));
    if let Some(class) = absent {
        return Err(too_few(class, 0).into());
    }
    let parts =
        split(&classes, &given, job.recipe.seed).map_err(|(class, count)| too_few(class, count))?;
    Ok([Part::Train, Part::Val, Part::Test].map(|wanted| {
        let members = readable
            .iter()
            .zip(&parts)
            .filter(|(_, part)| **part == wanted);
        let (samples, entries) = members.map(|(member, _)| *member).unzip();
        PartSamples { samples, entries }
    }))
}

impl PartSamples<'_> {
    fn labels(&self) -> Vec<usize> {
        self.samples.iter().map(|sample| sample.class).collect()
    }

    fn count(&self, class: usize) -> usize {
        self.samples
            .iter()
            .filter(|sample| sample.class == class)
            .count()
    }

    fn features(&self) -> Samples {
        let features = self.entries.iter().flat_map(|entry| &entry.features);
        Samples {
            features: features.copied().collect(),
            labels: self.labels(),
        }
    }

    /// Pixels scaled to −1 … 1.
    fn pixels(&self) -> Samples {
        let pixels = self.entries.iter().flat_map(|entry| &entry.pixels);
        Samples {
            features: pixels
                .map(|&pixel| f32::from(pixel) / 127.5 - 1.0)
                .collect(),
            labels: self.labels(),
        }
    }
}

#[derive(Serialize)]
struct SplitFile<'a> {
    train: Vec<&'a str>,
    val: Vec<&'a str>,
    test: Vec<&'a str>,
}

impl<'a> SplitFile<'a> {
    fn of(parts: &'a [PartSamples; 3]) -> Self {
        let [train, val, test] = parts.each_ref().map(|part| {
            part.samples
                .iter()
                .map(|sample| sample.relative.as_str())
                .collect()
        });
        SplitFile { train, val, test }
    }
}

/// The most frequent class, and a linear classifier on small thumbnails.
fn baselines(
    job: &Job,
    parts: &[PartSamples; 3],
    weights: &[f32],
    bias: &[f32],
    observer: &mut dyn Observer,
) -> Result<Vec<Baseline>> {
    let classes = weights.len();
    let [training, validation, test] = parts;
    let most = (0..classes)
        .rev()
        .max_by_key(|&class| training.count(class))
        .unwrap_or(0);
    let constant = |part: &PartSamples| {
        Metrics::of_predictions(&vec![most; part.samples.len()], &part.labels(), classes)
    };
    let majority = Baseline {
        name: "majority",
        val: constant(validation),
        test: constant(test),
    };

    observer.begin("raw pixels", job.recipe.epochs as u64);
    let head = head::linear(3 * (THUMBNAIL * THUMBNAIL) as usize, bias);
    // Thousands of raw inputs want smaller steps than features do.
    let recipe = Recipe {
        rate: job.recipe.rate / 10.0,
        ..job.recipe
    };
    let fit = head::fit(
        &head,
        &training.pixels(),
        &validation.pixels(),
        weights,
        &recipe,
        observer,
    )?;
    observer.end();
    let measured = |part: &PartSamples| -> Result<Metrics> {
        let (logits, _) = head::evaluate(&fit.module, &part.pixels(), weights)?;
        Ok(Metrics::of(&logits, &part.labels(), classes))
    };
    let pixels = Baseline {
        name: "raw pixels",
        val: measured(validation)?,
        test: measured(test)?,
    };
    Ok(vec![majority, pixels])
}

/// The model's input for `samples`, read anew from their files.
fn inputs(samples: &[&Sample], preprocessing: &Preprocessing) -> Result<Array> {
    let images = samples
        .par_iter()
        .map(|sample| {
            let bytes =
                std::fs::read(&sample.path).map_err(|source| edgefit_data::Error::Read {
                    path: sample.path.clone(),
                    source,
                })?;
            decode(&bytes)
                .and_then(|image| prepare(&image, preprocessing))
                .map_err(|detail| edgefit_data::Error::Image {
                    path: sample.path.clone(),
                    detail,
                })
        })
        .collect::<Result<Vec<Vec<f32>>, _>>()?;
    let (height, width) = (preprocessing.height as usize, preprocessing.width as usize);
    Ok(Array {
        dims: vec![samples.len(), 3, height, width],
        values: images.concat(),
    })
}

fn predict(
    model: &Graph,
    preprocessing: &Preprocessing,
    engine: EngineName,
    threads: usize,
    samples: &[&Sample],
    observer: &mut dyn Observer,
) -> Result<Vec<f32>> {
    let mut engine = edgefit_engine::load(engine, model, threads)?;
    let mut logits = Vec::new();
    observer.begin("test", samples.len() as u64);
    for (index, batch) in samples.chunks(BATCH).enumerate() {
        let outputs = engine.run(&[inputs(batch, preprocessing)?])?;
        logits.extend(
            outputs
                .into_iter()
                .next()
                .map(|output| output.values)
                .unwrap_or_default(),
        );
        observer.progress((index * BATCH + batch.len()) as u64, "");
    }
    observer.end();
    Ok(logits)
}

fn parity(
    model: &Graph,
    preprocessing: &Preprocessing,
    samples: &[&Sample],
    threads: usize,
    observer: &mut dyn Observer,
) -> Result<Vec<Pair>> {
    let available =
        |engine: &EngineName| *engine != EngineName::OnnxRuntime || onnxruntime::found().is_some();
    let engines: Vec<EngineName> = EngineName::ALL.iter().copied().filter(available).collect();
    observer.begin("parity", 1);
    let input = inputs(samples, preprocessing)?;
    let pairs = across(model, &engines, &[input], threads, Tolerance::F32)?;
    observer.end();
    Ok(pairs)
}

fn sha256(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|source| edgefit_graph::Error::Read {
        path: path.to_path_buf(),
        source,
    })?;
    let digest = Sha256::digest(bytes);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
