//! `edgefit engine`: which engines are there, and fetching ONNX Runtime and LiteRT.

use anyhow::{Context, bail};
use edgefit::assets::{self, Cache};
use edgefit::engine::EngineName;
use edgefit::engine::onnxruntime::libraries;
use edgefit::terminal::progress::spinner;
use edgefit::terminal::table;
use serde::Serialize;

use super::discover;
use crate::cli::{Engine, EngineAction};
use crate::output::{Outcome, Output};

/// What LiteRT is called.
#[cfg(feature = "train")]
const LITERT: &str = "litert";

#[derive(Serialize)]
struct Engines {
    engines: Vec<Status>,
}

#[derive(Serialize)]
struct Status {
    name: String,
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
                    name: name.to_string(),
                    available,
                    detail,
                }
            });
            let engines = Engines {
                engines: engines.chain(litert(&cache)).collect(),
            };
            output.result("edgefit.engines/1", &engines, || {
                let mut rows = table(&["engine", "there", "where"]);
                for status in &engines.engines {
                    let there = if status.available { "yes" } else { "no" };
                    rows.add_row([&status.name, there, &status.detail]);
                }
                rows.to_string()
            })?;
        }
        EngineAction::Install { engine } => {
            let detail = installed(&engine, &cache)?;
            let status = Status {
                name: engine,
                available: true,
                detail,
            };
            output.result("edgefit.engine/1", &status, || {
                format!("{} in {}", status.name, status.detail)
            })?;
        }
    }
    Ok(Outcome::Yes)
}

/// Fetches the library of an engine; where it is then.
fn installed(engine: &str, cache: &Cache) -> anyhow::Result<String> {
    #[cfg(feature = "train")]
    if engine == LITERT {
        let _spinner = spinner("fetching LiteRT through pip");
        let folder = assets::litert(cache)?;
        let path = edgefit::litert::Library::find(&folder)?;
        return Ok(path.display().to_string());
    }
    let known = engine.parse::<EngineName>();
    match known {
        Ok(EngineName::OnnxRuntime) => {}
        Ok(engine) => bail!("{engine} is built in; onnxruntime and litert can be installed"),
        Err(_) => bail!("'{engine}' cannot be installed; onnxruntime and litert can be"),
    }
    let folder = {
        let _spinner = spinner("fetching ONNX Runtime through pip");
        assets::onnxruntime(cache)?
    };
    let path = libraries(&folder).pop().with_context(|| {
        format!(
            "{} holds no library; remove the folder and try again",
            folder.display()
        )
    })?;
    Ok(path.display().to_string())
}

/// LiteRT, which the runner for boards does not know.
#[cfg(feature = "train")]
fn litert(cache: &Cache) -> Option<Status> {
    let found = edgefit::litert::Library::find(&cache.litert_folder());
    let (available, detail) = match found {
        Ok(path) => (true, path.display().to_string()),
        Err(missing) => (false, missing.to_string()),
    };
    Some(Status {
        name: LITERT.to_owned(),
        available,
        detail,
    })
}

#[cfg(not(feature = "train"))]
fn litert(_: &Cache) -> Option<Status> {
    None
}
