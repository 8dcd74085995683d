//! The order of samples in an epoch.

use edgefit_graph::Task;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::config::recipe::Sampling;
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

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

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
