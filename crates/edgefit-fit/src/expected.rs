//! What accuracy is to be expected of trained networks, where few validation samples tell them apart.

/// What is known of a trained network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Accuracy on the validation samples.
    pub accuracy: f64,
    /// Validation samples.
    pub samples: usize,
    /// Its score before it was trained, on several times as many samples.
    pub score: f64,
}

/// The accuracy that is to be expected of each: between what it reached on the validation samples and what
/// its score, with the mean gain of all, lets expect. The weights follow from how far gains vary beyond the
/// sampling error of the accuracies (empirical Bayes, Efron & Morris 1975): where there are many validation
/// samples, or gains really differ, the accuracy counts; where a few samples make all the difference, the score
/// does.
pub fn expected(all: &[Evidence]) -> Vec<f64> {
    let count = all.len() as f64;
    if all.len() < 2 {
        return all.iter().map(|one| one.accuracy).collect();
    }
    let mean = |value: &dyn Fn(&Evidence) -> f64| all.iter().map(value).sum::<f64>() / count;
    let gain = mean(&|one| one.accuracy - one.score);
    let spread = mean(&|one| (one.accuracy - one.score - gain).powi(2)) * count / (count - 1.0);
    // A rule of succession keeps the error of 0 and 1 above 0.
    let error = mean(&|one| {
        let samples = one.samples as f64;
        let share = (one.accuracy * samples + 1.0) / (samples + 2.0);
        share * (1.0 - share) / samples.max(1.0)
    });
    let own = (spread - error).max(0.0);
    let weight = own / (own + error);
    let each = all
        .iter()
        .map(|one| weight * one.accuracy + (1.0 - weight) * (one.score + gain));
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(accuracy: f64, samples: usize, score: f64) -> Evidence {
        Evidence {
            accuracy,
            samples,
            score,
        }
    }

    #[test]
    fn a_few_lucky_samples_do_not_beat_a_better_score() {
        let all = [
            evidence(0.86, 44, 0.86),
            evidence(0.91, 44, 0.82),
            evidence(0.84, 44, 0.80),
        ];
        let found = expected(&all);
        assert!(found[0] > found[1], "{found:?}");
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let accuracies = all.map(|one| one.accuracy);
        assert!((mean(&found) - mean(&accuracies)).abs() < 1e-12);
    }

    #[test]
    fn many_samples_speak_for_themselves() {
        let all = [
            evidence(0.86, 10_000, 0.86),
            evidence(0.91, 10_000, 0.82),
            evidence(0.84, 10_000, 0.80),
        ];
        for (found, one) in expected(&all).into_iter().zip(all) {
            assert!((found - one.accuracy).abs() < 0.002, "{found} {one:?}");
        }
        assert_eq!(expected(&all[..1]), [0.86]);
        assert!(expected(&[]).is_empty());
    }
}
