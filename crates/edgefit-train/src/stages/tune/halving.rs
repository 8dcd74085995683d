//! Successive halving.

use crate::error::Result;
use crate::stages::tune::candidate::{Candidate, Rung};

/// One candidate in so many goes on to the next rung, which is as many times longer.
const ETA: usize = 3;

/// The length and the width of a rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planned {
    pub epochs: usize,
    pub candidates: usize,
}

/// Rungs from all candidates down to [`ETA`] or fewer, of which the last has all `epochs`.
pub(super) fn rungs(candidates: usize, epochs: usize) -> Vec<Planned> {
    let mut widths = vec![candidates];
    let mut width = candidates;
    while width > ETA {
        width = width.div_ceil(ETA);
        widths.push(width);
    }
    let mut epochs = epochs;
    let mut rungs: Vec<Planned> = Vec::new();
    for &candidates in widths.iter().rev() {
        rungs.push(Planned { epochs, candidates });
        epochs = (epochs / ETA).max(1);
    }
    rungs.reverse();
    rungs
}

/// Trains each candidate, named by its index, for as many epochs as its rung has, and gives the index
/// of the one with the lowest loss in the last. The first candidate is in every rung. `None` as soon as `train` gives none.
///
/// # Errors
/// Those of `train`.
pub(super) fn run(
    candidates: &mut [Candidate],
    rungs: &[Planned],
    mut train: impl FnMut(usize, &Candidate, usize) -> Result<Option<Rung>>,
) -> Result<Option<usize>> {
    let mut alive: Vec<usize> = (0..candidates.len()).collect();
    for rung in rungs {
        alive.truncate(rung.candidates);
        if !alive.contains(&0) {
            alive.pop();
            alive.push(0);
        }
        for &at in &alive {
            let Some(seen) = train(at, &candidates[at], rung.epochs)? else {
                return Ok(None);
            };
            candidates[at].rungs.push(seen);
        }
        alive.sort_by(|&a, &b| {
            let losses = candidates[a].loss().total_cmp(&candidates[b].loss());
            losses.then(a.cmp(&b))
        });
    }
    Ok(alive.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::recipe::Recipe;

    fn planned(candidates: usize, epochs: usize) -> Vec<[usize; 2]> {
        let rungs = rungs(candidates, epochs).into_iter();
        rungs.map(|rung| [rung.candidates, rung.epochs]).collect()
    }

    #[test]
    fn rungs_grow_as_candidates_fall_out() {
        assert_eq!(planned(17, 60), [[17, 6], [6, 20], [2, 60]]);
        assert_eq!(planned(28, 60), [[28, 2], [10, 6], [4, 20], [2, 60]]);
        assert_eq!(planned(9, 2), [[9, 1], [3, 2]]);
        assert_eq!(planned(2, 60), [[2, 60]]);
        assert_eq!(planned(1001, 1).last(), Some(&[2, 1]));
    }

    /// Candidates whose learning rate is their index.
    fn some(count: usize) -> Vec<Candidate> {
        let own = Candidate::of(&Recipe::default().probe);
        let rates = (0..count).map(|at| at as f64);
        rates
            .map(|rate| Candidate {
                learning_rate: rate,
                ..own.clone()
            })
            .collect()
    }

    fn seen(epochs: usize, val_loss: Option<f64>) -> Result<Option<Rung>> {
        Ok(Some(Rung {
            epochs,
            val_loss,
            val_accuracy: None,
        }))
    }

    #[test]
    fn the_best_go_on_and_the_best_of_the_longest_rung_is_chosen() {
        let mut candidates = some(17);
        let rungs = rungs(17, 60);
        // What looks best moves down as training gets longer.
        let train = |_: usize, candidate: &Candidate, epochs: usize| {
            let loss = match epochs {
                60 => (candidate.learning_rate - 7.0).abs(),
                20 => (candidate.learning_rate - 9.0).abs(),
                _ => (candidate.learning_rate - 10.0).abs(),
            };
            seen(epochs, Some(loss))
        };
        let chosen = run(&mut candidates, &rungs, train).unwrap();
        let came: Vec<usize> = candidates.iter().map(|made| made.rungs.len()).collect();
        assert_eq!(came, [3, 1, 1, 1, 1, 1, 1, 1, 2, 3, 2, 2, 2, 1, 1, 1, 1]);
        assert_eq!(chosen, Some(9));
    }

    #[test]
    fn the_first_is_never_dropped_and_wins_where_others_are_no_better() {
        let mut candidates = some(17);
        let train = |_: usize, candidate: &Candidate, epochs: usize| {
            let late = epochs == 60;
            seen(
                epochs,
                Some(if late { 1.0 } else { -candidate.learning_rate }),
            )
        };
        let chosen = run(&mut candidates, &rungs(17, 60), train).unwrap();
        assert_eq!(chosen, Some(0));
        assert_eq!(candidates[0].rungs.len(), 3);
    }

    #[test]
    fn what_diverges_comes_last_and_the_user_can_end_it() {
        let mut candidates = some(4);
        let train = |_: usize, candidate: &Candidate, epochs: usize| {
            seen(epochs, (candidate.learning_rate == 2.0).then_some(9.0))
        };
        let chosen = run(&mut candidates, &rungs(4, 3), train).unwrap();
        assert_eq!(chosen, Some(2));
        let ended = run(&mut some(4), &rungs(4, 3), |_, _, _| Ok(None)).unwrap();
        assert_eq!(ended, None);
    }
}
