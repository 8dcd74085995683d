//! Candidates from the arguments, with the shapes of their inputs.

use std::path::Path;

use anyhow::ensure;
use edgefit::bench::Candidate;
use edgefit::data::read_array;
use edgefit::engine::{EngineName, Target};
use edgefit::graph::Graph;
use edgefit::graph::infer::{InputShapes, infer};
use edgefit::graph::rewrite::lift_constants;
use edgefit::terminal::Output;

use super::super::{in_file, load};
use crate::cli::Bench;

/// Every model in every engine with every number of threads. `library` is ONNX Runtime's: there, or
/// why not.
pub fn candidates(
    args: &Bench,
    library: Result<(), String>,
    output: &mut Output,
) -> anyhow::Result<Vec<Candidate>> {
    let mut targets = args.engine.clone();
    if targets.is_empty() {
        targets.push(EngineName::Tract.into());
        match library {
            Ok(()) => targets.push(EngineName::OnnxRuntime.into()),
            Err(missing) => output.warn(&format!("tract alone is measured: {missing}")),
        }
    }
    let in_litert = |target: &Target| target.engine == EngineName::LiteRt;
    ensure!(
        args.remote.remote.is_none() || !targets.iter().any(in_litert),
        "--engine litert is measured on this machine; leave out --remote"
    );
    let mut candidates = Vec::new();
    for model in &args.models {
        let shapes = shapes(model, args)?;
        for &target in &targets {
            for &threads in &args.threads {
                candidates.push(Candidate {
                    model: model.clone(),
                    target,
                    threads: threads as usize,
                    shapes: shapes.clone(),
                    inputs: args.input.clone(),
                });
            }
        }
    }
    Ok(candidates)
}

/// The shapes that `model` is run with. Those that the user gave are checked by inferring the shapes of
/// the whole model.
fn shapes(model: &Path, args: &Bench) -> anyhow::Result<Vec<Vec<usize>>> {
    let arrays = args.input.iter().map(read_array);
    let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
    let (graph, mut shapes) = if arrays.is_empty() {
        load(model, &args.shape)?
    } else {
        let mut graph = Graph::load(model)?;
        lift_constants(&mut graph);
        let shapes = arrays.into_iter().map(|(dims, _)| dims).collect();
        let shapes = InputShapes::of_arrays(&graph, shapes).map_err(in_file(model))?;
        (graph, shapes)
    };
    ensure!(
        graph.free_inputs().next().is_some(),
        "{}: the model has no inputs, so there is nothing to measure; export it with its inputs",
        model.display()
    );
    if args.shape.input_shape.is_some() || !args.input.is_empty() {
        infer(&graph, &shapes).map_err(in_file(model))?;
    }
    Ok(shapes.0.drain(..).map(|(_, dims)| dims).collect())
}
