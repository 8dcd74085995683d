use std::time::Duration;

use edgefit::assets::Cache;
use edgefit::engine::{Effort, EngineName, measure};
use edgefit::graph::Graph;

use super::{discover, random};
use crate::cli::RunModel;
use crate::output::{Outcome, Output};

pub fn run(args: RunModel, output: &mut Output) -> anyhow::Result<Outcome> {
    if args.engine == EngineName::OnnxRuntime {
        discover(&Cache::of_user()?)?;
    }
    // Engines follow the paths of external weights wherever they lead; this refuses those.
    drop(Graph::load(&args.model)?);
    let inputs = random(args.input_shape.into_iter().map(|shape| shape.0), 0);
    let effort = Effort {
        runs: args.runs as usize,
        time: Duration::from_millis(u64::from(args.milliseconds)),
    };
    let threads = args.threads as usize;
    let measurement = measure(args.engine, &args.model, &inputs, threads, effort)?;
    output.result("edgefit.measurement/1", &measurement, || {
        format!("{measurement:?}")
    })?;
    Ok(Outcome::Yes)
}
