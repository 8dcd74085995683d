//! The order of samples in an epoch, and its parts.

use edgefit_graph::Task;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::config::recipe::{Normalization, Sampling, StageRecipe};
use crate::prepare::targets::Targets;

/// The samples of an epoch, in order.
pub(crate) fn order(targets: &Targets, sampling: Sampling, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut all: Vec<usize> = (0..targets.len()).collect();
    all.shuffle(rng);
    if sampling == Sampling::Shuffled || targets.task != Task::Classes {
        return all;
    }
    let mut by_class = vec![Vec::new(); targets.outputs];
    for &sample in &all {
        let row = &targets.values[sample * targets.outputs..(sample + 1) * targets.outputs];
        by_class[edgefit_base::statistics::argmax(row)].push(sample);
    }
    by_class.retain(|members| !members.is_empty());
    let turns = (0..targets.len()).map(|turn| {
        let members = &by_class[turn % by_class.len()];
        members[(turn / by_class.len()) % members.len()]
    });
    let mut drawn: Vec<usize> = turns.collect();
    drawn.shuffle(rng);
    drawn
}

/// Parts of `size` samples, the last of which may be smaller. Where normalisation is by the statistics of the batch, a
/// sample that is left alone, which has none, joins the part before it.
pub(crate) fn parts<'a>(
    samples: &'a [usize],
    size: usize,
    recipe: &StageRecipe,
) -> impl Iterator<Item = &'a [usize]> + use<'a> {
    let left = samples.len() % size;
    let last = if one_joins(samples.len(), size, recipe) {
        size + left
    } else {
        left
    };
    let (whole, last) = samples.split_at(samples.len() - last);
    let last = (!last.is_empty()).then_some(last);
    whole.chunks(size).chain(last)
}

/// Updates in an epoch of so many samples.
pub(crate) fn updates(samples: usize, recipe: &StageRecipe) -> usize {
    let size = recipe.batch * recipe.accumulate;
    samples.div_ceil(size) - usize::from(one_joins(samples, size, recipe))
}

/// Whether the last of so many samples joins the part of `size` before it.
fn one_joins(samples: usize, size: usize, recipe: &StageRecipe) -> bool {
    let is_of_batch = recipe.normalization == Normalization::Batch;
    is_of_batch && samples > size && samples % size == 1
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::config::recipe::Recipe;

    #[test]
    fn a_sample_that_is_left_alone_joins_where_the_batch_normalises() {
        let [frozen, batch] =
            [Normalization::Frozen, Normalization::Batch].map(|normalization| StageRecipe {
                batch: 4,
                accumulate: 2,
                normalization,
                ..Recipe::default().full
            });
        let samples: Vec<usize> = (0..17).collect();
        let sizes = |count: usize, size: usize, recipe: &StageRecipe| -> Vec<usize> {
            let parts = parts(&samples[..count], size, recipe);
            parts.map(<[usize]>::len).collect()
        };
        assert_eq!(sizes(17, 8, &frozen), [8, 8, 1]);
        assert_eq!(sizes(17, 8, &batch), [8, 9]);
        assert_eq!(sizes(9, 4, &batch), [4, 5]);
        assert_eq!(sizes(10, 4, &batch), [4, 4, 2]);
        assert_eq!(sizes(3, 1, &batch), [1, 1, 1]);
        assert_eq!(sizes(1, 4, &batch), [1]);
        assert_eq!([&frozen, &batch].map(|recipe| updates(17, recipe)), [3, 2]);
    }

    #[test]
    fn every_sample_once_or_every_class_alike() {
        let labels: Vec<usize> = [vec![0; 30], vec![1; 6], vec![3; 4]].concat();
        let targets = Targets::of_classes(&labels, &[1.0; 4]);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut shuffled = order(&targets, Sampling::Shuffled, &mut rng);
        assert_ne!(shuffled, (0..40).collect::<Vec<_>>());
        shuffled.sort_unstable();
        assert_eq!(shuffled, (0..40).collect::<Vec<_>>());
        let balanced = order(&targets, Sampling::Balanced, &mut rng);
        for (class, least) in [(0, 13), (1, 13), (3, 13)] {
            let count = balanced.iter().filter(|&&at| labels[at] == class).count();
            assert!((least..=least + 1).contains(&count), "{class}: {count}");
        }
    }
}
