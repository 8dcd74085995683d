//! How strongly views are augmented.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// How strongly the views of an image differ; what a recipe says under `augmentation`.
///
/// The default is what Howard and Gugger (Deep Learning for Coders, 2020, chapter 2) fine-tune on a
/// few hundred photographs with: a random resized crop of at least half the area, and from fastai's
/// `aug_transforms` the flip, the rotation of 10 degrees and the lighting of 0.2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Share of the area that a random resized crop keeps, least and most; `[1, 1]` keeps the
    /// centre as without augmentation (Szegedy 2015, section 6).
    pub crop_scale: [f32; 2],
    /// Least and most distortion of the crop's aspect ratio, as a factor.
    pub crop_ratio: [f32; 2],
    /// Probability of a horizontal flip.
    pub flip: f32,
    /// Strength of changes of brightness, contrast and saturation: each factor is uniform in
    /// 1 ± strength, in 0 … 1.
    pub color_jitter: f32,
    /// Largest rotation either way, in degrees.
    pub rotation: f32,
    /// Number of random ops in a row (Cubuk 2020, RandAugment: N); 0 is off.
    pub rand_augment_ops: u32,
    /// Strength of these ops, in 0 … 10 (RandAugment: M).
    pub rand_augment_magnitude: f32,
    /// Probability that a rectangle is erased, set to the mean (Zhong 2020).
    pub erasing: f32,
}

const SHARES: RangeInclusive<f32> = 0.01..=1.0;
const RATIOS: RangeInclusive<f32> = 0.1..=10.0;
const MOST_OPS: u32 = 10;
const SMALLEST_CROP: f32 = 0.08;

impl Default for Augmentation {
    fn default() -> Self {
        Augmentation {
            crop_scale: [0.5, 1.0],
            crop_ratio: [3.0 / 4.0, 4.0 / 3.0],
            flip: 0.5,
            color_jitter: 0.2,
            rotation: 10.0,
            rand_augment_ops: 0,
            rand_augment_magnitude: 9.0,
            erasing: 0.0,
        }
    }
}

impl Augmentation {
    /// Every view is the clean image.
    pub fn none() -> Self {
        Augmentation {
            crop_scale: [1.0; 2],
            crop_ratio: [1.0; 2],
            flip: 0.0,
            color_jitter: 0.0,
            rotation: 0.0,
            rand_augment_ops: 0,
            rand_augment_magnitude: 0.0,
            erasing: 0.0,
        }
    }

    /// Whether every view is the clean image.
    pub fn is_off(&self) -> bool {
        let strengths = [self.flip, self.color_jitter, self.rotation, self.erasing];
        !self.crops() && self.rand_augment_ops == 0 && strengths == [0.0; 4]
    }

    pub(super) fn crops(&self) -> bool {
        self.crop_scale != [1.0; 2]
    }

    /// Whether every value can be used.
    ///
    /// # Errors
    /// The first key that cannot, and what it may be, as a sentence.
    pub fn validate(&self) -> Result<(), String> {
        let ranges = [
            ("crop_scale", self.crop_scale, SHARES),
            ("crop_ratio", self.crop_ratio, RATIOS),
        ];
        for (key, [low, high], allowed) in ranges {
            if !(allowed.contains(&low) && allowed.contains(&high) && low <= high) {
                let (least, most) = allowed.into_inner();
                return Err(format!(
                    "{key} is [{low}, {high}]; give two values in {least} … {most}, the smaller \
                     one first"
                ));
            }
        }
        let strengths = [
            ("flip", self.flip, 1.0),
            ("color_jitter", self.color_jitter, 1.0),
            ("rotation", self.rotation, 180.0),
            ("rand_augment_magnitude", self.rand_augment_magnitude, 10.0),
            ("erasing", self.erasing, 1.0),
        ];
        for (key, value, most) in strengths {
            if !(0.0..=most).contains(&value) {
                return Err(format!("{key} is {value}; give a value in 0 … {most}"));
            }
        }
        match self.rand_augment_ops {
            0..=MOST_OPS => Ok(()),
            ops => Err(format!(
                "rand_augment_ops is {ops}; give a number in 0 … {MOST_OPS}"
            )),
        }
    }

    /// Settings between [`none`](Self::none) at strength 0 and these at strength 1, the number of
    /// ops rounded up. Above 1 views differ more, as far as [`validate`](Self::validate) allows, but
    /// what is off stays off and flips are no more frequent. Crops keep at least 8 % of the area
    /// (Szegedy 2015, section 6), or what they keep at strength 1.
    pub fn scaled(&self, strength: f32) -> Self {
        let strength = strength.max(0.0);
        let scaled = |value: f32, most: f32| (value * strength).min(most);
        let kept = |share: f32| {
            let least = share.min(SMALLEST_CROP);
            (1.0 - strength + share * strength).max(least)
        };
        let ratio = |ratio: f32| ratio.powf(strength).clamp(*RATIOS.start(), *RATIOS.end());
        let ops = scaled(self.rand_augment_ops as f32, MOST_OPS as f32);
        Augmentation {
            crop_scale: self.crop_scale.map(kept),
            crop_ratio: self.crop_ratio.map(ratio),
            flip: self.flip * strength.min(1.0),
            color_jitter: scaled(self.color_jitter, 1.0),
            rotation: scaled(self.rotation, 180.0),
            rand_augment_ops: ops.ceil() as u32,
            rand_augment_magnitude: scaled(self.rand_augment_magnitude, 10.0),
            erasing: scaled(self.erasing, 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strong() -> Augmentation {
        Augmentation {
            crop_scale: [0.08, 0.9],
            rand_augment_ops: 3,
            erasing: 0.25,
            ..Augmentation::default()
        }
    }

    #[test]
    fn a_recipe_names_what_differs_from_the_default() {
        let read = serde_json::from_str::<Augmentation>;
        let found = read(r#"{"flip": 0, "crop_scale": [0.3, 1]}"#).unwrap();
        let expected = Augmentation {
            flip: 0.0,
            crop_scale: [0.3, 1.0],
            ..Augmentation::default()
        };
        assert_eq!(found, expected);
        let written = serde_json::to_string(&strong()).unwrap();
        assert_eq!(read(&written).unwrap(), strong());
        let error = read(r#"{"flipp": 0}"#).unwrap_err().to_string();
        assert!(
            error.contains("flipp") && error.contains("`flip`"),
            "{error}"
        );
    }

    #[test]
    fn scaling_goes_from_none_to_all() {
        assert_eq!(strong().scaled(0.0), Augmentation::none());
        assert_eq!(strong().scaled(-1.0), Augmentation::none());
        assert_eq!(strong().scaled(1.0), strong());
        assert_eq!(Augmentation::none().scaled(2.0), Augmentation::none());
        let twice = strong().scaled(2.0);
        assert_eq!((twice.flip, twice.color_jitter), (0.5, 0.4));
        assert_eq!((twice.rand_augment_ops, twice.rotation), (6, 20.0));
        let twice = Augmentation::default().scaled(2.0);
        assert_eq!(twice.crop_scale, [0.08, 1.0]);
        let half = strong().scaled(0.5);
        assert_eq!(half.crop_scale, [0.54, 0.95]);
        assert_eq!((half.rand_augment_ops, half.rotation), (2, 5.0));
        assert!(Augmentation::none().is_off() && !half.is_off());
        for strength in [0.001, 0.3, 0.7, 0.999, 1.5, 2.0, 100.0] {
            assert_eq!(strong().scaled(strength).validate(), Ok(()));
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert_eq!(Augmentation::default().validate(), Ok(()));
        assert_eq!(Augmentation::none().validate(), Ok(()));
        for (key, bad) in [
            ("crop_scale", r#"{"crop_scale": [0, 1]}"#),
            ("crop_scale", r#"{"crop_scale": [1, 0.5]}"#),
            ("crop_ratio", r#"{"crop_ratio": [0.5, 11]}"#),
            ("flip", r#"{"flip": 1.5}"#),
            ("color_jitter", r#"{"color_jitter": -0.1}"#),
            ("rotation", r#"{"rotation": 181}"#),
            ("rand_augment_ops", r#"{"rand_augment_ops": 11}"#),
            (
                "rand_augment_magnitude",
                r#"{"rand_augment_magnitude": 11}"#,
            ),
            ("erasing", r#"{"erasing": 2}"#),
        ] {
            let augmentation: Augmentation = serde_json::from_str(bad).unwrap();
            let error = augmentation.validate().unwrap_err();
            assert!(
                error.starts_with(key) && error.contains("give"),
                "{bad}: {error}"
            );
        }
        let not_a_number = Augmentation {
            rotation: f32::NAN,
            ..Augmentation::none()
        };
        assert!(not_a_number.validate().is_err());
    }
}
