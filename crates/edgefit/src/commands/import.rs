//! `edgefit import`: a checkpoint into an ONNX model.

use std::path::PathBuf;

use anyhow::Context;
use edgefit::base::units::format;
use edgefit::cost::Costs;
use edgefit::graph::infer::{InputShapes, infer};
use edgefit::graph::rewrite::fold_batch_norm;
use edgefit::import::{ARCHITECTURES, Architecture, Checkpoint};
use serde::Serialize;

use super::in_file;
use crate::cli::Import;
use crate::output::{Outcome, Output};

#[derive(Serialize)]
struct Imported {
    model: PathBuf,
    arch: String,
    parameters: u64,
    folded: usize,
    unused_keys: Vec<String>,
    missing_keys: Vec<String>,
}

pub fn run(args: Import, output: &mut Output) -> anyhow::Result<Outcome> {
    let arch = Architecture::named(&args.arch).with_context(|| {
        let names: Vec<&str> = ARCHITECTURES.iter().map(|arch| arch.name).collect();
        format!(
            "architecture '{}' is not known; --arch is one of {}",
            args.arch,
            names.join(", ")
        )
    })?;
    let checkpoint = Checkpoint::open(&args.weights)?;
    let mut imported = arch.import(&checkpoint)?;
    let folded = if args.fold_bn {
        fold_batch_norm(&mut imported.graph).map_err(in_file(&args.weights))?
    } else {
        0
    };
    let shapes = InputShapes::bind(&imported.graph, 1, None)?;
    let inference = infer(&imported.graph, &shapes)?;
    let parameters = Costs::of(&imported.graph, &inference).totals.parameters;
    imported.graph.save(&args.output)?;
    let result = Imported {
        model: args.output,
        arch: args.arch,
        parameters,
        folded,
        unused_keys: imported.unused_keys,
        missing_keys: Vec::new(),
    };
    if let [first, ..] = result.unused_keys.as_slice() {
        let count = result.unused_keys.len();
        output.warn(&format!(
            "{count} keys of the checkpoint are not used, the first is '{first}'"
        ));
    }
    output.result("edgefit.import/1", &result, || {
        format!(
            "{} with {} trainable parameters in {}",
            result.arch,
            format::count(result.parameters),
            result.model.display()
        )
    })?;
    Ok(Outcome::Yes)
}
