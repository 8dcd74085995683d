//! Does a backbone of yours load, agree, train and go out again?
//!
//! For each ONNX file: compares burn in eval mode with ONNX Runtime (or tract, where its library is
//! missing) on random inputs of one sample and of three, trains every weight for one step on those
//! three, checks that the loss falls, writes the graph, and compares again.
//!
//! ```sh
//! cargo run --release --example any_backbone -- MODEL.onnx …
//! ```

use std::process::ExitCode;

use anyhow::{Context, ensure};
use edgefit::assets::Cache;
use edgefit::engine::{Array, EngineName, fastest, onnxruntime};
use edgefit::graph::Graph;
use edgefit::graph::infer::InputShapes;
use edgefit::train::stages::training_trial::training_trial;
use edgefit::verify;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn main() -> ExitCode {
    // Without the library tract takes its place.
    if let Ok(cache) = Cache::of_user() {
        drop(onnxruntime::discover(None, &cache.onnxruntime_folder()));
    }
    let mut code = ExitCode::SUCCESS;
    for path in std::env::args().skip(1) {
        match try_out(&path) {
            Ok(line) => println!("ok    {path}: {line}"),
            Err(error) => {
                println!("FAIL  {path}: {error:#}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn try_out(path: &str) -> anyhow::Result<String> {
    let mut graph = Graph::load(path)?;
    let mut apart = agree(&graph).context("before training")?;
    let batch = inputs(&graph, 3)?;
    let trial = training_trial(&mut graph, &batch)?;
    ensure!(
        trial.after < trial.before,
        "the loss went from {} to {}",
        trial.before,
        trial.after
    );
    let file = tempfile::NamedTempFile::with_suffix(".onnx")?;
    graph.save(file.path())?;
    apart = apart.max(agree(&Graph::load(file.path())?).context("after training")?);
    Ok(format!(
        "{} weights, largest difference {apart:.1e}, loss {:.4} → {:.4}",
        trial.parameters, trial.before, trial.after
    ))
}

/// Random inputs for `batch` samples.
fn inputs(graph: &Graph, batch: usize) -> anyhow::Result<Vec<Array>> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let shapes = InputShapes::bind(graph, batch, None)?.0.into_iter();
    let input = |(_, dims): (String, Vec<usize>)| Array {
        values: (0..dims.iter().product::<usize>())
            .map(|_| random.random_range(-1.0..1.0))
            .collect(),
        dims,
    };
    Ok(shapes.map(input).collect())
}

/// Largest difference between burn and the reference, on one sample and on three.
fn agree(graph: &Graph) -> anyhow::Result<f32> {
    let engines = [EngineName::Burn, fastest()];
    let mut largest = 0f32;
    for batch in [1, 3] {
        let inputs = inputs(graph, batch)?;
        for pair in verify::across(graph, &engines, &inputs, 2, verify::Tolerance::F32)? {
            let (a, b, apart) = (pair.a, pair.b, pair.max_abs);
            ensure!(
                pair.within,
                "{a} and {b} differ by {apart} on a batch of {batch}"
            );
            largest = largest.max(apart);
        }
    }
    Ok(largest)
}
