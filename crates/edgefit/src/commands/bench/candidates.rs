use std::path::{Path, PathBuf};

use anyhow::ensure;
use edgefit::data::read_array;
use edgefit::engine::{EngineName, Target};
use edgefit::graph::infer::{InputShapes, infer};
use edgefit::graph::rewrite::lift_constants;
use edgefit::graph::{Dim, Graph};

use super::super::{in_file, load};
use crate::cli::Bench;
use crate::output::Output;

/// One thing to measure.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub model: PathBuf,
    pub target: Target,
    pub threads: usize,
    pub shapes: Vec<Vec<usize>>,
    /// Files of the inputs; random numbers where there are none.
    pub inputs: Vec<PathBuf>,
}

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

/// The shapes that `model` is run with. Those that the user gave are held against the whole model.
fn shapes(model: &Path, args: &Bench) -> anyhow::Result<Vec<Vec<usize>>> {
    let arrays = args.input.iter().map(read_array);
    let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
    let (graph, mut shapes) = match arrays.is_empty() {
        true => load(model, &args.shape)?,
        false => {
            let mut graph = Graph::load(model)?;
            lift_constants(&mut graph);
            let shapes = arrays.into_iter().map(|(dims, _)| dims).collect();
            let shapes = bound(&graph, shapes).map_err(in_file(model))?;
            (graph, shapes)
        }
    };
    if args.shape.input_shape.is_some() || !args.input.is_empty() {
        infer(&graph, &shapes).map_err(in_file(model))?;
    }
    Ok(shapes.0.drain(..).map(|(_, dims)| dims).collect())
}

/// The shapes of arrays under the names of the inputs that they are for.
fn bound(graph: &Graph, shapes: Vec<Vec<usize>>) -> anyhow::Result<InputShapes> {
    let inputs: Vec<_> = graph.free_inputs().collect();
    ensure!(
        inputs.len() == shapes.len(),
        "the model has {} inputs and {} arrays were given; give --input once for each",
        inputs.len(),
        shapes.len()
    );
    let named = inputs.iter().zip(shapes).map(|(input, shape)| {
        let declared = input.dims().unwrap_or_default();
        // How many samples there are is the array's to say.
        let alike = |(axis, (dim, size)): (usize, (&Dim, &usize))| match dim {
            Dim::Known(known) => axis == 0 || known == size,
            _ => true,
        };
        let fits =
            declared.len() == shape.len() && declared.iter().zip(&shape).enumerate().all(alike);
        let words: Vec<String> = declared.iter().map(ToString::to_string).collect();
        ensure!(
            input.dims().is_none() || fits,
            "--input for '{}' has the shape {shape:?}, and the model takes [{}]; reshape the array",
            input.name,
            words.join(", ")
        );
        Ok((input.name.clone(), shape))
    });
    Ok(InputShapes(named.collect::<anyhow::Result<_>>()?))
}

impl Candidate {
    /// What it is, in a line.
    pub fn label(&self) -> String {
        let plural = if self.threads == 1 { "" } else { "s" };
        format!(
            "{} on {}, {} thread{plural}",
            self.model.display(),
            self.target,
            self.threads
        )
    }
}
