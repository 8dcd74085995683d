//! Runs that learn and runs that do not, as the watch sees them.

use burn::module::ParamId;

use super::*;
use crate::{Code, Findings, Status};

fn gradient(mean_abs: f64) -> [ParameterGradient; 2] {
    let of = |name: &str, rank, mean_abs| ParameterGradient {
        id: ParamId::from(rank as u64),
        name: name.into(),
        rank,
        mean_abs,
        norm: 10.0 * mean_abs,
    };
    // A bias before normalisation has no gradient.
    [of("conv.weight", 2, mean_abs), of("conv.bias", 1, 0.0)]
}

fn update(name: &str, log10_ratio: f64) -> Update {
    Update {
        id: ParamId::from(0),
        name: name.into(),
        log10_ratio,
        from_zero: false,
        multiplier: 1.0,
    }
}

/// A hundred steps, with a new head that is zero before the first.
fn run(loss: impl Fn(usize) -> f64, mean_abs: f64, log10_ratios: [f64; 2]) -> Findings {
    let mut watch = TrainingWatch::default();
    let mut compared = 0;
    for step in 0..100 {
        let found = watch.step(&Step {
            loss: loss(step),
            learning_rate: 1e-3,
            gradients: &gradient(mean_abs),
        });
        assert_eq!(found, None);
        if watch.wants_updates() {
            compared += 1;
            let [conv, head] = log10_ratios;
            let head = Update {
                from_zero: step == 0,
                ..update("head.weight", head)
            };
            watch.updates(&[update("conv.weight", conv), head]);
        }
    }
    assert_eq!(compared, 10);
    let mut findings = Findings::default();
    findings.extend(watch.findings(2.3));
    findings
}

fn raised(findings: &Findings) -> Vec<Code> {
    let report = findings.report().into_iter();
    let raised = report.filter(|finding| finding.status.is_raised());
    raised.map(|finding| finding.code).collect()
}

fn falls(step: usize) -> f64 {
    2.3 * (-(step as f64) / 30.0).exp()
}

#[test]
fn a_run_that_learns_raises_nothing() {
    let findings = run(falls, 1e-3, [-3.0, -2.0]);
    assert_eq!(raised(&findings), []);
    let report = findings.report().into_iter();
    let passed = report.filter(|finding| finding.status == Status::Pass);
    assert_eq!(passed.count(), 3);
}

#[test]
fn a_learning_rate_that_is_too_low_is_the_cause_of_a_flat_loss() {
    let findings = run(|_| 2.3, 1e-3, [-8.0, -8.0]);
    assert_eq!(raised(&findings), [Code::Ef10]);
    let flat = findings.report().swap_remove(Code::Ef13 as usize);
    let message = flat.message;
    assert!(message.starts_with("explained by EF10"), "{message}");
}

#[test]
fn a_loss_far_above_that_of_an_untrained_model_is_raised() {
    let high = |step: usize| 30.0 - 0.1 * step as f64;
    assert_eq!(raised(&run(high, 1e-3, [-3.0, -2.0])), [Code::Ef10]);
}

#[test]
fn a_new_head_tells_a_low_learning_rate_from_vanishing_gradients() {
    assert_eq!(raised(&run(falls, 1e-9, [-9.0, -0.5])), [Code::Ef14]);
    assert_eq!(raised(&run(falls, 1e-9, [-9.0, -8.0])), [Code::Ef10]);
}

#[test]
fn what_is_not_finite_is_found_at_once() {
    let mut watch = TrainingWatch::new("stage probe");
    let broken = gradient(f64::NAN);
    let step = Step {
        loss: 1.0,
        learning_rate: 1e-3,
        gradients: &broken,
    };
    let message = watch.step(&step).unwrap().message;
    let place = "the gradient of conv.weight of stage probe is not finite at step 0";
    assert!(message.starts_with(place), "{message}");
    assert!(watch.losses().is_empty());
    let status = |watch: &TrainingWatch| watch.findings(2.3).last().unwrap().status;
    assert_eq!(status(&watch), Status::Failed);
    watch.rolled_back();
    assert_eq!(status(&watch), Status::Fixed);
}

#[test]
fn a_watch_goes_on_where_it_was_saved() {
    let mut watch = TrainingWatch::default();
    let step = Step {
        loss: 0.1,
        learning_rate: 1e-3,
        gradients: &gradient(0.1),
    };
    watch.step(&step);
    watch.updates(&[update("conv.weight", crate::module::NO_UPDATE)]);
    let text = serde_json::to_string(&watch).unwrap();
    assert_eq!(serde_json::from_str::<TrainingWatch>(&text).unwrap(), watch);
}
