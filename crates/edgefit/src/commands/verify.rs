use std::path::Path;

use anyhow::Context;
use edgefit::assets::Cache;
use edgefit::cost::memory::{ElementType, MemoryPlan};
use edgefit::data::{decode, prepare};
use edgefit::engine::parity::{Divergence, Pair, Tolerance, Verdict, across, first_divergence};
use edgefit::engine::{Array, EngineName};
use edgefit::graph::infer::{InputShapes, infer};
use edgefit::graph::rewrite::lift_constants;
use edgefit::graph::{Graph, Preprocessing};
use serde::Serialize;
use walkdir::WalkDir;

use super::train::pairs;
use super::{discover, in_file, random, threads};
use crate::cli::Verify;
use crate::human;
use crate::output::{Outcome, Output};
use crate::progress::spinner;

#[derive(Serialize)]
struct Verified {
    verdict: Verdict,
    samples: usize,
    pairs: Vec<Pair>,
    first_divergence: Option<Divergence>,
}

pub fn run(args: Verify, output: &mut Output) -> anyhow::Result<Outcome> {
    let mut graph = Graph::load(&args.model)?;
    lift_constants(&mut graph);
    let threads = threads(args.threads);
    let mut engines = EngineName::ALL.to_vec();
    if let Err(missing) = discover(&Cache::of_user()?) {
        if args.engine == Some(EngineName::OnnxRuntime) {
            return Err(missing.into());
        }
        output.warn(&format!("{missing}; comparing the others"));
        engines.retain(|engine| *engine != EngineName::OnnxRuntime);
    }
    let inputs = match &args.data {
        Some(folder) => vec![
            images(&graph, folder, args.samples as usize, output).map_err(in_file(&args.model))?,
        ],
        None => {
            let given = args.input_shape.as_ref().map(|shape| shape.0.as_slice());
            let shapes = InputShapes::bind(&graph, args.samples as usize, given);
            let shapes = shapes.map_err(in_file(&args.model))?;
            fits_here(&graph, &shapes).map_err(in_file(&args.model))?;
            random(shapes.0.into_iter().map(|(_, dims)| dims), args.seed)
        }
    };

    let spinner = spinner("running the engines");
    let compared = across(&graph, &engines, &inputs, threads, Tolerance::F32);
    let mut pairs_found = compared.map_err(in_file(&args.model))?;
    if let Some(engine) = args.engine {
        pairs_found.retain(|pair| [pair.a, pair.b].contains(&engine));
    }
    anyhow::ensure!(
        !pairs_found.is_empty(),
        "there is nothing to compare; leave out --engine, or install ONNX Runtime with `edgefit engine \
         install onnxruntime`"
    );
    let first_divergence = match pairs_found.iter().find(|pair| !pair.within) {
        None => None,
        Some(pair) => first_divergence(&graph, (pair.a, pair.b), &inputs, threads, Tolerance::F32)
            .map_err(in_file(&args.model))?,
    };
    spinner.finish_and_clear();

    let verified = Verified {
        verdict: Verdict::of(&pairs_found),
        samples: inputs
            .first()
            .and_then(|input| input.dims.first())
            .copied()
            .unwrap_or(0),
        pairs: pairs_found,
        first_divergence,
    };
    output.result("edgefit.verify/1", &verified, || people(&verified))?;
    Ok((verified.verdict == Verdict::Agree).into())
}

fn people(verified: &Verified) -> String {
    let mut text = match verified.verdict {
        Verdict::Agree => format!("the engines agree on {} samples", verified.samples),
        Verdict::Diverge => format!("the engines DIVERGE on {} samples", verified.samples),
    };
    if let Some(at) = &verified.first_divergence {
        text.push_str(&format!(
            "; the first node to differ is '{}' ({})",
            at.node, at.op
        ));
    }
    format!("{text}\n{}", pairs(&verified.pairs))
}

/// The first readable images below `folder`, prepared as the model says.
fn images(
    graph: &Graph,
    folder: &Path,
    count: usize,
    output: &mut Output,
) -> anyhow::Result<Array> {
    anyhow::ensure!(
        folder.is_dir(),
        "--data {} is not a folder",
        folder.display()
    );
    let preprocessing = Preprocessing::of(graph)?
        .context("the model does not say how its images are to be prepared; leave out --data")?;
    let mut values = Vec::new();
    let mut found = 0;
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let path = entry?.into_path();
        if found == count {
            break;
        }
        if !path.is_file() {
            continue;
        }
        let read = std::fs::read(&path).map_err(|error| error.to_string());
        match read
            .and_then(|bytes| decode(&bytes))
            .and_then(|image| prepare(&image, &preprocessing))
        {
            Ok(input) => {
                values.extend(input);
                found += 1;
            }
            Err(problem) => output.warn(&format!("{}: {problem}; left out", path.display())),
        }
    }
    anyhow::ensure!(found > 0, "{} holds no readable images", folder.display());
    Ok(Array {
        dims: vec![
            found,
            3,
            preprocessing.height as usize,
            preprocessing.width as usize,
        ],
        values,
    })
}

/// Refuses shapes that do not go together, and models that this machine has no memory for.
fn fits_here(graph: &Graph, shapes: &InputShapes) -> anyhow::Result<()> {
    let inference = infer(graph, shapes)?;
    let need = MemoryPlan::of(graph, &inference, ElementType::AsStored).naive_bytes;
    let host = edgefit::device::host()?;
    let have = host
        .banks
        .iter()
        .map(|bank| bank.free_bytes())
        .max()
        .unwrap_or(0);
    anyhow::ensure!(
        need <= have,
        "its activations need {} and this machine has {} free; give fewer --samples or a smaller \
         --input-shape",
        human::bytes(need),
        human::bytes(have)
    );
    Ok(())
}
