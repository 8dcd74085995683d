use std::path::PathBuf;

use edgefit::assets::Cache;
use edgefit::cost::Verdict;
use edgefit::device::Profile;
use edgefit::engine::EngineName;
use edgefit::engine::parity;
use edgefit::graph::Error as GraphError;
use edgefit::train::head::Recipe;
use edgefit::train::memory::StageMemory;
use edgefit::train::metrics::Metrics;
use edgefit::train::{self, Job, Report, SCHEMA};
use serde::Serialize;

use super::{check, discover, in_file, threads};
use crate::cli::{Fitting, Train};
use crate::human;
use crate::output::{Outcome, Output, table};
use crate::progress::Bars;

pub fn run(args: Train, output: &mut Output) -> anyhow::Result<Outcome> {
    let cache = Cache::of_user()?;
    let device = edgefit::device::find(&args.device)?;
    if let Err(missing) = discover(&cache) {
        output.warn(&format!("{missing}; going on with tract"));
    }
    let job = job(
        args.fitting,
        &cache,
        args.data,
        args.backbone,
        device,
        args.output,
        args.preprocessing,
    );
    let Some(report) = train(&job, output)? else {
        return Ok(Outcome::No);
    };
    output.result(SCHEMA, &report, || {
        format!("{}\n{}", people(&report), check::people(&report.check))
    })?;
    Ok(outcome(&report))
}

/// The job that the flags ask for.
pub fn job(
    fitting: Fitting,
    cache: &Cache,
    data: PathBuf,
    backbone: PathBuf,
    device: Profile,
    run: PathBuf,
    preprocessing: Option<String>,
) -> Job {
    Job {
        data,
        backbone,
        device,
        run,
        cache: cache.root().to_path_buf(),
        preprocessing,
        head: fitting.head,
        input_shape: fitting.input_shape.map(|shape| shape.0),
        engine: fitting.engine,
        threads: threads(fitting.threads),
        strict: fitting.strict,
        recipe: Recipe {
            epochs: fitting.epochs as usize,
            batch: fitting.batch as usize,
            rate: fitting.lr,
            seed: fitting.seed,
            ..Recipe::default()
        },
        memory: None,
    }
}

#[derive(Serialize)]
struct Refused<'a> {
    refused: &'a str,
    check: &'a edgefit::cost::Check,
}

/// Runs a job; `None` when it was refused because the model cannot fit the device.
pub fn train(job: &Job, output: &mut Output) -> anyhow::Result<Option<Report>> {
    match train::train(job, &mut Bars::default()) {
        Ok(report) => Ok(Some(report)),
        Err(train::Error::DoesNotFit(check)) => {
            let refused = Refused {
                refused: "EF20",
                check: &check,
            };
            output.result(SCHEMA, &refused, || {
                format!("not trained (EF20): {}", check::people(&check))
            })?;
            Ok(None)
        }
        // Errors about what is in the model do not know which file it came from.
        Err(
            error @ (train::Error::Stopped(_)
            | train::Error::Engine(_)
            | train::Error::Burn(_)
            | train::Error::Graph(GraphError::Invalid { .. } | GraphError::Unsupported(_))),
        ) => Err(in_file(&job.backbone)(error)),
        Err(error) => Err(error.into()),
    }
}

/// Done, unless the engines disagree or the export does not fit.
pub fn outcome(report: &Report) -> Outcome {
    let agree = parity::Verdict::of(&report.parity) == parity::Verdict::Agree;
    (agree && report.check.verdict == Verdict::Fits).into()
}

/// What came out: figures with the baselines beside them, parity, where it lies.
pub fn people(report: &Report) -> String {
    let mut figures = table(&[
        "test",
        "accuracy",
        "95 % interval",
        "balanced",
        "macro F1",
        "val",
    ]);
    let mut row = |name: &str, test: &Metrics, val: &Metrics| {
        let [low, high] = test.accuracy_interval;
        figures.add_row([
            name.to_owned(),
            human::percent(test.accuracy),
            format!("{} – {}", human::percent(low), human::percent(high)),
            human::percent(test.balanced_accuracy),
            format!("{:.3}", test.macro_f1),
            human::percent(val.accuracy),
        ]);
    };
    row("this model", &report.test, &report.val);
    for baseline in &report.baselines {
        row(baseline.name, &baseline.test, &baseline.val);
    }
    let counts: Vec<String> = report
        .counts
        .iter()
        .zip(["train", "val", "test"])
        .map(|(counts, part)| format!("{} {part}", counts.samples.iter().sum::<usize>()))
        .collect();
    let cached = match report.cached_features {
        0 => String::new(),
        cached => format!(" ({cached} from the cache)"),
    };
    let memory: Vec<String> = report.memory.iter().map(memory).collect();
    format!(
        "images: {} in {} classes\n{}\nfeatures by {}{cached} in {}, head in {}\n{figures}\n{}\nmodel: {}",
        counts.join(", "),
        report.classes.len(),
        memory.join("\n"),
        report.engine,
        human::seconds(report.timing.features_ns),
        human::seconds(report.timing.head_ns),
        pairs(&report.parity),
        report.exported.path.display(),
    )
}

/// What a stage was said to need, and what it took.
fn memory(stage: &StageMemory) -> String {
    let measured = stage.measured_peak_bytes.map_or(String::new(), |bytes| {
        format!(", {} measured", human::bytes(bytes))
    });
    format!(
        "memory of stage {} at batch {}: {} predicted{measured}, {} free; the largest batch that fits is {}",
        stage.stage,
        stage.batch,
        human::bytes(stage.predicted_bytes),
        human::bytes(stage.available_bytes),
        stage.largest_batch,
    )
}

/// A row a pair of engines.
pub fn pairs(pairs: &[parity::Pair]) -> String {
    let mut rows = table(&[
        "parity",
        "largest difference",
        "cosine",
        "same top-1",
        "within tolerance",
    ]);
    for pair in pairs {
        let within = if pair.within { "yes" } else { "NO" };
        rows.add_row([
            format!("{} – {}", pair.a, pair.b),
            format!("{:.1e}", pair.max_abs),
            format!("{:.6}", pair.cosine),
            human::percent(pair.top1_agree),
            within.to_owned(),
        ]);
    }
    let mut text = rows.to_string();
    if !pairs
        .iter()
        .any(|pair| [pair.a, pair.b].contains(&EngineName::OnnxRuntime))
    {
        text.push_str("\nnot compared with ONNX Runtime, which is not there");
    }
    text
}
