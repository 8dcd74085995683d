//! `edgefit train`.

mod figures;
mod memory;
mod mistakes;

use std::path::{Path, PathBuf};

use edgefit::assets::Cache;
use edgefit::cost::Verdict;
use edgefit::device::Profile;
use edgefit::engine::EngineName;
use edgefit::graph::{Error as GraphError, Task};
use edgefit::guards::{Code, Finding, Status};
use edgefit::train::{self, Candidate, Job, Recipe, Report, SCHEMA, Stage, StageName, Tuning};
use edgefit::verify as parity;
use serde::Serialize;

use super::{discover, in_file, threads};
use crate::cli::{Deny, Fitting, Setup, Train};
use crate::output::{Outcome, Output, table};
use crate::paint::Tone;
use crate::progress::{Bars, end_well_on_ctrl_c};
use crate::tables;
use edgefit::base::units::format;

pub fn run(args: Train, output: &mut Output) -> anyhow::Result<Outcome> {
    let cache = Cache::of_user()?;
    if let Err(missing) = discover(&cache) {
        output.warn(&format!("{missing}; going on with tract"));
    }
    end_well_on_ctrl_c()?;
    let report = match args {
        Train {
            data: Some(data),
            backbone: Some(backbone),
            device: Some(device),
            output: Some(run),
            preprocessing,
            fitting,
            ..
        } => {
            let job = Job {
                preprocessing,
                ..job(
                    fitting,
                    &cache,
                    Places {
                        data,
                        backbone,
                        device: edgefit::device::find(&device)?,
                        run,
                    },
                )?
            };
            let made = train::train(&job, &mut Bars::default());
            train(&job.backbone, made, output)?
        }
        Train {
            resume: Some(run), ..
        } => {
            let made = train::resume(&run, &mut Bars::default());
            train(&run, made, output)?
        }
        _ => anyhow::bail!("give DATA, --backbone, --device and --output, or --resume"),
    };
    let Some(report) = report else {
        return Ok(Outcome::No);
    };
    output.result(SCHEMA, &report, || {
        format!(
            "{}\n{}",
            human_readable(&report),
            tables::check::verdict_and_budgets(&report.check)
        )
    })?;
    Ok(outcome(&report))
}

/// What is trained on what, for what, and where it goes.
pub struct Places {
    pub data: PathBuf,
    pub backbone: PathBuf,
    pub device: Profile,
    pub run: PathBuf,
}

/// The job that the flags ask for.
pub fn job(fitting: Fitting, cache: &Cache, places: Places) -> anyhow::Result<Job> {
    let existing = fitting.existing();
    let mut job = set_up(fitting.setup, cache, places)?;
    job.recipe.each_stage(|stage| {
        stage.epochs = fitting
            .epochs
            .map_or(stage.epochs, |epochs| epochs as usize);
        stage.learning_rate = fitting.lr.unwrap_or(stage.learning_rate);
    });
    // A learning rate that the user gives is not replaced.
    job.recipe.learning_rate_search &= fitting.lr.is_none();
    let mut stages = fitting.stages;
    stages.sort_unstable();
    stages.dedup();
    if stages.is_empty() {
        stages.push(StageName::Probe);
    }
    Ok(Job {
        stages,
        tune: fitting.tune.map(|count| count as usize),
        allow: fitting.allow.into_iter().collect(),
        existing,
        deny_warnings: fitting.deny == Some(Deny::Warnings),
        ..job
    })
}

/// A job on the data, the backbone and the recipe that the flags name.
pub fn set_up(setup: Setup, cache: &Cache, places: Places) -> anyhow::Result<Job> {
    let mut recipe = Recipe::find(&setup.recipe)?;
    recipe.seed = setup.seed.unwrap_or(recipe.seed);
    recipe.each_stage(|stage| {
        stage.batch = setup.batch.map_or(stage.batch, |batch| batch as usize);
    });
    Ok(Job {
        task: setup.task,
        cache: cache.root().to_path_buf(),
        head: setup.head,
        freeze_to: setup.freeze_to,
        input_shape: setup.input_shape.map(|shape| shape.0),
        engine: setup.engine,
        threads: threads(setup.threads),
        strict: setup.strict,
        recipe,
        command: std::env::args_os()
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
        ..Job::new(&places.data, &places.backbone, places.device, &places.run)
    })
}

#[derive(Serialize)]
struct Refused<'a> {
    refused: Code,
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<&'a edgefit::cost::Check>,
    guards: &'a [Finding],
}

/// The report of a job; `None` when it was refused because the model cannot fit the device, or
/// ended by a guard. `about` is what errors without a place are about.
pub fn train(
    about: &Path,
    made: train::Result<Report>,
    output: &mut Output,
) -> anyhow::Result<Option<Report>> {
    match made {
        Ok(report) => Ok(Some(report)),
        Err(train::Error::DoesNotFit(check)) => {
            let refused = Refused {
                refused: Code::Ef20,
                check: Some(&check),
                guards: &[],
            };
            output.result(SCHEMA, &refused, || {
                format!(
                    "not trained (EF20): {}",
                    tables::check::verdict_and_budgets(&check)
                )
            })?;
            Ok(None)
        }
        Err(error @ train::Error::Guard { .. }) => {
            let words = error.to_string();
            if let train::Error::Guard { code, guards, .. } = &error {
                let refused = Refused {
                    refused: *code,
                    check: None,
                    guards,
                };
                output.result(SCHEMA, &refused, || {
                    format!("{}\nended by {words}", findings(guards))
                })?;
            }
            Ok(None)
        }
        Err(error) => Err(placed(about, error)),
    }
}

/// Puts the name of a file before errors about what is in a model, which do not know where it came from.
pub fn placed(about: &Path, error: train::Error) -> anyhow::Error {
    match error {
        train::Error::Stopped(_)
        | train::Error::Engine(_)
        | train::Error::Burn(_)
        | train::Error::Graph(GraphError::Invalid { .. } | GraphError::Unsupported(_)) => {
            in_file(about)(error)
        }
        error => error.into(),
    }
}

/// Done, unless the user ended it, a guard failed, the engines disagree or the export does not fit.
pub fn outcome(report: &Report) -> Outcome {
    let agree = parity::Verdict::of(&report.parity) == parity::Verdict::Agree;
    let failed = report
        .guards
        .iter()
        .any(|found| found.status == Status::Failed);
    let done = !report.interrupted && !failed;
    let fits = report.check.verdict == Verdict::Fits || !report.check.fits_if.is_empty();
    (done && agree && fits).into()
}

/// What guards have to say: those that found something, and how many did not.
fn findings(guards: &[Finding]) -> String {
    let mut rows = table(&["guard", "", "what it found"]);
    let (said, silent): (Vec<_>, Vec<_>) = guards
        .iter()
        .partition(|found| ![Status::Pass, Status::Off].contains(&found.status));
    for found in &said {
        let status = match found.status {
            Status::Fixed => Tone::Good.paint("fixed"),
            Status::Warning => Tone::Unsure.paint("WARNING"),
            _ => Tone::Bad.paint("FAILED"),
        };
        rows.add_row([&found.code.to_string(), &status, &found.message]);
    }
    let passed = silent
        .iter()
        .filter(|found| found.status == Status::Pass)
        .count();
    let off = silent.len() - passed;
    let rest = format!("guards: {passed} passed, {off} had nothing to look at");
    if said.is_empty() {
        rest
    } else {
        format!("{rows}\n{rest}")
    }
}

/// What tuning tried, and what it chose.
fn tuning(tuning: &Tuning) -> String {
    let mut rows = table(&[
        "tuned on val",
        "learning rate",
        "weight decay",
        "smoothing",
        "augmentation",
        "val",
        "val loss",
    ]);
    let mut row = |name: &str, made: &Candidate| {
        let last = made.rungs.last();
        let accuracy = last.and_then(|rung| rung.val_accuracy);
        let loss = last.and_then(|rung| rung.val_loss);
        rows.add_row([
            name.to_owned(),
            format!("{:.1e}", made.learning_rate),
            format!("{:.1e}", made.weight_decay),
            format!("{:.3}", made.label_smoothing),
            format!("× {}", made.augmentation),
            accuracy.map_or("–".to_owned(), format::percent),
            loss.map_or("–".to_owned(), |loss| format!("{loss:.4}")),
        ]);
    };
    if let Some(own) = tuning.candidates.first() {
        row("the recipe", own);
    }
    match tuning.candidates.get(tuning.chosen) {
        Some(chosen) if tuning.chosen > 0 => row("chosen", chosen),
        _ => {}
    }
    let others = tuning.candidates.len().saturating_sub(1);
    let taken = match tuning.chosen {
        0 => format!("none of {others} others was clearly better than the recipe"),
        _ => format!("the best of {others} others; recipe.toml in the run folder has it"),
    };
    format!("{rows}\n{taken}\n")
}

/// A row a stage.
fn stages(stages: &[Stage]) -> String {
    let mut rows = table(&[
        "stage",
        "trained behind",
        "parameters",
        "epochs",
        "val",
        "val loss",
        "time",
        "",
    ]);
    for stage in stages {
        let behind = match (stage.name, &stage.frozen_to) {
            (StageName::Probe, _) => "the backbone",
            (_, Some(node)) => node.as_str(),
            (_, None) => "the input",
        };
        rows.add_row([
            stage.name.to_string(),
            behind.to_owned(),
            format::count(stage.parameters as u64),
            format!("{} (best {})", stage.epochs.len(), stage.best_epoch),
            stage.val_accuracy.map_or("–".to_owned(), format::percent),
            format!("{:.4}", stage.val_loss),
            format::seconds(stage.duration_ns),
            if stage.kept {
                "kept".to_owned()
            } else {
                "discarded: no better".to_owned()
            },
        ]);
    }
    rows.to_string()
}

/// The result in words: figures next to those of the baselines, parity, the file.
pub fn human_readable(report: &Report) -> String {
    let counts: Vec<String> = report
        .counts
        .iter()
        .zip(["train", "val", "test"])
        .map(|(counts, split)| match counts.groups {
            0 => format!("{} {split}", counts.total),
            groups => format!("{} {split} ({groups} groups)", counts.total),
        })
        .collect();
    let outputs = report.classes.len();
    let told = match report.task {
        Task::Classes => format!("in {outputs} classes"),
        Task::MultiLabel => format!("with {outputs} labels"),
        Task::Regression => format!("with {outputs} regression targets"),
    };
    let cached = match report.cached_features {
        0 => String::new(),
        cached => format!(" ({cached} from the cache)"),
    };
    let memory: Vec<String> = report.memory.iter().map(memory::of_stage).collect();
    format!(
        "samples: {} {told}\n{}\nfeatures by {}{cached} in {}\n{}{}\n{}\n{}{}\n{}\nmodel: {}{}",
        counts.join(", "),
        memory.join("\n"),
        report.engine,
        format::seconds(report.timing.features_ns),
        report.tuning.as_ref().map_or(String::new(), tuning),
        stages(&report.stages),
        figures::human_readable(report),
        mistakes::human_readable(report),
        pairs(&report.parity),
        findings(&report.guards),
        report.exported.path.display(),
        ended_early(report),
    )
}

/// What is to be known of a run that the user ended.
fn ended_early(report: &Report) -> String {
    if !report.interrupted {
        return String::new();
    }
    let run = report.run.display();
    let beside = if report.exported.path.parent() == Some(&report.run) {
        String::new()
    } else {
        format!("; the run that it is to replace is as it was in {run}")
    };
    format!(
        "\nended before its time, with the best so far; `edgefit train --resume {run}` goes on{beside}"
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
        let within = if pair.within {
            Tone::Good.paint("yes")
        } else {
            Tone::Bad.paint("NO")
        };
        rows.add_row([
            format!("{} – {}", pair.a, pair.b),
            format!("{:.1e}", pair.max_abs),
            format!("{:.6}", pair.cosine),
            format::percent(pair.top1_agree),
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
