//! `edgefit engine`: which engines are there, and fetching ONNX Runtime and LiteRT.

use anyhow::{Context, bail};
use edgefit::assets::{self, Cache};
use edgefit::engine::onnxruntime::libraries;
use edgefit::engine::{EngineName, Status};
use edgefit::terminal::progress::spinner;
use edgefit::terminal::{Outcome, Output, report};
use serde::Serialize;

use super::discover;
use crate::cli::{Engine, EngineAction};

/// What LiteRT is called.
#[cfg(feature = "train")]
const LITERT: &str = "litert";

#[derive(Serialize)]
struct Engines {
    engines: Vec<Status>,
}

pub fn run(args: Engine, output: &mut Output) -> anyhow::Result<Outcome> {
    let cache = Cache::of_user()?;
    match args.action {
        EngineAction::List => {
            let status = |&name: &EngineName| match name {
                EngineName::OnnxRuntime => {
                    let found = discover(&cache);
                    Status::of(name, found.map(|found| found.path.display().to_string()))
                }
                _ => Status::of(name, Ok::<_, String>("built in".into())),
            };
            let engines = EngineName::ALL.iter().map(status);
            // The runner for boards does not know LiteRT.
            #[cfg(feature = "train")]
            let engines = engines.chain(std::iter::once({
                let found = edgefit::litert::Library::find(&cache.litert_folder());
                Status::of(LITERT, found.map(|path| path.display().to_string()))
            }));
            let engines = Engines {
                engines: engines.collect(),
            };
            output.result("edgefit.engines/1", &engines, || {
                report::engines(&engines.engines)
            })?;
        }
        EngineAction::Install { engine } => {
            let detail = installed(&engine, &cache)?;
            let status = Status::of(engine, Ok::<_, String>(detail));
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
    match engine.parse::<EngineName>() {
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
