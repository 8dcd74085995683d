//! `edgefit import`: a checkpoint into an ONNX model.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use edgefit::base::file::ensure_place;
use edgefit::base::names::nearest;
use edgefit::base::units::format;
use edgefit::cost::Costs;
use edgefit::graph::infer::{InputShapes, infer};
use edgefit::graph::rewrite::fold_batch_norm;
use edgefit::import::{ARCHITECTURES, Architecture, Checkpoint, Choices, Variant, WeightsChoice};
use serde::Serialize;

use super::in_file;
use crate::cli::Import;
use crate::output::{Outcome, Output};

#[derive(Serialize)]
struct Imported {
    model: PathBuf,
    arch: String,
    /// Which of two networks with the same keys, where there are two.
    variant: Option<String>,
    parameters: u64,
    folded: usize,
    /// What the keys of the weights begin with in the checkpoint.
    prefix: String,
    /// Names of wrappers that were left out of the keys.
    wrappers: Vec<String>,
    /// What the keys of other weights begin with, which were left.
    other_prefixes: Vec<String>,
    /// What the checkpoint calls layers of the head, by what the network calls them.
    renamed_keys: BTreeMap<String, String>,
    unused_keys: Vec<String>,
    missing_keys: Vec<String>,
}

pub fn run(args: Import, output: &mut Output) -> anyhow::Result<Outcome> {
    let (arch, named) = Architecture::called(&args.arch).with_context(|| unknown(&args.arch))?;
    if let (Some(named), Some(given)) = (named, args.variant) {
        ensure!(
            named == given,
            "--arch {} says the variant {named} and --variant says {given}; leave one of them out",
            args.arch
        );
    }
    let choices = Choices {
        variant: args.variant.or(named),
        weights: args.choice,
    };
    ensure_place(&args.output)?;
    let checkpoint = Checkpoint::open(&args.weights)?;
    let mut imported = arch.import(&checkpoint, &choices)?;
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
        arch: arch.name.to_owned(),
        variant: imported.variant.as_ref().map(Variant::to_string),
        parameters,
        folded,
        prefix: imported.prefix,
        wrappers: imported.wrappers,
        other_prefixes: imported.other_prefixes,
        renamed_keys: imported.renamed,
        unused_keys: imported.unused_keys,
        missing_keys: Vec::new(),
    };
    warn(&result, choices.weights.as_ref(), output);
    output.result("edgefit.import/1", &result, || human_readable(&result))?;
    Ok(Outcome::Yes)
}

fn unknown(name: &str) -> String {
    let names = ARCHITECTURES.iter().map(|arch| arch.name);
    let nearest = nearest(name, names.clone());
    let hint = nearest.map_or(String::new(), |name| format!(" (did you mean '{name}'?)"));
    let names: Vec<&str> = names.collect();
    format!(
        "architecture '{name}' is not known{hint}; --arch is one of {}; any other network comes in as ONNX, from \
         torch.onnx.export",
        names.join(", ")
    )
}

/// Says what was chosen, taken for something else, or left.
fn warn(result: &Imported, choice: Option<&WeightsChoice>, output: &mut Output) {
    if let ([other, ..], None) = (result.other_prefixes.as_slice(), choice) {
        output.warn(&format!(
            "the checkpoint holds several sets of weights, and those under {} were taken; --weights takes the \
             others: raw, ema, or what their keys begin with, such as {}",
            quoted(&result.prefix),
            quoted(other)
        ));
    }
    if let Some((wanted, found)) = result.renamed_keys.first_key_value() {
        output.warn(&format!(
            "the head's layers have other names in the checkpoint: '{found}' was taken for '{wanted}'; layers \
             without weights that may stand between them are not known, and left out"
        ));
    }
    if let [first, ..] = result.unused_keys.as_slice() {
        let count = result.unused_keys.len();
        output.warn(&format!(
            "{count} keys of the checkpoint are not used, the first is '{first}'"
        ));
    }
}

/// A prefix as it is said.
fn quoted(prefix: &str) -> String {
    match prefix.trim_end_matches('.') {
        "" => "no prefix".into(),
        prefix => format!("'{prefix}'"),
    }
}

fn human_readable(result: &Imported) -> String {
    let mut text = format!(
        "{} with {} trainable parameters in {}",
        result.arch,
        format::count(result.parameters),
        result.model.display()
    );
    if let Some(variant) = &result.variant {
        text.push_str(&format!("; variant {variant}"));
    }
    if !result.prefix.is_empty() {
        text.push_str(&format!("; weights from under {}", quoted(&result.prefix)));
    }
    if !result.wrappers.is_empty() {
        text.push_str(&format!(
            "; {} left out of their keys",
            result.wrappers.join(" and ")
        ));
    }
    text
}
