//! `edgefit run-model`: loads and runs one model in a process of its own, for `device probe`.

use std::time::Duration;

use edgefit::assets::Cache;
use edgefit::engine::{Effort, EngineName, load, measure, random_arrays};
use edgefit::graph::Graph;
use edgefit::graph::rewrite::lift_constants;
use edgefit::terminal::{Outcome, Output};
use serde::Serialize;

use super::discover;
use crate::cli::RunModel;

/// What the model computes from its inputs, in the order of the graph.
#[derive(Debug, Serialize)]
struct Outputs {
    outputs: Vec<Vec<f32>>,
}

pub fn run(args: RunModel, output: &mut Output) -> anyhow::Result<Outcome> {
    if args.engine == EngineName::OnnxRuntime {
        discover(&Cache::of_user()?)?;
    }
    // Engines follow the paths of external weights wherever they lead; this refuses those.
    let mut graph = Graph::load(&args.model)?;
    let inputs = random_arrays(args.input_shape.into_iter().map(|shape| shape.0), 0);
    let effort = Effort {
        runs: args.runs as usize,
        time: Duration::from_millis(u64::from(args.milliseconds)),
    };
    let threads = args.threads as usize;
    if args.outputs {
        lift_constants(&mut graph);
        let outputs = load(args.engine, &graph, threads)?.run(&inputs)?;
        let outputs: Vec<Vec<f32>> = outputs.into_iter().map(|array| array.values).collect();
        let outputs = Outputs { outputs };
        output.result("edgefit.outputs/1", &outputs, || format!("{outputs:?}"))?;
        return Ok(Outcome::Yes);
    }
    drop(graph);
    let measurement = measure(args.engine, &args.model, &inputs, threads, effort)?;
    output.result("edgefit.measurement/1", &measurement, || {
        format!("{measurement:?}")
    })?;
    Ok(Outcome::Yes)
}
