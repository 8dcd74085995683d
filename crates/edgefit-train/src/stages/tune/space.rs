//! The candidates that tuning tries.

use edgefit_data::stream;
use rand::RngExt;
use rand::seq::SliceRandom;

use crate::config::recipe::StageRecipe;
use crate::stages::tune::candidate::Candidate;

/// Farthest learning rate from the recipe's, as a factor.
const LEARNING_RATE: f64 = 30.0;
/// Farthest weight decay from the recipe's, as a factor. A decay of 0 stays off.
const WEIGHT_DECAY: f64 = 100.0;
/// Most label smoothing.
const LABEL_SMOOTHING: f64 = 0.2;
/// Strengths of augmentation, as factors of the recipe's.
const AUGMENTATION: [f64; 3] = [0.0, 1.0, 2.0];

/// Whether a choice is searched, or stays as the recipe has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Searched {
    Yes,
    No,
}

/// The centre of a search, and what of it is searched besides learning rate and weight decay.
pub(super) struct Around<'a> {
    pub own: &'a StageRecipe,
    pub augmentation: Searched,
    pub label_smoothing: Searched,
}

/// The choices of the recipe, and `count` others around them: log-uniform learning rates and decays,
/// uniform smoothing, and a strength of augmentation.
///
/// Each choice has one value in each of `count` equal parts of its range (a Latin hypercube, McKay,
/// Beckman & Conover 1979), so that few candidates leave no part of it out. Values have three
/// significant digits.
pub(super) fn sample(around: &Around, count: usize, seed: u64) -> Vec<Candidate> {
    let own = around.own;
    let mut rng = stream(seed, 0, "tune");
    let mut shares = || {
        let mut parts: Vec<usize> = (0..count).collect();
        parts.shuffle(&mut rng);
        let share = |part: usize| (part as f64 + rng.random::<f64>()) / count as f64;
        parts.into_iter().map(share).collect::<Vec<f64>>()
    };
    let scaled = |own: f64, factor: f64, share: f64| rounded(own * factor.powf(2.0 * share - 1.0));
    let [rates, decays, smoothings, strengths] = [(); 4].map(|()| shares());
    let others = (0..count).map(|at| Candidate {
        learning_rate: scaled(own.learning_rate, LEARNING_RATE, rates[at]),
        weight_decay: scaled(own.weight_decay, WEIGHT_DECAY, decays[at]),
        label_smoothing: match around.label_smoothing {
            Searched::Yes => rounded(LABEL_SMOOTHING * smoothings[at]),
            Searched::No => own.label_smoothing,
        },
        augmentation: match around.augmentation {
            Searched::Yes => {
                let nth = (strengths[at] * AUGMENTATION.len() as f64) as usize;
                own.augmentation * AUGMENTATION[nth.min(AUGMENTATION.len() - 1)]
            }
            Searched::No => own.augmentation,
        },
        rungs: Vec::new(),
    });
    std::iter::once(Candidate::of(own)).chain(others).collect()
}

fn rounded(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::recipe::Recipe;

    fn of(seed: u64) -> Vec<Candidate> {
        let around = Around {
            own: &Recipe::default().probe,
            augmentation: Searched::Yes,
            label_smoothing: Searched::Yes,
        };
        sample(&around, 9, seed)
    }

    #[test]
    fn candidates_cover_the_range_around_the_recipe() {
        let own = Recipe::default().probe;
        let made = of(1);
        assert_eq!(made[0], Candidate::of(&own));
        let mut rates: Vec<f64> = made[1..].iter().map(|made| made.learning_rate).collect();
        rates.sort_by(f64::total_cmp);
        for (part, rate) in rates.iter().enumerate() {
            let share = ((rate / own.learning_rate).ln() / LEARNING_RATE.ln() + 1.0) / 2.0;
            // Rounding may carry a rate over the edge of its part.
            assert!((9.0 * share - 0.5 - part as f64).abs() < 0.51, "{rates:?}");
        }
        for strength in AUGMENTATION {
            let same = made[1..]
                .iter()
                .filter(|made| made.augmentation == strength);
            assert_eq!(same.count(), 3, "{strength}");
        }
        let smoothing = made.iter().map(|made| made.label_smoothing);
        assert!(
            smoothing
                .clone()
                .all(|share| (0.0..=LABEL_SMOOTHING).contains(&share))
        );
        assert!(smoothing.fold(0.0, f64::max) > 0.15);
    }

    #[test]
    fn the_seed_decides_and_text_files_keep_every_digit() {
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        let text = serde_json::to_string(&of(3)).unwrap();
        let read: Vec<Candidate> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, of(3));
    }

    #[test]
    fn what_is_off_or_means_nothing_stays() {
        let own = StageRecipe {
            weight_decay: 0.0,
            ..Recipe::default().probe
        };
        let around = Around {
            own: &own,
            augmentation: Searched::No,
            label_smoothing: Searched::No,
        };
        for made in sample(&around, 20, 0) {
            assert_eq!(made.weight_decay, 0.0);
            assert_eq!(made.label_smoothing, own.label_smoothing);
            assert_eq!(made.augmentation, 1.0);
        }
    }
}
