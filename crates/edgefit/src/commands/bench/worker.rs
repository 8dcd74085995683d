use std::time::Duration;

use edgefit::assets::Cache;
use edgefit::bench::{Result, worker};
use edgefit::engine::{Effort, EngineName, runner, trace};
use edgefit::graph::Graph;
use edgefit::graph::rewrite::lift_constants;

use super::super::{discover, random};
use crate::cli::BenchWorker;
use crate::output::Outcome;

/// How long the nodes are timed.
const PROFILE: Effort = Effort {
    runs: 10,
    time: Duration::from_secs(1),
};

pub fn run(args: BenchWorker) -> anyhow::Result<Outcome> {
    if args.engine == EngineName::OnnxRuntime {
        discover(&Cache::of_user()?)?;
    }
    let inputs = random(args.input_shape.into_iter().map(|shape| shape.0), 0);
    let threads = args.threads as usize;
    let load = || Ok(runner(args.engine, &args.model, &inputs, threads)?);
    let profile = || -> Result<_> {
        let mut graph = Graph::load(&args.model).map_err(edgefit::engine::Error::from)?;
        lift_constants(&mut graph);
        Ok(trace(args.engine, &graph, &inputs, threads, PROFILE)?)
    };
    worker::serve(load, profile, std::io::stdin().lock(), std::io::stdout())?;
    Ok(Outcome::Yes)
}
