//! EF14: gradients that vanish, explode or are not finite.

use edgefit_base::statistics::median;
use serde::{Deserialize, Serialize};

use crate::finding::some_of;
use crate::{Code, Finding, Status, Symptom};

/// Mean |g| of a layer below which its gradient has vanished.
pub const VANISHED: f64 = 1e-7;
/// First steps that do not count: a head that starts at zero passes no gradient to the backbone.
pub const FIRST_STEPS: usize = 5;
/// Steps whose median is one point of the curve.
pub const WINDOW: usize = 5;
/// Growth from one window to the next that counts as an explosion.
pub const GROWTH: f64 = 2.0;
/// Windows in a row that must grow so: gradients of single batches differ by as much.
pub const GROWING_WINDOWS: usize = 3;
/// How far above the median of the run an explosion must end.
pub const ABOVE_MEDIAN: f64 = 10.0;

/// Gradients of a weight, not of a bias: a bias before normalisation has none.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    /// Name of the weight.
    pub name: String,
    /// Mean |g| at each step.
    pub mean_abs: Vec<f64>,
}

/// Warns of weights whose gradient vanishes, and fails where half of them do, or where gradients
/// grow again and again.
///
/// Vanishing is looked for in the first half of the steps: once everything is learnt, gradients are
/// small.
pub fn check_layers(layers: &[Layer]) -> Finding {
    let known = layers
        .iter()
        .filter(|layer| layer.mean_abs.len() >= FIRST_STEPS + WINDOW);
    let known: Vec<&Layer> = known.collect();
    if known.is_empty() {
        return Finding::new(
            Code::Ef14,
            Status::Off,
            "too few steps to see gradients change",
        );
    }
    let growing = some_of(
        known
            .iter()
            .filter(|layer| explodes(layer))
            .map(|layer| layer.name.as_str()),
    );
    if !growing.is_empty() {
        let text = format!(
            "gradients more than double every {WINDOW} steps: {growing}; lower the learning rate"
        );
        return Finding::new(Code::Ef14, Status::Failed, text).of(Symptom::ExplodingGradients);
    }
    let vanished: Vec<(&str, f64)> = known.iter().filter_map(|layer| vanishes(layer)).collect();
    let smallest = vanished.iter().map(|(_, mean)| *mean);
    let Some(smallest) = smallest.min_by(f64::total_cmp) else {
        let text = format!(
            "gradients of {} layers neither vanish nor explode",
            known.len()
        );
        return Finding::new(Code::Ef14, Status::Pass, text);
    };
    let status = if 2 * vanished.len() >= known.len() {
        Status::Failed
    } else {
        Status::Warning
    };
    let names = some_of(vanished.iter().map(|(name, _)| *name));
    let text = format!(
        "gradients vanish in {} of {} layers: {names} (mean down to {smallest:.1e})",
        vanished.len(),
        known.len()
    );
    Finding::new(Code::Ef14, status, text).of(Symptom::VanishingGradients)
}

/// Its name and the median of its early mean |g|, where that is below [`VANISHED`].
pub(crate) fn vanishes(layer: &Layer) -> Option<(&str, f64)> {
    let counted = layer.mean_abs.get(FIRST_STEPS..)?;
    let early = &counted[..(counted.len() / 2).max(WINDOW).min(counted.len())];
    let middle = median(early.iter().copied())?;
    (middle < VANISHED).then_some((layer.name.as_str(), middle))
}

fn explodes(layer: &Layer) -> bool {
    let counted = &layer.mean_abs[FIRST_STEPS..];
    let of = |values: &[f64]| median(values.iter().copied()).unwrap_or(0.0);
    let curve: Vec<f64> = counted.chunks_exact(WINDOW).map(of).collect();
    let usual = of(counted);
    curve.windows(GROWING_WINDOWS + 1).any(|windows| {
        let grows = windows
            .windows(2)
            .all(|pair| pair[1] > GROWTH * pair[0] && pair[0] > 0.0);
        let end = windows[GROWING_WINDOWS];
        grows && (end > ABOVE_MEDIAN * usual || end == curve[curve.len() - 1])
    })
}

/// A step whose loss or gradient was not finite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonFinite {
    /// Steps that changed the weights before it.
    pub step: usize,
    /// The loss, or the name of the parameter.
    pub place: String,
    /// Whether it was rolled back and the learning rate lowered.
    pub rolled_back: bool,
}

/// Fails where a step was not finite and was not rolled back.
pub fn check_finite(steps: &[NonFinite]) -> Finding {
    let lost = steps.iter().find(|step| !step.rolled_back);
    let (status, text) = match (lost, steps.first()) {
        (Some(step), _) => (
            Status::Failed,
            format!(
                "{} is not finite at step {}; lower the learning rate",
                step.place, step.step
            ),
        ),
        (None, Some(first)) => (
            Status::Fixed,
            format!(
                "{} steps were not finite and were rolled back, first {} at step {}",
                steps.len(),
                first.place,
                first.step
            ),
        ),
        (None, None) => (Status::Pass, "all gradients are finite".into()),
    };
    let finding = Finding::new(Code::Ef14, status, text);
    if status == Status::Failed {
        return finding.of(Symptom::ExplodingGradients);
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(curve: impl Fn(usize) -> f64) -> Finding {
        let layer = |name: &str, mean_abs| Layer {
            name: name.into(),
            mean_abs,
        };
        let healthy = |name| layer(name, vec![1e-3; 60]);
        check_layers(&[
            layer("deep", (0..60).map(curve).collect()),
            healthy("middle"),
            healthy("head"),
        ])
    }

    #[test]
    fn vanishing_gradients_are_raised() {
        let finding = check(|_| 1e-9);
        assert_eq!(finding.status, Status::Warning);
        assert!(finding.message.contains("deep"));
        let all = Layer {
            name: "w".into(),
            mean_abs: vec![0.0; 20],
        };
        assert_eq!(check_layers(&[all]).status, Status::Failed);
    }

    #[test]
    fn exploding_gradients_are_raised() {
        assert_eq!(
            check(|step| 1e-3 * 1.3f64.powi(step as i32)).status,
            Status::Failed
        );
    }

    #[test]
    fn first_steps_noise_and_convergence_are_not() {
        // A head that starts at zero.
        assert_eq!(
            check(|step| if step < 5 { 0.0 } else { 1e-3 }).status,
            Status::Pass
        );
        assert_eq!(
            check(|step| 1e-6 * (1 + step * step) as f64).status,
            Status::Pass
        );
        assert_eq!(
            check(|step| 1e-2 * 0.75f64.powi(step as i32)).status,
            Status::Pass
        );
    }

    /// Gradients of single batches double within five steps all the time.
    #[test]
    fn one_doubling_is_noise() {
        let noise = |step: usize| (0.7 * 2f64.sqrt() * (step as f64 * 12.9898).sin()).exp();
        let doubles = (5..55).any(|step| noise(step + 5) > 2.0 * noise(step));
        assert!(doubles);
        assert_eq!(check(|step| 1e-3 * noise(step)).status, Status::Pass);
    }

    #[test]
    fn a_non_finite_step_fails_unless_rolled_back() {
        let step = |rolled_back| NonFinite {
            step: 7,
            place: "the loss".into(),
            rolled_back,
        };
        assert_eq!(check_finite(&[]).status, Status::Pass);
        assert_eq!(check_finite(&[step(true)]).status, Status::Fixed);
        let finding = check_finite(&[step(true), step(false)]);
        assert_eq!(finding.status, Status::Failed);
        assert!(finding.message.contains("step 7"));
    }
}
