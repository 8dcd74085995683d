//! `edgefit prune`: channels out of a model.

use anyhow::Context;
use edgefit::assets::Cache;
use edgefit::base::file::ensure_place;
use edgefit::engine::{InProcess, fastest};
use edgefit::predict::{Chosen, Comparison, outputs};
use edgefit::prune::{Calibrated, Macs, Report, Run, Selection, Structure, Widths};
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};

use super::sample_sets::{load, model_path, open, warn_widened};
use super::{discover, in_file, threads};
use crate::cli::Prune;

pub fn run(args: Prune, output: &mut Output) -> anyhow::Result<Outcome> {
    let change = args.change;
    ensure_place(&change.output)?;
    let path = model_path(&change)?;
    let graph = load(&path, &change)?;
    let is_classifier = edgefit::graph::Task::is_classes(&graph).map_err(in_file(&path))?;
    let structure = Structure::of(&graph).map_err(in_file(&path))?;
    structure.check_prunable().map_err(in_file(&path))?;
    let mut spinner = spinner("reading samples");
    let samples = open(&change, &graph, &mut |words| {
        spinner.suspend(|| output.warn(words));
    })?;
    let calibration = Chosen::new(&samples.set, samples.calibration);
    let validation = Chosen::new(&samples.set, samples.validation);
    calibration.check_differ()?;
    let _ = discover(&Cache::of_user()?);
    let mut engine = InProcess::new(fastest(), threads(change.threads));
    let counted = spinner.count("calibrating", &calibration, calibration.len());
    let calibrated = Calibrated::new(&structure, &counted, &mut engine).map_err(in_file(&path))?;
    spinner.tell("ranking channels");
    let multiple = usize::from(args.multiple);
    let ranking = calibrated.rank(Selection::Reconstruction, multiple)?;
    let widths = match (args.keep, args.macs) {
        (Some(share), _) => ranking.uniform(&structure, share).map_err(in_file(&path))?,
        (None, budget) => {
            let macs = Macs::of(&structure, &ranking)?;
            let budget = budget.context("give --keep or --macs")?;
            let cost = |widths: &Widths| macs.with(widths);
            ranking
                .within(&structure, &cost, budget, "MACs")
                .map_err(in_file(&path))?
        }
    };
    let kept = ranking.kept(&structure, &widths);
    let counted = spinner.count("pruning", &calibration, calibration.len());
    let made = calibrated
        .prune_in_turn(&kept, &counted, &mut engine)
        .map_err(in_file(&path))?;
    let counted = spinner.count("comparing", &validation, validation.len());
    let mut made_of = |graph| outputs(graph, &counted, &mut engine);
    let (before, after) = (made_of(structure.graph())?, made_of(&made)?);
    let classes = validation.classes();
    let labels = is_classifier.then_some(classes.as_slice());
    let comparison = Comparison::of(&before, &after, labels);
    made.save(&change.output)?;
    drop(spinner);
    warn_widened(output, structure.widened, [&path, &change.output]);
    let run = Run {
        source: path,
        model: change.output,
        calibration_samples: calibration.len(),
        seed: change.seed,
        multiple,
    };
    let report = Report::of(run, &structure, &kept, ([&graph, &made], &comparison))?;
    output.result(Report::SCHEMA, &report, || report::pruning(&report))?;
    Ok(Outcome::Yes)
}
