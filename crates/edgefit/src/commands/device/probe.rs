//! `device probe`: measures this machine or a board into a profile.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Context;
use edgefit::assets::Cache;
use edgefit::base::file::{ensure_place, write_atomically};
use edgefit::device::gpu::Reading;
use edgefit::device::{Gpus, Profile};
use edgefit::engine::child::Launch;
use edgefit::engine::onnxruntime::LIBRARY_VARIABLE;
use edgefit::engine::{EngineName, Measurement};
use edgefit::graph::Graph;
use edgefit::import::arch::ARCHITECTURES;
use edgefit::probe::{Error, Probed, Request, probe};
use edgefit::remote::RemoteRunner;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::discover;
use crate::board;
use crate::cli::Probe;
use crate::output::{Outcome, Output};
use crate::progress::{Bars, spinner};
use crate::tables;
use edgefit::base::units::format;

const SCHEMA: &str = "edgefit.device/1";

/// Runs of a model that is measured in a process of its own, at least, and their time.
const RUNS: &str = "10";
const MILLISECONDS: &str = "250";

/// Classes of the networks that predictions are tried on: those of ImageNet.
const CLASSES: usize = 1000;

#[derive(Serialize)]
struct Found<'a> {
    #[serde(flatten)]
    profile: &'a Profile,
    gpus: &'a Gpus,
}

/// Measures this machine.
fn here(args: &Probe, output: &mut Output) -> anyhow::Result<Probed> {
    let mut engines = vec![EngineName::Tract];
    let library = match discover(&Cache::of_user()?) {
        Ok(found) => {
            engines.push(EngineName::OnnxRuntime);
            Some(found.path.clone())
        }
        Err(missing) => {
            output.warn(&format!("tract alone is measured: {missing}"));
            None
        }
    };
    let binary = std::env::current_exe().context("cannot find edgefit's own binary")?;
    let threads = args.threads.to_string();
    let run = |engine: EngineName, model: &Path, shapes: &[Vec<usize>]| {
        let engine_name = engine.to_string();
        let options = [
            "--json",
            "run-model",
            "--engine",
            &engine_name,
            "--threads",
            &threads,
        ];
        let effort = ["--runs", RUNS, "--milliseconds", MILLISECONDS];
        let mut arguments: Vec<OsString> = options.iter().chain(&effort).map(Into::into).collect();
        for shape in shapes {
            let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
            arguments.extend(["--input-shape".into(), sizes.join("x").into()]);
        }
        arguments.push(model.into());
        let variables = library.iter();
        let variables = variables.map(|path| (LIBRARY_VARIABLE.to_owned(), path.into()));
        let launch = Launch {
            binary: binary.clone(),
            arguments,
            variables: variables.collect(),
        };
        let ran = launch.document::<Measurement>();
        ran.map_err(|error| Error::Child {
            engine,
            detail: error.to_string(),
        })
    };
    let name = profile_name(args.output.as_deref());
    let networks: Vec<Graph> = ARCHITECTURES
        .iter()
        .map(|arch| arch.blank(CLASSES))
        .collect();
    let request = Request {
        name: &name,
        engines: &engines,
        threads: args.threads as usize,
        nvml: args.nvml_lib.as_deref(),
        networks: &networks,
        run: &run,
    };
    Ok(probe(&request, &mut Bars::default())?)
}

/// Measures the board.
fn there(remote: &RemoteRunner, args: &Probe, output: &mut Output) -> anyhow::Result<Probed> {
    let threads = args.threads.to_string();
    let mut arguments = vec!["device", "probe", "--threads", &threads];
    if let Some(library) = &args.nvml_lib {
        let library = library.to_str().context("--nvml-lib is not UTF-8")?;
        arguments.extend(["--nvml-lib", library]);
    }
    let mut answer: Map<String, Value> = {
        let _spinner = spinner("measuring the board, which takes minutes");
        remote.ask(&arguments, SCHEMA, output)?
    };
    let gpus = answer.remove("gpus").unwrap_or_default();
    let read = || {
        let profile: Profile = serde_json::from_value(Value::Object(answer))?;
        serde_json::Result::Ok(Probed {
            gpus: serde_json::from_value(gpus)?,
            profile: Profile {
                name: profile_name(args.output.as_deref()),
                title: profile
                    .title
                    .replacen("this machine", &remote.host().to_string(), 1),
                ..profile
            },
        })
    };
    read().with_context(|| remote.other_build())
}

pub fn run(args: Probe, output: &mut Output) -> anyhow::Result<Outcome> {
    args.output.as_deref().map_or(Ok(()), ensure_place)?;
    let Probed { profile, gpus } = match board::connect(&args.remote, output)? {
        Some(remote) => there(&remote, &args, output)?,
        None => here(&args, output)?,
    };
    if let Some(path) = &args.output {
        let text = toml::to_string(&profile).context("the profile cannot be written as TOML")?;
        write_atomically(path, |file| file.write_all(text.as_bytes()))?;
    }
    let found = Found {
        profile: &profile,
        gpus: &gpus,
    };
    output.result(SCHEMA, &found, || {
        let mut text = format!(
            "{}\n{}",
            tables::profile::figures(&profile),
            gpu_lines(&gpus)
        );
        text.push_str(&rates(&profile));
        match &args.output {
            Some(path) => text.push_str(&format!(
                "\nwritten to {0}; `edgefit check MODEL --device {0}` predicts from it",
                path.display()
            )),
            None => text.push_str("\n-o FILE keeps it as a profile that `check` predicts from"),
        }
        text
    })?;
    Ok(Outcome::Yes)
}

/// The name of the file, as far as a profile may be called that.
fn profile_name(path: Option<&Path>) -> String {
    let stem = path.and_then(|path| path.file_stem()).unwrap_or_default();
    let name: String = stem
        .to_string_lossy()
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    match name.trim_matches('-') {
        "" | "host" => "this-machine".into(),
        name => name.into(),
    }
}

/// Each engine's best rates, its memory, and how far predictions are off.
fn rates(profile: &Profile) -> String {
    let mut lines = String::new();
    for process in &profile.process_memory {
        lines.push_str(&format!(
            "\n{}: a process takes {} before the model",
            process.engine,
            format::bytes(process.loaded.base_bytes)
        ));
    }
    for calibration in &profile.calibrations {
        lines.push_str(&format!(
            "\n{}: predicted latency was within {} on 9 of 10 of {} networks that it was not \
             measured on",
            calibration.engine,
            format::percent(calibration.error_p90),
            calibration.models
        ));
    }
    lines
}

fn gpu_lines(gpus: &Gpus) -> String {
    let mut lines: Vec<String> = gpus
        .gpus
        .iter()
        .enumerate()
        .map(|(index, gpu)| {
            let memory = match &gpu.memory_total_bytes {
                Reading::Value(bytes) => format::bytes(*bytes),
                Reading::Missing(reason) => reason.clone(),
            };
            let name = gpu.name.value().map_or("unnamed", String::as_str);
            format!("GPU {index}: {name}, memory {memory}")
        })
        .collect();
    lines.extend(gpus.reason.as_ref().map(|reason| format!("GPUs: {reason}")));
    lines.join("\n")
}
