//! `device probe`: measures this machine or a board into a profile.

use anyhow::Context;
use edgefit::assets::Cache;
use edgefit::base::file::{ensure_place, write_text};
use edgefit::device::Profile;
use edgefit::engine::EngineName;
use edgefit::graph::Graph;
use edgefit::import::arch::ARCHITECTURES;
use edgefit::probe::{OwnProcess, Probed, Request, probe, profile_name};
use edgefit::remote::RemoteRunner;
use edgefit::terminal::progress::{Bars, spinner};
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};

use super::super::discover;
use crate::board;
use crate::cli::Probe;

const SCHEMA: &str = "edgefit.device/1";

/// Classes of the networks that predictions are tried on: those of ImageNet.
const CLASSES: usize = 1000;

pub fn run(args: Probe, output: &mut Output) -> anyhow::Result<Outcome> {
    args.output.as_deref().map_or(Ok(()), ensure_place)?;
    let probed = match board::connect(&args.remote, output)? {
        Some(remote) => there(&remote, &args, output)?,
        None => here(&args, output)?,
    };
    if let Some(path) = &args.output {
        let text =
            toml::to_string(&probed.profile).context("the profile cannot be written as TOML")?;
        write_text(path, &text)?;
    }
    output.result(SCHEMA, &probed, || {
        let next = match &args.output {
            Some(path) => format!(
                "written to {0}; `edgefit check MODEL --device {0}` predicts from it",
                path.display()
            ),
            None => "-o FILE keeps it as a profile that `check` predicts from".into(),
        };
        format!("{}\n{next}", report::probed(&probed))
    })?;
    Ok(Outcome::Yes)
}

/// Measures this machine.
fn here(args: &Probe, output: &mut Output) -> anyhow::Result<Probed> {
    let mut engines = vec![EngineName::Tract];
    let library = match discover(&Cache::of_user()?) {
        Ok(found) => {
            engines.push(EngineName::OnnxRuntime);
            Some(found.path.as_path())
        }
        Err(missing) => {
            output.warn(&format!("tract alone is measured: {missing}"));
            None
        }
    };
    let binary = std::env::current_exe().context("cannot find edgefit's own binary")?;
    let process = OwnProcess {
        binary: &binary,
        onnxruntime: library,
        threads: args.threads as usize,
    };
    let networks = ARCHITECTURES.iter().map(|arch| arch.blank(CLASSES));
    let networks: Vec<Graph> = networks.collect();
    let request = Request {
        name: &profile_name(args.output.as_deref()),
        engines: &engines,
        threads: args.threads as usize,
        nvml: args.nvml_lib.as_deref(),
        networks: &networks,
        run: &|engine, model, shapes| process.run(engine, model, shapes),
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
    let Probed { profile, gpus } = {
        let _spinner = spinner("measuring the board, which takes minutes");
        remote.ask(&arguments, SCHEMA, output)?
    };
    let host = remote.host().to_string();
    Ok(Probed {
        profile: Profile {
            name: profile_name(args.output.as_deref()),
            title: profile.title.replacen("this machine", &host, 1),
            ..profile
        },
        gpus,
    })
}
