//! Figures that look at how likely a classifier finds each class.

use edgefit_base::statistics::argmax;

/// Bins of the calibration error.
const BINS: usize = 15;

/// Share of `rows` in which fewer than `k` classes are likelier than the right one.
pub(super) fn top_k(rows: &[&[f32]], labels: &[usize], k: usize) -> f64 {
    let among =
        |row: &[f32], label: usize| row.iter().filter(|&&other| other > row[label]).count() < k;
    let hits = rows
        .iter()
        .zip(labels)
        .filter(|&(row, &label)| among(row, label));
    hits.count() as f64 / labels.len().max(1) as f64
}

/// Mean over the classes that have samples inside and outside; `None` where none has.
pub(super) fn roc_auc(rows: &[Vec<f64>], labels: &[usize], classes: usize) -> Option<f64> {
    let of_class = |class: usize| {
        let scores = rows.iter().zip(labels);
        auc(scores
            .map(|(row, &label)| (row[class], label == class))
            .collect())
    };
    let areas: Vec<f64> = (0..classes).filter_map(of_class).collect();
    (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64)
}

/// Share of pairs of a positive and a negative in which the positive has the higher score, ties
/// counted half: the Mann-Whitney statistic.
pub(super) fn auc(mut scores: Vec<(f64, bool)>) -> Option<f64> {
    scores.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let (mut below, mut won) = (0usize, 0.0);
    for tied in scores.chunk_by(|(a, _), (b, _)| a == b) {
        let positives = tied.iter().filter(|(_, positive)| *positive).count();
        let negatives = tied.len() - positives;
        won += positives as f64 * (below as f64 + negatives as f64 / 2.0);
        below += negatives;
    }
    let pairs = below * (scores.len() - below);
    (pairs > 0).then(|| won / pairs as f64)
}

/// Mean distance of confidence and accuracy over the bins, weighted by their samples.
pub(super) fn calibration_error(rows: &[Vec<f64>], labels: &[usize]) -> Option<f64> {
    // Sum of confidences and of hits.
    let mut bins = [[0.0; 2]; BINS];
    for (row, &label) in rows.iter().zip(labels) {
        let confidence = row.iter().copied().fold(0.0, f64::max);
        let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        let single: Vec<f32> = row.iter().map(|&value| value as f32).collect();
        bin[0] += confidence;
        bin[1] += f64::from(u8::from(argmax(&single) == label));
    }
    let apart: f64 = bins
        .iter()
        .map(|[confidence, hits]| (confidence - hits).abs())
        .sum();
    (!labels.is_empty()).then(|| apart / labels.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_place_counts_and_the_sixth_does_not() {
        let row: &[f32] = &[6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
        assert_eq!(top_k(&[row, row], &[4, 5], 5), 0.5);
    }

    #[test]
    fn the_area_counts_pairs() {
        // Of the four pairs one is lost and one tied.
        let scores = vec![(0.9, true), (0.5, true), (0.5, false), (0.7, false)];
        assert_eq!(auc(scores), Some(2.5 / 4.0));
        assert_eq!(auc(vec![(0.1, true)]), None);
    }

    #[test]
    fn certainty_that_is_half_right_is_half_wrong() {
        let sure = vec![vec![1.0, 0.0]; 4];
        assert_eq!(calibration_error(&sure, &[0, 1, 0, 1]), Some(0.5));
        assert_eq!(calibration_error(&sure, &[0, 0, 0, 0]), Some(0.0));
        assert_eq!(calibration_error(&[], &[]), None);
    }
}
