//! How well a linear classifier tells classes apart by some features, without training a network.
//!
//! Ridge regression on one-hot targets, in closed form (Hoerl & Kennard 1970), cross-validated in folds that
//! keep groups together. The penalty is the one of [`PENALTIES`] with the smallest squared error over all
//! folds, so that the accuracy that is reported decides nothing about itself.

use edgefit_base::statistics::argmax;
use edgefit_linalg::cholesky::Cholesky;
use edgefit_linalg::product::{Matrix, Threads, overwrite};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Number of folds.
const FOLDS: usize = 5;

/// Penalties that are tried, relative to the mean of the Gram matrix' diagonal.
const PENALTIES: [f64; 5] = [1e-3, 1e-2, 1e-1, 1.0, 10.0];

/// Accuracy of a linear classifier on samples that it was not fitted to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Share of the samples that it classifies correctly.
    pub accuracy: f64,
    /// Samples.
    pub samples: usize,
}

/// The fold of each sample: the samples of a class are spread evenly, and a group is in one fold.
pub fn folds(classes: &[usize], groups: &[usize], seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    // The sort is stable, so that the order within a class stays random.
    order.sort_by_key(|&at| classes[at]);
    let mut of_group = std::collections::HashMap::new();
    let mut fold_of = vec![0; classes.len()];
    for at in order {
        let next = of_group.len() % FOLDS;
        fold_of[at] = *of_group.entry(groups[at]).or_insert(next);
    }
    fold_of
}

/// The cross-validated score of `rows`, one for each sample, whose `classes` and `folds` are given.
pub fn score(rows: &[&[f32]], classes: &[usize], folds: &[usize]) -> Score {
    let mut right = [0usize; PENALTIES.len()];
    let best = best_penalty(rows, classes, folds, |penalty, at, scores| {
        right[penalty] += usize::from(argmax(scores) == classes[at]);
    });
    Score {
        accuracy: right[best] as f64 / rows.len().max(1) as f64,
        samples: rows.len(),
    }
}

/// Probabilities of the classes of each sample, by a classifier that was not fitted to it: outputs of the
/// regression, which estimate them, within 0 and 1 and with sum 1.
pub fn probabilities(rows: &[&[f32]], classes: &[usize], folds: &[usize]) -> Vec<Vec<f32>> {
    let best = best_penalty(rows, classes, folds, |_, _, _| {});
    let mut made = vec![Vec::new(); rows.len()];
    for_each_prediction(rows, classes, folds, |penalty, at, scores| {
        if penalty == best {
            let inside: Vec<f32> = scores.iter().map(|score| score.clamp(0.0, 1.0)).collect();
            let sum: f32 = inside.iter().sum();
            made[at] = inside
                .iter()
                .map(|score| score / sum.max(f32::MIN_POSITIVE))
                .collect();
        }
    });
    made
}

/// The penalty with the smallest squared error; calls `each` with every penalty, sample and its scores.
fn best_penalty(
    rows: &[&[f32]],
    classes: &[usize],
    folds: &[usize],
    mut each: impl FnMut(usize, usize, &[f32]),
) -> usize {
    let mut errors = [0.0; PENALTIES.len()];
    for_each_prediction(rows, classes, folds, |penalty, at, scores| {
        let squared = |(class, score): (usize, &f32)| {
            let target = f64::from(u8::from(class == classes[at]));
            (f64::from(*score) - target).powi(2)
        };
        errors[penalty] += scores.iter().enumerate().map(squared).sum::<f64>();
        each(penalty, at, scores);
    });
    let best = (0..PENALTIES.len()).min_by(|&a, &b| errors[a].total_cmp(&errors[b]));
    best.unwrap_or(0)
}

/// Calls `each` with every penalty, sample, and what a classifier says of it that was fitted to the other folds.
fn for_each_prediction(
    rows: &[&[f32]],
    classes: &[usize],
    folds: &[usize],
    mut each: impl FnMut(usize, usize, &[f32]),
) {
    let outputs = classes.iter().max().map_or(0, |&most| most + 1);
    let features = standardized(rows);
    for fold in 0..FOLDS {
        let (held, kept): (Vec<usize>, Vec<usize>) =
            (0..rows.len()).partition(|&at| folds[at] == fold);
        if held.is_empty() || kept.is_empty() {
            continue;
        }
        let [train, test] = [&kept, &held].map(|samples| {
            let rows = samples.iter().map(|&at| features[at].as_slice());
            rows.collect::<Vec<_>>().concat()
        });
        let width = train.len() / kept.len();
        let is = |class: usize, at: usize| f64::from(u8::from(classes[at] == class));
        let share = |class| kept.iter().map(|&at| is(class, at)).sum::<f64>() / kept.len() as f64;
        let means: Vec<f64> = (0..outputs).map(share).collect();
        let means = &means;
        let centered =
            (0..outputs).flat_map(|class| kept.iter().map(move |&at| is(class, at) - means[class]));
        let centered: Vec<f64> = centered.collect();
        let predicted = predictions(
            Matrix::new(&train, kept.len(), width),
            Matrix::new(&centered, outputs, kept.len()),
            Matrix::new(&test, held.len(), width),
        );
        for (penalty, predicted) in predicted.iter().enumerate() {
            for (&at, row) in held.iter().zip(predicted.chunks(outputs)) {
                let scores = row.iter().zip(means);
                let scores: Vec<f32> = scores.map(|(row, mean)| (row + mean) as f32).collect();
                each(penalty, at, &scores);
            }
        }
    }
}

/// What ridge regression fitted to `train` (samples × features) and `targets` (outputs × samples) says of `test`,
/// samples × outputs, for each penalty. Solved in the smaller of the two dimensions (Saunders, Gammerman & Vovk 1998).
fn predictions(train: Matrix<f64>, targets: Matrix<f64>, test: Matrix<f64>) -> Vec<Vec<f64>> {
    let is_dual = train.rows() < train.columns();
    let size = train.rows().min(train.columns());
    let (gram, right, left) = if is_dual {
        let gram = product(train, train.transposed());
        (gram, targets.to_vec(), product(test, train.transposed()))
    } else {
        let gram = product(train.transposed(), train);
        (gram, product(targets, train), test.to_vec())
    };
    let trace: f64 = (0..size).map(|at| gram[at * (size + 1)]).sum();
    let solved = |penalty: &f64| {
        // Features that never vary leave a Gram matrix of 0.
        let ridge = (penalty * trace / size as f64).max(f64::MIN_POSITIVE.sqrt());
        let system = |row: usize, column: usize| {
            gram[row * size + column] + if row == column { ridge } else { 0.0 }
        };
        let mut weights = right.clone();
        Cholesky::of(size, system).solve(&mut weights);
        let weights = Matrix::new(&weights, targets.rows(), size);
        product(Matrix::new(&left, test.rows(), size), weights.transposed())
    };
    PENALTIES.iter().map(solved).collect()
}

/// `a` times `b`, row by row. Depths are scored side by side, each on a thread of its own.
fn product(a: Matrix<f64>, b: Matrix<f64>) -> Vec<f64> {
    let mut made = vec![0.0; a.rows() * b.columns()];
    overwrite(a, b, &mut made, Threads::One);
    made
}

/// The features of each sample with mean 0 and standard deviation 1 over all; those that never vary are 0.
fn standardized(rows: &[&[f32]]) -> Vec<Vec<f64>> {
    let count = rows.len().max(1) as f64;
    let width = rows.first().map_or(0, |row| row.len());
    let over_rows = |of: &dyn Fn(usize, f64) -> f64| {
        let mut sums = vec![0.0; width];
        for row in rows {
            for (column, (sum, value)) in sums.iter_mut().zip(*row).enumerate() {
                *sum += of(column, f64::from(*value)) / count;
            }
        }
        sums
    };
    let means = over_rows(&|_, value| value);
    let variances = over_rows(&|column, value| (value - means[column]).powi(2));
    let scaled = |(column, value): (usize, &f32)| match variances[column].sqrt() {
        deviation if deviation > 0.0 => (f64::from(*value) - means[column]) / deviation,
        _ => 0.0,
    };
    let rows = rows.iter();
    rows.map(|row| row.iter().enumerate().map(scaled).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two features: the first tells the class, the second nothing.
    fn rows(noise: f32) -> (Vec<Vec<f32>>, Vec<usize>) {
        let classes: Vec<usize> = (0..60).map(|at| at % 3).collect();
        let wave = |at: usize| ((at * 7919) % 101) as f32 / 101.0 - 0.5;
        let made = classes.iter().enumerate().map(|(at, &class)| {
            let mut row = vec![0.0; 3];
            row[class] = 1.0 + noise * wave(at);
            row.push(wave(at + 5));
            row
        });
        (made.collect(), classes)
    }

    fn scored(rows: &[Vec<f32>], classes: &[usize]) -> f64 {
        let groups: Vec<usize> = (0..classes.len()).collect();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        score(&rows, classes, &folds(classes, &groups, 0)).accuracy
    }

    #[test]
    fn what_tells_classes_apart_scores_one_and_what_does_not_scores_chance() {
        let (rows, classes) = rows(0.1);
        assert_eq!(scored(&rows, &classes), 1.0);
        let blind: Vec<Vec<f32>> = rows.iter().map(|row| vec![row[3]]).collect();
        assert!(scored(&blind, &classes) < 0.6);
        let constant = vec![vec![1.0; 4]; rows.len()];
        assert!(scored(&constant, &classes) < 0.5);
    }

    #[test]
    fn more_features_than_samples_give_what_fewer_do() {
        let (rows, classes) = rows(0.1);
        // The same features, and many that are always 0.
        let wide: Vec<Vec<f32>> = rows
            .iter()
            .map(|row| [row.as_slice(), &[0.0; 200]].concat())
            .collect();
        assert_eq!(scored(&wide, &classes), scored(&rows, &classes));
    }

    #[test]
    fn a_group_is_in_one_fold_and_classes_are_spread() {
        let classes: Vec<usize> = (0..50).map(|at| at / 25).collect();
        let groups: Vec<usize> = (0..50).map(|at| at / 2).collect();
        let folds = folds(&classes, &groups, 3);
        assert!(folds.chunks(2).all(|pair| pair[0] == pair[1]));
        for fold in 0..FOLDS {
            let of = |class: usize| {
                (0..50)
                    .filter(|&at| folds[at] == fold && classes[at] == class)
                    .count()
            };
            assert!(of(0) >= 4 && of(1) >= 4, "fold {fold}");
        }
    }
}
