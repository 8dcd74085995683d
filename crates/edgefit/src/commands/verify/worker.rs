//! `edgefit engine-worker` and `litert-worker`: the children that `verify` starts.

use edgefit::assets::Cache;
use edgefit::engine::child::serve_engine;
use edgefit::engine::onnxruntime::Missing;
use edgefit::engine::{EngineName, Execution, InProcess};
use edgefit::litert::{Kernels, serve};
use edgefit::terminal::Outcome;

use super::super::discover;
use crate::cli::{EngineWorker, LiteRtWorker};

pub fn run(args: EngineWorker) -> anyhow::Result<Outcome> {
    let find = || -> Result<(), Missing> {
        if args.engine != EngineName::OnnxRuntime {
            return Ok(());
        }
        let cache = Cache::of_user().map_err(|error| Missing {
            reason: error.to_string(),
        })?;
        discover(&cache).map(drop)
    };
    let (orders, answers) = (std::io::stdin().lock(), std::io::stdout());
    let execution = if args.node_by_node {
        Execution::NodeByNode
    } else {
        Execution::Fused
    };
    let engine = InProcess::new(args.engine, args.threads as usize).with_execution(execution);
    serve_engine(engine, find, orders, answers)?;
    Ok(Outcome::Yes)
}

pub fn run_litert(args: LiteRtWorker) -> anyhow::Result<Outcome> {
    let kernels = if args.reference {
        Kernels::Reference
    } else {
        Kernels::Default
    };
    serve(&args.library, &args.model, kernels)?;
    Ok(Outcome::Yes)
}
