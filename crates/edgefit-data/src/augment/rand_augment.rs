//! RandAugment: a few random ops in a row.

use image::RgbImage;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::draw::either_sign;
use super::{Augmentation, color, geometry, intensity};

/// The ops of RandAugment (Cubuk 2020, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq)]
enum Op {
    Identity,
    AutoContrast,
    Equalize,
    Rotate,
    Solarize,
    Color,
    Posterize,
    Contrast,
    Brightness,
    Sharpness,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
}

const OPS: [Op; 14] = [
    Op::Identity,
    Op::AutoContrast,
    Op::Equalize,
    Op::Rotate,
    Op::Solarize,
    Op::Color,
    Op::Posterize,
    Op::Contrast,
    Op::Brightness,
    Op::Sharpness,
    Op::ShearX,
    Op::ShearY,
    Op::TranslateX,
    Op::TranslateY,
];

const STRONGEST: f32 = 10.0;

/// So many random ops in a row, each at the magnitude of the settings.
pub(super) fn apply(image: &mut RgbImage, augmentation: &Augmentation, rng: &mut ChaCha8Rng) {
    let level = augmentation.rand_augment_magnitude / STRONGEST;
    for _ in 0..augmentation.rand_augment_ops {
        if let Some(op) = OPS.choose(rng) {
            op.apply(image, level, rng);
        }
    }
}

impl Op {
    /// At a level of 0 … 1, over the ranges of torchvision's RandAugment. What has two directions
    /// takes either.
    fn apply(self, image: &mut RgbImage, level: f32, rng: &mut ChaCha8Rng) {
        let mut signed = |most: f32| either_sign(rng, most * level);
        match self {
            Op::Identity => {}
            Op::AutoContrast => intensity::auto_contrast(image),
            Op::Equalize => intensity::equalize(image),
            Op::Solarize => intensity::solarize(image, 256.0 * (1.0 - level)),
            Op::Posterize => intensity::posterize(image, 8 - (4.0 * level).round() as u32),
            Op::Color => color::saturation(image, 1.0 + signed(0.9)),
            Op::Contrast => color::contrast(image, 1.0 + signed(0.9)),
            Op::Brightness => color::brightness(image, 1.0 + signed(0.9)),
            Op::Sharpness => color::sharpness(image, 1.0 + signed(0.9)),
            Op::Rotate => *image = geometry::rotated(image, signed(30.0)),
            Op::ShearX => *image = geometry::sheared(image, signed(0.3), 0.0),
            Op::ShearY => *image = geometry::sheared(image, 0.0, signed(0.3)),
            Op::TranslateX => *image = geometry::translated(image, signed(150.0 / 331.0), 0.0),
            Op::TranslateY => *image = geometry::translated(image, 0.0, signed(150.0 / 331.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;
    use crate::augment::stream;

    /// Of many colours, but neither black nor white.
    fn scene() -> RgbImage {
        RgbImage::from_fn(40, 30, |x, y| {
            Rgb([40 + 4 * x, 60 + 5 * y, 50 + x * y % 120].map(|value| value as u8))
        })
    }

    #[test]
    fn every_op_changes_the_picture_either_way() {
        for op in OPS {
            for view in 0..4 {
                let mut image = scene();
                op.apply(&mut image, 1.0, &mut stream(0, view, ""));
                assert_eq!(image == scene(), op == Op::Identity, "{op:?}");
            }
        }
    }

    #[test]
    fn at_level_0_only_the_ops_without_strength_change_it() {
        for op in OPS {
            let mut image = scene();
            op.apply(&mut image, 0.0, &mut stream(0, 0, ""));
            let without_strength = matches!(op, Op::AutoContrast | Op::Equalize);
            assert_eq!(image != scene(), without_strength, "{op:?}");
        }
    }

    #[test]
    fn a_stronger_op_changes_more() {
        for op in OPS {
            if matches!(op, Op::Identity | Op::AutoContrast | Op::Equalize) {
                continue;
            }
            let [weak, strong] = [0.3, 1.0].map(|level| {
                let mut image = scene();
                op.apply(&mut image, level, &mut stream(0, 0, ""));
                let pairs = image.iter().zip(scene().into_raw());
                pairs.map(|(a, b)| u64::from(a.abs_diff(b))).sum::<u64>()
            });
            assert!(weak < strong, "{op:?}: {weak} {strong}");
        }
    }
}
