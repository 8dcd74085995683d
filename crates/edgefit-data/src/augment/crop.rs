//! Random resized crops.

use edgefit_graph::Preprocessing;
use edgefit_graph::preprocessing::Fit;
use image::RgbImage;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::Augmentation;
use super::draw::{between, log_between};
use crate::resample::CropBox;

/// How often a crop is drawn before the centre is taken.
const TRIES: usize = 10;

/// A rectangle of the image of random area, aspect ratio and position, as torchvision's RandomResizedCrop
/// draws it (Szegedy 2015, section 6).
///
/// The aspect ratio varies around that of the clean view: the input's, or the image's own where the
/// preprocessing stretches.
pub(super) fn random(
    image: &RgbImage,
    preprocessing: &Preprocessing,
    augmentation: &Augmentation,
    rng: &mut ChaCha8Rng,
) -> CropBox {
    let (width, height) = (f64::from(image.width()), f64::from(image.height()));
    let usual = match preprocessing.fit {
        Fit::Crop { .. } => f64::from(preprocessing.width) / f64::from(preprocessing.height),
        Fit::Stretch => width / height,
    };
    for _ in 0..TRIES {
        let area = width * height * f64::from(between(rng, augmentation.crop_scale));
        let ratio = usual * f64::from(log_between(rng, augmentation.crop_ratio));
        let kept = ((area * ratio).sqrt(), (area / ratio).sqrt());
        if kept.0 <= width && kept.1 <= height {
            let left = (width - kept.0) * rng.random::<f64>();
            let top = (height - kept.1) * rng.random::<f64>();
            return CropBox {
                left,
                top,
                width: kept.0.min(width - left),
                height: kept.1.min(height - top),
            };
        }
    }
    let [least, most] = augmentation.crop_ratio.map(f64::from);
    centre(width, height, usual * least, usual * most)
}

/// The largest rectangle around the centre whose aspect ratio lies in the range.
fn centre(width: f64, height: f64, least: f64, most: f64) -> CropBox {
    let ratio = (width / height).max(least).min(most);
    let kept = ((height * ratio).min(width), (width / ratio).min(height));
    CropBox {
        left: (width - kept.0) / 2.0,
        top: (height - kept.1) / 2.0,
        width: kept.0,
        height: kept.1,
    }
}

#[cfg(test)]
mod tests {
    use edgefit_graph::preprocessing::PreprocessingName;

    use super::*;
    use crate::augment::stream;

    fn crops(side: (u32, u32), fit: Fit, augmentation: &Augmentation) -> Vec<CropBox> {
        let image = RgbImage::new(side.0, side.1);
        let mut preprocessing = Preprocessing::named(PreprocessingName::Raw, 320, 160);
        preprocessing.fit = fit;
        let crop = |view| {
            let rng = &mut stream(7, view, "");
            random(&image, &preprocessing, augmentation, rng)
        };
        (0..500).map(crop).collect()
    }

    #[test]
    fn crops_stay_inside_with_their_area_and_aspect_ratio() {
        let augmentation = Augmentation {
            crop_scale: [0.2, 0.4],
            crop_ratio: [0.8, 1.25],
            ..Augmentation::none()
        };
        for (fit, usual) in [
            (Fit::Crop { fraction: 0.875 }, 2.0),
            (Fit::Stretch, 300.0 / 210.0),
        ] {
            for crop in crops((300, 210), fit, &augmentation) {
                let area = crop.width * crop.height / (300.0 * 210.0);
                let ratio = crop.width / crop.height / usual;
                assert!((0.1999..0.4001).contains(&area), "{area}");
                assert!((0.7999..1.2501).contains(&ratio), "{ratio}");
                assert!(crop.left >= 0.0 && crop.left + crop.width <= 300.0);
                assert!(crop.top >= 0.0 && crop.top + crop.height <= 210.0);
            }
        }
    }

    #[test]
    fn a_shape_that_no_crop_fits_gives_its_centre() {
        let augmentation = Augmentation {
            crop_scale: [0.9, 1.0],
            crop_ratio: [0.5, 2.0],
            ..Augmentation::none()
        };
        for crop in crops((1, 2000), Fit::Crop { fraction: 0.875 }, &augmentation) {
            assert_eq!((crop.left, crop.width, crop.height), (0.0, 1.0, 1.0));
            assert_eq!(crop.top, 999.5);
        }
    }
}
