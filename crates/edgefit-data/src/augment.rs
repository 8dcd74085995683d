//! Random views of an image, so that a network sees each photograph in many ways.

mod color;
mod crop;
mod draw;
mod erasing;
mod geometry;
mod intensity;
mod preview;
mod rand_augment;
mod settings;

use edgefit_graph::Preprocessing;
use image::RgbImage;
use image::imageops::flip_horizontal_in_place;
use rand_chacha::ChaCha8Rng;

use crate::prepare::{arranged, crop_box, planes, resize};

pub use draw::stream;
pub use preview::{png, preview};
pub use settings::Augmentation;

/// The model's input for one random view of an image, with the values in the order in which
/// [`prepare`](crate::prepare) gives them.
///
/// Crop and resizing are one step; then come flip, rotation, RandAugment and colour jitter on 8-bit
/// pixels, normalisation, and erasing. [`Augmentation::none`] gives what `prepare` gives.
///
/// # Errors
/// The augmentation is not valid, or as [`prepare`](crate::prepare), as a sentence.
pub fn augmented(
    image: &RgbImage,
    preprocessing: &Preprocessing,
    augmentation: &Augmentation,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<f32>, String> {
    augmentation.validate()?;
    let crop = if augmentation.crops() {
        Some(crop::random(image, preprocessing, augmentation, rng))
    } else {
        crop_box(image, preprocessing)
    };
    let (width, height) = (preprocessing.width, preprocessing.height);
    let mut view = resize(image, width, height, crop)?;
    if draw::chance(rng, augmentation.flip) {
        flip_horizontal_in_place(&mut view);
    }
    if augmentation.rotation > 0.0 {
        let range = [-augmentation.rotation, augmentation.rotation];
        view = geometry::rotated(&view, draw::between(rng, range));
    }
    rand_augment::apply(&mut view, augmentation, rng);
    color::jitter(&mut view, augmentation.color_jitter, rng);
    let mut input = planes(&view, preprocessing);
    if draw::chance(rng, augmentation.erasing) {
        erasing::erase(&mut input, width, height, rng);
    }
    Ok(arranged(input, preprocessing))
}

#[cfg(test)]
mod tests;
