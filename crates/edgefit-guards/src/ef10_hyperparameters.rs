//! EF10: learning rates and other choices that are far off.

use edgefit_base::statistics::median;

use crate::finding::{short, some_of};
use crate::statistics::{mean_and_error, rank_correlation};
use crate::{Code, Finding, Status, Symptom};

/// log10 of |update| / |weight| between which training works (Karpathy 2019 aims at −3).
pub const UPDATE: [f64; 2] = [-4.0, -1.0];
/// Learning rate of a weight over that of the head from which on it is as good as frozen. Discriminative
/// rates, which fall by 2.6 a layer (Howard & Ruder 2018, section 3.2) or to 0.03 of the head's in the
/// default recipe, are above it.
pub const FROZEN: f64 = 0.01;
/// How far beyond, in powers of ten, the learning rate is certainly wrong.
pub const BEYOND: f64 = 1.0;
/// Steps below which a median says nothing.
pub const FEWEST_STEPS: usize = 10;
/// A rise of the loss, relative to the epoch before, that is a jump.
pub const JUMP: f64 = 0.3;
/// The same, relative to the first loss: a small loss may jump.
pub const JUMP_OF_FIRST: f64 = 0.05;
/// The same, in standard errors of the difference: batches differ, and where most samples are right the
/// loss of a batch is that of a few. By chance one difference in 44 is beyond.
pub const JUMP_ERRORS: f64 = 2.0;
/// Share of the epochs with a jump, from which on the loss oscillates.
pub const JUMPS: f64 = 1.0 / 3.0;
/// How many times the loss of an untrained head a loss must be to be worse than no training.
pub const ABOVE_UNTRAINED: f64 = 2.0;
/// Losses below which oscillation cannot be seen.
pub const FEWEST_LOSSES: usize = 6;
/// Values below which a search has no edge.
pub const FEWEST_TRIALS: usize = 8;
/// Rank correlation of values and losses from which on the loss falls towards an edge. Values without
/// any effect reach it once in a hundred searches of 17.
pub const TOWARDS_EDGE: f64 = 0.6;

/// Updates of a weight, not a bias, over the steps.
#[derive(Debug, Clone)]
pub struct Updates {
    /// Name of the weight.
    pub name: String,
    /// log10 of |update| / |weight| at each step that was compared.
    pub log10_ratios: Vec<f64>,
    /// Learning rate of the weight over the highest. A deep layer that moves little because it is given
    /// a small learning rate is as it should be.
    pub multiplier: f64,
    /// Whether the weight was zero at a step, as that of a new head. Large updates are right for
    /// it, so only too small ones count.
    pub from_zero: bool,
}

/// Warns where the median over weights of the median over steps is out of [`UPDATE`], and fails
/// where it is out by more than a power of ten. Too small is what would be so at the full learning rate:
/// Adam's updates are proportional to it, whatever the gradient (Kingma & Ba 2015, section 2.1).
///
/// One layer alone is not raised: new ones start small. `smallest` stands for the lower end of [`UPDATE`]: −∞ where
/// weights may stay as they are.
pub fn check_updates(learning_rate: f64, updates: &[Updates], smallest: f64) -> Finding {
    let known = updates
        .iter()
        .filter(|update| update.log10_ratios.len() >= FEWEST_STEPS);
    let known: Vec<&Updates> = known.collect();
    let of = |update: &&Updates| median(update.log10_ratios.iter().copied());
    let at_full_rate =
        |update: &&Updates| Some(of(update)? - update.multiplier.clamp(FROZEN, 1.0).log10());
    let Some(ratio) = median(known.iter().filter_map(at_full_rate)) else {
        let text = "too few steps to compare updates with weights";
        return Finding::new(Code::Ef10, Status::Off, text);
    };
    let [low, high] = UPDATE;
    let sized = known.iter().filter(|update| !update.from_zero);
    let largest = median(sized.filter_map(of)).unwrap_or(low);
    let (beyond, ratio, how) = match ratio {
        _ if ratio < smallest => (low - ratio, ratio, "low"),
        _ if largest > high => (largest - high, largest, "high"),
        _ => {
            let text = format!(
                "a step changes weights by 10^{ratio:.1} of their size at learning rate {}",
                short(learning_rate)
            );
            return Finding::new(Code::Ef10, Status::Pass, text);
        }
    };
    let status = if beyond > BEYOND {
        Status::Failed
    } else {
        Status::Warning
    };
    let names = some_of(known.iter().map(|update| update.name.as_str()));
    let text = format!(
        "a step changes weights by 10^{ratio:.1} of their size ({names}), and 10^{low:.0} \
        to 10^{high:.0} works: the learning rate of {} is too {how}",
        short(learning_rate)
    );
    Finding::new(Code::Ef10, status, text)
}

/// Mean loss of an epoch or of some steps.
#[derive(Debug, Clone, Copy)]
pub struct MeanLoss {
    /// The mean.
    pub mean: f64,
    /// Its standard error.
    pub error: f64,
}

impl MeanLoss {
    /// Of the losses of some steps.
    pub fn of(steps: &[f64]) -> Self {
        let (mean, error) = mean_and_error(steps);
        MeanLoss { mean, error }
    }
}

/// Warns where the losses jump up again and again, and fails where the last is far above the first, by more
/// than the noise of both.
pub fn check_loss(losses: &[MeanLoss]) -> Finding {
    let (Some(first), Some(last)) = (losses.first(), losses.last()) else {
        return Finding::new(Code::Ef10, Status::Off, "no loss was recorded");
    };
    let noise = first.error.hypot(last.error);
    let (first, last) = (first.mean, last.mean);
    if losses.len() < FEWEST_LOSSES {
        return Finding::new(
            Code::Ef10,
            Status::Off,
            "too few losses to see them oscillate",
        );
    }
    let jumps = |pair: &&[MeanLoss]| {
        let [from, to] = [pair[0], pair[1]];
        let rise = to.mean - from.mean;
        let noise = from.error.hypot(to.error);
        rise > JUMP * from.mean && rise > JUMP_OF_FIRST * first && rise > JUMP_ERRORS * noise
    };
    let jumps = losses.windows(2).filter(jumps).count();
    let share = jumps as f64 / (losses.len() - 1) as f64;
    let trend = format!("the loss went from {first:.3} to {last:.3}");
    let finding = if last > (1.0 + JUMP) * first && last - first > JUMP_ERRORS * noise {
        let text = format!("{trend}: the learning rate is too high");
        Finding::new(Code::Ef10, Status::Failed, text)
    } else if share >= JUMPS {
        let text = format!(
            "{trend} and jumped up {jumps} times of {}: the learning rate is too high",
            losses.len() - 1
        );
        Finding::new(Code::Ef10, Status::Warning, text)
    } else {
        let text = format!("{trend} without oscillating");
        return Finding::new(Code::Ef10, Status::Pass, text);
    };
    finding.of(Symptom::Oscillation)
}

/// Fails where the median of the losses, one a step, is far above that of an untrained head,
/// `untrained`: training made the network worse.
pub fn check_height(learning_rate: f64, losses: &[f64], untrained: f64) -> Finding {
    let Some(middle) = median(losses.iter().copied()).filter(|_| losses.len() >= FEWEST_STEPS)
    else {
        return Finding::new(
            Code::Ef10,
            Status::Off,
            "too few losses to judge their height",
        );
    };
    let text = format!(
        "half of the losses are above {middle:.3}, and an untrained head has {untrained:.3}"
    );
    if middle > ABOVE_UNTRAINED * untrained {
        let rate = short(learning_rate);
        let text = format!("{text}: the learning rate of {rate} is too high");
        return Finding::new(Code::Ef10, Status::Failed, text);
    }
    Finding::new(Code::Ef10, Status::Pass, text)
}

/// A choice made by trying values.
#[derive(Debug, Clone)]
pub struct Search {
    /// What was searched for, such as `learning rate`.
    pub name: String,
    /// The value that was chosen.
    pub chosen: f64,
    /// Each value that was tried, with the validation loss after equally long training.
    pub trials: Vec<[f64; 2]>,
}

/// Warns where the chosen value lies at the edge of those that were tried, and the loss falls towards
/// that edge: the best value may lie beyond. A value without any effect lies at an edge by chance.
pub fn check_search(search: &Search) -> Finding {
    let Search {
        name,
        chosen,
        trials,
    } = search;
    let values = trials.iter().map(|[value, _]| *value);
    let lowest = values.clone().fold(f64::INFINITY, f64::min);
    let highest = values.fold(f64::NEG_INFINITY, f64::max);
    if trials.len() < FEWEST_TRIALS || lowest == highest {
        let text = format!("too few values of {name} were tried to see an edge");
        return Finding::new(Code::Ef10, Status::Off, text);
    }
    let [value, low, high] = [*chosen, lowest, highest].map(short);
    let range = format!("{name} {value} of {low} to {high}");
    let rises = rank_correlation(trials).unwrap_or(0.0);
    let edge = match *chosen {
        chosen if chosen <= lowest && rises >= TOWARDS_EDGE => "lower",
        chosen if chosen >= highest && rises <= -TOWARDS_EDGE => "higher",
        _ => return Finding::new(Code::Ef10, Status::Pass, range),
    };
    let text = format!(
        "{range} lies at the edge of what was searched, and the loss falls towards it; search further \
         with a {edge} {name} in the recipe"
    );
    Finding::new(Code::Ef10, Status::Warning, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_far_above_those_of_guessing_are_raised() {
        let status = |loss: f64| check_height(1.0, &[loss; 30], 1.8).status;
        assert_eq!(status(300.0), Status::Failed);
        assert_eq!(status(2.0), Status::Pass);
        assert_eq!(check_height(1.0, &[300.0; 3], 1.8).status, Status::Off);
    }

    fn updates(medians: &[f64]) -> Vec<Updates> {
        let one = |&median: &f64| Updates {
            name: "w".into(),
            log10_ratios: (0..21)
                .map(|step| median + 0.1 * (step - 10) as f64)
                .collect(),
            multiplier: 1.0,
            from_zero: false,
        };
        medians.iter().map(one).collect()
    }

    #[test]
    fn learning_rates_that_are_off_are_raised() {
        for (medians, status) in [
            (&[-3.0, -3.2][..], Status::Pass),
            (&[-4.5, -4.4], Status::Warning),
            (&[-8.0], Status::Failed),
            (&[-0.5], Status::Warning),
            (&[1.0], Status::Failed),
            // Small learning rates in deep layers.
            (&[-5.0, -3.5, -2.5], Status::Pass),
            (&[], Status::Off),
        ] {
            assert_eq!(
                check_updates(1e-3, &updates(medians), UPDATE[0]).status,
                status,
                "{medians:?}"
            );
        }
        let mut head = updates(&[-0.5]);
        head[0].from_zero = true;
        assert_eq!(check_updates(1e-3, &head, UPDATE[0]).status, Status::Pass);
        let finding = check_updates(1e-9, &updates(&[-8.0]), UPDATE[0]);
        assert!(finding.message.contains("too low"), "{}", finding.message);
        let trained =
            |median: f64| check_updates(1e-5, &updates(&[median]), f64::NEG_INFINITY).status;
        assert_eq!(
            [trained(-8.0), trained(1.0)],
            [Status::Pass, Status::Failed]
        );
    }

    #[test]
    fn layers_with_small_learning_rates_may_move_little() {
        let deep = |median: f64, multiplier: f64| {
            let mut deep = updates(&[median; 3]);
            for update in &mut deep {
                update.multiplier = multiplier;
            }
            check_updates(1e-3, &deep, UPDATE[0]).status
        };
        // The default recipe's rates in stage full.
        assert_eq!(deep(-4.2, 0.06), Status::Pass);
        assert_eq!(deep(-4.2, 1.0), Status::Warning);
        assert_eq!(deep(-5.5, 0.06), Status::Warning);
        // As good as frozen.
        assert_eq!(deep(-9.0, 1e-6), Status::Failed);
        // A small learning rate does not make a large step smaller.
        assert_eq!(deep(-0.5, 0.06), Status::Warning);
    }

    /// Means with an error each.
    fn oscillates(means: &[f64], error: f64) -> Status {
        let losses = means.iter().map(|&mean| MeanLoss { mean, error });
        check_loss(&losses.collect::<Vec<_>>()).status
    }

    #[test]
    fn an_oscillating_loss_is_raised() {
        let up_and_down = [2.0, 5.0, 1.5, 4.0, 1.0, 3.0, 0.9];
        assert_eq!(oscillates(&up_and_down, 0.1), Status::Warning);
        let rising = [2.0, 3.0, 4.0, 5.0, 9.0, 30.0];
        assert_eq!(oscillates(&rising, 0.1), Status::Failed);
    }

    #[test]
    fn batches_that_differ_do_not_oscillate() {
        let small = [0.3, 0.2, 0.28, 0.18, 0.26, 0.17, 0.25, 0.19];
        assert_eq!(oscillates(&small, 0.001), Status::Warning);
        assert_eq!(oscillates(&small, 0.05), Status::Pass);
        // Where nearly nothing is left to learn, the last losses may be above the first.
        let learnt = [0.02, 0.021, 0.02, 0.023, 0.025, 0.03];
        assert_eq!(oscillates(&learnt, 0.001), Status::Failed);
        assert_eq!(oscillates(&learnt, 0.005), Status::Pass);
        let mean = MeanLoss::of(&[0.1, 0.3]);
        assert!((mean.mean - 0.2).abs() < 1e-12 && (mean.error - 0.1).abs() < 1e-12);
    }

    #[test]
    fn a_noisy_plateau_is_not() {
        let plateau = |epoch: i32| {
            let noise = if epoch % 2 == 0 { 0.05 } else { -0.05 };
            2.3 * f64::exp(-0.5 * f64::from(epoch)) + 0.8 + noise
        };
        let losses: Vec<f64> = (0..40).map(plateau).collect();
        assert_eq!(oscillates(&losses, 0.0), Status::Pass);
        let tiny: Vec<f64> = (0..40)
            .map(|e| if e == 0 { 2.3 } else { [0.01, 0.02][e % 2] })
            .collect();
        assert_eq!(oscillates(&tiny, 0.0), Status::Pass);
    }

    /// Values 1e-5 to 1e-1, and the one that was chosen.
    fn searched(chosen: f64, loss: impl Fn(f64) -> f64) -> Finding {
        let values = (0..9).map(|step| 10f64.powf(-5.0 + 0.5 * f64::from(step)));
        check_search(&Search {
            name: "learning rate".into(),
            chosen,
            trials: values.map(|value| [value, loss(value)]).collect(),
        })
    }

    #[test]
    fn a_choice_at_the_edge_is_raised() {
        let falling = |value: f64| 1.0 - value;
        let rising = |value: f64| value;
        assert_eq!(searched(1e-1, falling).status, Status::Warning);
        assert_eq!(searched(1e-5, rising).status, Status::Warning);
        assert_eq!(searched(1e-3, falling).status, Status::Pass);
        let text = searched(1e-1, falling).message;
        assert!(
            text.contains("further with a higher learning rate"),
            "{text}"
        );
    }

    #[test]
    fn a_choice_without_effect_is_not() {
        let indifferent = |value: f64| (1e4 * value).sin();
        for chosen in [1e-5, 1e-1] {
            assert_eq!(searched(chosen, indifferent).status, Status::Pass);
            assert_eq!(searched(chosen, |_| 0.5).status, Status::Pass);
        }
        let few = check_search(&Search {
            name: "learning rate".into(),
            chosen: 1.0,
            trials: vec![[0.1, 2.0], [1.0, 1.0]],
        });
        assert_eq!(few.status, Status::Off);
    }
}
