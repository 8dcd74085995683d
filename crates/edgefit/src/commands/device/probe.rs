//! `device probe`: measures this machine or a board into a profile.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Context;
use edgefit::assets::Cache;
use edgefit::base::file::{ensure_place, write_atomically};
use edgefit::device::{Gpus, Profile};
use edgefit::engine::child::Launch;
use edgefit::engine::onnxruntime::LIBRARY_VARIABLE;
use edgefit::engine::{EngineName, Measurement};
use edgefit::graph::Graph;
use edgefit::import::arch::ARCHITECTURES;
use edgefit::probe::{Error, Probed, Request, probe};
use edgefit::remote::RemoteRunner;
use edgefit::terminal::progress::{Bars, spinner};
use edgefit::terminal::report;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::discover;
use crate::board;
use crate::cli::Probe;
use crate::output::{Outcome, Output};

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
    let probed = match board::connect(&args.remote, output)? {
        Some(remote) => there(&remote, &args, output)?,
        None => here(&args, output)?,
    };
    if let Some(path) = &args.output {
        let text =
            toml::to_string(&probed.profile).context("the profile cannot be written as TOML")?;
        write_atomically(path, |file| file.write_all(text.as_bytes()))?;
    }
    let found = Found {
        profile: &probed.profile,
        gpus: &probed.gpus,
    };
    output.result(SCHEMA, &found, || {
        let mut text = report::probed(&probed);
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
