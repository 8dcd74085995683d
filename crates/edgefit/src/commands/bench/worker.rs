//! `edgefit bench-worker`: the process of one candidate.

use std::path::PathBuf;
use std::time::Duration;

use edgefit::assets::Cache;
use edgefit::bench::Result;
use edgefit::bench::worker::{Work, serve};
use edgefit::data::read_array;
use edgefit::engine::{
    Array, Effort, EngineName, Provider, integer_share, random_arrays, runner, trace,
};
use edgefit::graph::Graph;
use edgefit::graph::rewrite::lift_constants;
#[cfg(feature = "train")]
use edgefit::litert::Prepared;
use edgefit::terminal::Outcome;

use super::super::discover;
#[cfg(feature = "train")]
use super::super::litert;
use crate::cli::BenchWorker;

/// How long the nodes are timed.
const PROFILE: Effort = Effort {
    runs: 10,
    time: Duration::from_secs(1),
};

pub fn run(args: BenchWorker) -> anyhow::Result<Outcome> {
    if args.engine.engine == EngineName::OnnxRuntime {
        discover(&Cache::of_user()?)?;
    }
    let inputs = match args.input.as_slice() {
        [] => random_arrays(args.input_shape.into_iter().map(|shape| shape.0), 0),
        files => files.iter().map(array).collect::<anyhow::Result<_>>()?,
    };
    let threads = args.threads as usize;
    #[cfg(feature = "train")]
    let litert = (args.engine.engine == EngineName::LiteRt)
        .then(|| -> anyhow::Result<Prepared> {
            let process = litert()?;
            Ok(Prepared::new(&process, &args.model, &inputs)?)
        })
        .transpose();
    let load = || {
        #[cfg(feature = "train")]
        if let Some(prepared) =
            litert.map_err(|error| edgefit::engine::Error::Refused(format!("{error:#}")))?
        {
            return Ok(prepared.load(&inputs, threads)?);
        }
        Ok(runner(args.engine, &args.model, &inputs, threads)?)
    };
    let profile = || -> Result<_> {
        let mut graph = Graph::load(&args.model).map_err(edgefit::engine::Error::from)?;
        lift_constants(&mut graph);
        Ok(trace(args.engine, &graph, &inputs, threads, PROFILE)?)
    };
    let integers = || -> Result<_> {
        if args.engine.provider != Provider::Cpu {
            return Ok(None);
        }
        let mut graph = Graph::load(&args.model).map_err(edgefit::engine::Error::from)?;
        lift_constants(&mut graph);
        Ok(integer_share(args.engine.engine, &graph, &inputs)?)
    };
    let (orders, answers) = (std::io::stdin().lock(), std::io::stdout());
    let work = Work {
        target: args.engine,
        threads,
        load,
        profile,
        integers,
    };
    serve(work, orders, answers)?;
    Ok(Outcome::Yes)
}

fn array(file: &PathBuf) -> anyhow::Result<Array> {
    let (dims, values) = read_array(file)?;
    Ok(Array { dims, values })
}
