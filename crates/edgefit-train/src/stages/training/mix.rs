//! Mixup and cutmix.

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution};

use crate::config::recipe::StageRecipe;
use crate::prepare::targets::Targets;
use crate::stages::training::inputs::Raster;

/// Mixes the samples of a batch with one another, as the recipe says: inputs are rows, of images if
/// `image` says how they lie in memory.
pub(crate) fn mix(
    recipe: &StageRecipe,
    image: Option<Raster>,
    rows: Vec<f32>,
    targets: Targets,
    rng: &mut ChaCha8Rng,
) -> (Vec<f32>, Targets) {
    let cut = image.filter(|_| recipe.cutmix > 0.0);
    // With both, each has half of the batches.
    let cut = cut.filter(|_| recipe.mixup == 0.0 || rng.random_bool(0.5));
    let alpha = match cut {
        Some(_) => recipe.cutmix,
        None => recipe.mixup,
    };
    let Ok(beta) = Beta::new(alpha, alpha) else {
        return (rows, targets);
    };
    let share: f64 = beta.sample(rng);
    let mut partners: Vec<usize> = (0..targets.len()).collect();
    partners.shuffle(rng);
    match cut {
        Some(image) => {
            let (rows, share) = paste(image, rows, &partners, share, rng);
            (rows, targets.mixed(&partners, share))
        }
        None => {
            let share = share as f32;
            (
                blend(rows, &partners, share),
                targets.mixed(&partners, share),
            )
        }
    }
}

/// Mixup (Zhang et al. 2018, eq. 1).
fn blend(rows: Vec<f32>, partners: &[usize], share: f32) -> Vec<f32> {
    let width = rows.len() / partners.len().max(1);
    let others = partners
        .iter()
        .flat_map(|&partner| &rows[partner * width..(partner + 1) * width]);
    let pairs = rows.iter().zip(others);
    pairs
        .map(|(own, other)| share * own + (1.0 - share) * other)
        .collect()
}

/// Cutmix (Yun et al. 2019, section 3.1): a rectangle of 1 − `share` of the image comes from the
/// partner. Gives the share that is left after rounding, too.
fn paste(
    image: Raster,
    mut rows: Vec<f32>,
    partners: &[usize],
    share: f64,
    rng: &mut ChaCha8Rng,
) -> (Vec<f32>, f32) {
    let Raster {
        planes,
        height,
        width,
        values,
    } = image;
    let side = (1.0 - share).sqrt();
    let span = |length: usize, rng: &mut ChaCha8Rng| {
        let half = (side * length as f64 / 2.0) as usize;
        let centre = rng.random_range(0..length);
        centre.saturating_sub(half)..(centre + half).min(length)
    };
    let (ys, xs) = (span(height, rng), span(width, rng));
    let original = rows.clone();
    let sample = planes * height * width * values;
    for (own, partner) in partners.iter().enumerate() {
        for plane in 0..planes {
            for y in ys.clone() {
                let at = ((plane * height + y) * width + xs.start) * values;
                let length = xs.len() * values;
                let from = partner * sample + at;
                let to = own * sample + at;
                rows[to..to + length].copy_from_slice(&original[from..from + length]);
            }
        }
    }
    let pasted = ys.len() * xs.len();
    (rows, 1.0 - pasted as f32 / (height * width) as f32)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::config::recipe::Recipe;

    fn raster(planes: usize, values: usize) -> Raster {
        Raster {
            planes,
            height: 8,
            width: 8,
            values,
        }
    }

    #[test]
    fn what_is_mixed_in_is_what_the_targets_say() {
        let targets = Targets::of_classes(&[0, 1], &[1.0, 1.0]);
        // The first image is all 0, the second all 1: the share of ones is that of the second.
        let rows: Vec<f32> = [vec![0.0; 3 * 8 * 8], vec![1.0; 3 * 8 * 8]].concat();
        let layouts = [raster(3, 1), raster(1, 3)];
        let shares = [(0.4, 0.0), (0.0, 1.0), (1.0, 1.0)];
        let all = layouts
            .iter()
            .flat_map(|image| shares.map(|share| (*image, share)));
        for (image, (mixup, cutmix)) in all {
            let recipe = StageRecipe {
                mixup,
                cutmix,
                ..Recipe::default().full
            };
            let mut mixed = false;
            for seed in 0..20 {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                let (rows, targets) = mix(
                    &recipe,
                    Some(image),
                    rows.clone(),
                    targets.clone(),
                    &mut rng,
                );
                let mean = rows[..192].iter().sum::<f32>() / 192.0;
                assert!((mean - targets.values[1]).abs() < 1e-5);
                assert!((targets.values[0] + targets.values[1] - 1.0).abs() < 1e-5);
                mixed |= targets.values[1] > 0.01 && targets.values[1] < 0.99;
            }
            assert!(mixed);
        }
    }

    #[test]
    fn a_pasted_rectangle_is_one_in_every_layout() {
        let recipe = StageRecipe {
            mixup: 0.0,
            cutmix: 1.0,
            ..Recipe::default().full
        };
        let targets = Targets::of_classes(&[0, 1], &[1.0, 1.0]);
        let rows: Vec<f32> = [vec![0.0; 192], vec![1.0; 192]].concat();
        let pasted = |image: Raster| {
            let mut rng = ChaCha8Rng::seed_from_u64(3);
            mix(
                &recipe,
                Some(image),
                rows.clone(),
                targets.clone(),
                &mut rng,
            )
            .0
        };
        let (first, last) = (pasted(raster(3, 1)), pasted(raster(1, 3)));
        assert!(first[..192].contains(&1.0) && first[..192].contains(&0.0));
        for (pixel, value) in first[..64].iter().enumerate() {
            assert_eq!(last[3 * pixel..3 * pixel + 3], [*value; 3]);
        }
    }

    #[test]
    fn nothing_is_mixed_where_the_recipe_says_so() {
        let targets = Targets::of_classes(&[0, 1], &[1.0, 1.0]);
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let recipe = Recipe::default().full;
        let rows = vec![1.0, 2.0, 3.0, 4.0];
        assert_eq!(
            mix(&recipe, None, rows.clone(), targets.clone(), &mut rng),
            (rows, targets)
        );
    }
}
