use std::time::Duration;

use edgefit::assets::Cache;
use edgefit::engine::{Array, Effort, EngineName, measure};

use super::discover;
use crate::cli::RunModel;
use crate::output::{Outcome, Output};

pub fn run(args: RunModel, output: &mut Output) -> anyhow::Result<Outcome> {
    if args.engine == EngineName::OnnxRuntime {
        discover(&Cache::of_user()?)?;
    }
    let inputs: Vec<Array> = args
        .input_shape
        .into_iter()
        .map(|shape| Array {
            values: values(shape.0.iter().product()),
            dims: shape.0,
        })
        .collect();
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

/// Unlike values between 0 and 1.
fn values(count: usize) -> Vec<f32> {
    (0..count)
        .map(|index| (index as f32 * 0.618_034).fract())
        .collect()
}
