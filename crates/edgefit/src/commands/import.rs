//! `edgefit import`: a checkpoint into an ONNX model.

use anyhow::ensure;
use edgefit::base::file::ensure_place;
use edgefit::cost::Costs;
use edgefit::graph::infer::{InputShapes, infer};
use edgefit::graph::rewrite::fold_batch_norm;
use edgefit::import::{Architecture, Checkpoint, Choices, Report};
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};

use super::in_file;
use crate::cli::Import;

pub fn run(args: Import, output: &mut Output) -> anyhow::Result<Outcome> {
    let (arch, named) = Architecture::called(&args.arch)?;
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
    let report = Report::of(imported, arch, args.output, (parameters, folded));
    for remark in report.remarks(&choices) {
        output.warn(&remark);
    }
    output.result(Report::SCHEMA, &report, || report::import(&report))?;
    Ok(Outcome::Yes)
}
