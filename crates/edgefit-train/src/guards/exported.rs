//! What came in and what goes out: eval mode, parity, predictions (EF02, EF07, EF08).

use edgefit_engine::EngineName;
use edgefit_graph::Graph;
use edgefit_guards::{Findings, ef02_eval_mode, ef07_class_balance, ef08_evaluation};
use edgefit_verify::Pair;

use crate::evaluate::baselines::Baseline;
use crate::evaluate::metrics::Metrics;
use crate::guards::layers;

/// Whether the model that came is in eval mode (EF02).
pub(crate) fn check_import(findings: &mut Findings, graph: &Graph) {
    findings.record(ef02_eval_mode::check_export(&layers::left_in_train_mode(
        graph,
    )));
}

/// Whether what was exported is in eval mode and gives the outputs of the trained module (EF02).
pub(crate) fn check_export(
    findings: &mut Findings,
    before: &Graph,
    exported: &Graph,
    parity: &[Pair],
) {
    findings.record(ef02_eval_mode::check_export(&layers::left_in_train_mode(
        exported,
    )));
    findings.record(ef02_eval_mode::check_frozen(&layers::frozen(
        before, exported,
    )));
    let with_burn = parity
        .iter()
        .filter(|pair| [pair.a, pair.b].contains(&EngineName::Burn));
    for pair in with_burn {
        findings.record(ef02_eval_mode::check_exported_outputs(
            ef02_eval_mode::Difference {
                max_abs: f64::from(pair.max_abs),
                scale: pair.scale,
            },
        ));
    }
}

/// Whether a regression says more than the mean of the training samples (EF08).
pub(crate) fn check_regression(findings: &mut Findings, val: &Metrics, baselines: &[Baseline]) {
    let Metrics::Regression(val) = val else {
        return;
    };
    let baselines = baselines.iter().filter_map(|baseline| match &baseline.val {
        Metrics::Regression(of) => Some((baseline.name, of.r2)),
        _ => None,
    });
    let baselines: Vec<(&str, f64)> = baselines.collect();
    findings.record(ef08_evaluation::check_determination(
        &ef08_evaluation::Determination {
            r2: val.r2,
            interval: val.r2_interval,
            samples: val.samples,
        },
        &baselines,
    ));
}

/// Whether every class is predicted on the validation samples (EF07).
pub(crate) fn check_predictions(findings: &mut Findings, classes: &[String], val: &Metrics) {
    let Metrics::Classification(val) = val else {
        return;
    };
    let predicted = |class: usize| val.confusion.iter().map(|row| row[class]).sum();
    let counted = classes.iter().zip(&val.confusion).enumerate();
    let counted = counted
        .map(|(at, (name, row))| (name.clone(), row.iter().sum(), predicted(at)))
        .collect();
    findings.record(ef07_class_balance::check_predictions(
        &ef07_class_balance::Predictions { classes: counted },
    ));
}
