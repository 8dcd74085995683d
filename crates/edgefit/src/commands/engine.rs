//! `edgefit engine`: which engines are there, and fetching ONNX Runtime.

use anyhow::Context;
use edgefit::assets::{self, Cache};
use edgefit::engine::EngineName;
use edgefit::engine::onnxruntime::libraries;
use edgefit::terminal::progress::spinner;
use edgefit::terminal::table;
use serde::Serialize;

use super::discover;
use crate::cli::{Engine, EngineAction};
use crate::output::{Outcome, Output};

#[derive(Serialize)]
struct Engines {
    engines: Vec<Status>,
}

#[derive(Serialize)]
struct Status {
    name: EngineName,
    available: bool,
    detail: String,
}

pub fn run(args: Engine, output: &mut Output) -> anyhow::Result<Outcome> {
    let cache = Cache::of_user()?;
    match args.action {
        EngineAction::List => {
            let status = |name: EngineName| match name {
                EngineName::OnnxRuntime => match discover(&cache) {
                    Ok(found) => (true, found.path.display().to_string()),
                    Err(missing) => (false, missing.to_string()),
                },
                _ => (true, "built in".into()),
            };
            let engines = EngineName::ALL.iter().map(|&name| {
                let (available, detail) = status(name);
                Status {
                    name,
                    available,
                    detail,
                }
            });
            let engines = Engines {
                engines: engines.collect(),
            };
            output.result("edgefit.engines/1", &engines, || {
                let mut rows = table(&["engine", "there", "where"]);
                for status in &engines.engines {
                    let there = if status.available { "yes" } else { "no" };
                    rows.add_row([&status.name.to_string(), there, &status.detail]);
                }
                rows.to_string()
            })?;
        }
        EngineAction::Install { engine } => {
            if engine != EngineName::OnnxRuntime {
                anyhow::bail!("{engine} is built in; only onnxruntime can be installed");
            }
            let folder = {
                let _spinner = spinner("fetching ONNX Runtime through pip");
                assets::onnxruntime(&cache)?
            };
            let path = libraries(&folder).pop().with_context(|| {
                format!(
                    "{} holds no library; remove the folder and try again",
                    folder.display()
                )
            })?;
            let status = Status {
                name: engine,
                available: true,
                detail: path.display().to_string(),
            };
            output.result("edgefit.engine/1", &status, || {
                format!("{engine} in {}", status.detail)
            })?;
        }
    }
    Ok(Outcome::Yes)
}
