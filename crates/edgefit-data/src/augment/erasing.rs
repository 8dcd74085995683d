//! Random erasing.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::draw::{between, log_between};

/// Share of the area that is erased.
const AREA: [f32; 2] = [0.02, 0.33];

/// Height of the rectangle over its width.
const RATIO: [f32; 2] = [0.3, 3.3];

/// How often a rectangle is drawn before the input is left whole.
const TRIES: usize = 10;

/// Sets a random rectangle of a normalised input to 0, the mean, with the ranges of torchvision's
/// RandomErasing (Zhong 2020, algorithm 1).
pub(super) fn erase(input: &mut [f32], width: u32, height: u32, rng: &mut ChaCha8Rng) {
    for _ in 0..TRIES {
        let area = (width * height) as f32 * between(rng, AREA);
        let ratio = log_between(rng, RATIO);
        let rows = (area * ratio).sqrt().round() as u32;
        let columns = (area / ratio).sqrt().round() as u32;
        if rows == 0 || columns == 0 || rows >= height || columns >= width {
            continue;
        }
        let top = rng.random_range(0..=height - rows);
        let left = rng.random_range(0..=width - columns);
        for plane in input.chunks_exact_mut((width * height) as usize) {
            let lines = plane.chunks_exact_mut(width as usize);
            for line in lines.skip(top as usize).take(rows as usize) {
                line[left as usize..(left + columns) as usize].fill(0.0);
            }
        }
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::stream;

    #[test]
    fn one_rectangle_of_all_channels_is_erased() {
        let (width, height) = (40u32, 30u32);
        for view in 0..100 {
            let mut input = vec![1.0; 3 * 40 * 30];
            erase(&mut input, width, height, &mut stream(0, view, ""));
            let planes: Vec<&[f32]> = input.chunks(40 * 30).collect();
            assert!(planes.iter().all(|plane| *plane == planes[0]));
            let erased: Vec<(usize, usize)> = (0..40 * 30)
                .filter(|&index| planes[0][index] == 0.0)
                .map(|index| (index % 40, index / 40))
                .collect();
            let share = erased.len() as f32 / 1200.0;
            assert!((0.015..0.35).contains(&share), "{share}");
            let span = |indices: Vec<usize>| {
                indices.iter().max().unwrap() - indices.iter().min().unwrap() + 1
            };
            let columns = span(erased.iter().map(|pixel| pixel.0).collect());
            let rows = span(erased.iter().map(|pixel| pixel.1).collect());
            assert_eq!(columns * rows, erased.len());
        }
    }

    #[test]
    fn an_input_too_small_for_a_rectangle_is_left_whole() {
        let mut input = vec![1.0; 3];
        erase(&mut input, 1, 1, &mut stream(0, 0, ""));
        assert_eq!(input, [1.0; 3]);
    }
}
