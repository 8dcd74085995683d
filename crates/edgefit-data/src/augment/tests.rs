//! Augmented views as a whole: each setting has its effect, and none has none.

use edgefit_graph::preprocessing::{ChannelOrder, Fit, PreprocessingName};
use image::Rgb;

use super::*;
use crate::prepare;

/// Of many colours, but neither black nor white.
fn scene(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave = |coordinate: u32, step: u32| (coordinate * step % 150) as u8;
        Rgb([40 + wave(x, 3), 60 + wave(y, 5), 50 + wave(x + y, 7)])
    })
}

fn lite() -> Preprocessing {
    Preprocessing::named(PreprocessingName::Lite, 24, 16)
}

fn all() -> Augmentation {
    Augmentation {
        crop_scale: [0.08, 1.0],
        flip: 0.5,
        color_jitter: 0.8,
        rotation: 45.0,
        rand_augment_ops: 3,
        rand_augment_magnitude: 10.0,
        erasing: 0.5,
        ..Augmentation::default()
    }
}

fn view(image: &RgbImage, augmentation: &Augmentation, view: u64) -> Vec<f32> {
    augmented(image, &lite(), augmentation, &mut stream(3, view, "a.png")).unwrap()
}

#[test]
fn none_is_prepare() {
    for (name, order) in PreprocessingName::ALL
        .iter()
        .zip([ChannelOrder::Rgb, ChannelOrder::Bgr].iter().cycle())
    {
        let mut preprocessing = Preprocessing::named(*name, 24, 16);
        preprocessing.channel_order = *order;
        for fit in [Fit::Crop { fraction: 0.875 }, Fit::Stretch] {
            preprocessing.fit = fit;
            let image = scene(61, 43);
            let rng = &mut stream(0, 0, "");
            let view = augmented(&image, &preprocessing, &Augmentation::none(), rng);
            assert_eq!(view, prepare(&image, &preprocessing));
        }
    }
}

#[test]
fn a_view_depends_on_its_stream_alone() {
    let image = scene(61, 43);
    let views: Vec<_> = (0..8).map(|index| view(&image, &all(), index)).collect();
    for (index, first) in views.iter().enumerate() {
        assert_eq!(*first, view(&image, &all(), index as u64));
        assert!(views[..index].iter().all(|other| other != first));
    }
}

#[test]
fn a_flip_mirrors_every_row() {
    let image = scene(61, 43);
    let flip = Augmentation {
        flip: 1.0,
        ..Augmentation::none()
    };
    let mut flipped = view(&image, &flip, 0);
    flipped.chunks_mut(24).for_each(<[f32]>::reverse);
    assert_eq!(flipped, prepare(&image, &lite()).unwrap());
}

#[test]
fn every_setting_alone_changes_the_picture() {
    let image = scene(61, 43);
    let clean = prepare(&image, &lite()).unwrap();
    let none = Augmentation::none;
    for augmentation in [
        Augmentation {
            crop_scale: [0.3, 0.6],
            ..none()
        },
        Augmentation {
            flip: 1.0,
            ..none()
        },
        Augmentation {
            color_jitter: 0.5,
            ..none()
        },
        Augmentation {
            rotation: 20.0,
            ..none()
        },
        Augmentation {
            rand_augment_ops: 5,
            rand_augment_magnitude: 9.0,
            ..none()
        },
        Augmentation {
            erasing: 1.0,
            ..none()
        },
    ] {
        assert!(!augmentation.is_off());
        assert_ne!(view(&image, &augmentation, 0), clean, "{augmentation:?}");
    }
}

#[test]
fn images_of_any_shape_give_finite_inputs() {
    for (width, height) in [(1, 1), (1, 2000), (2000, 1), (2, 3)] {
        let image = scene(width, height);
        for fit in [Fit::Crop { fraction: 0.875 }, Fit::Stretch] {
            let preprocessing = Preprocessing { fit, ..lite() };
            for index in 0..50 {
                let rng = &mut stream(0, index, "");
                let input = augmented(&image, &preprocessing, &all(), rng).unwrap();
                assert_eq!(input.len(), 3 * 24 * 16);
                assert!(input.iter().all(|value| value.is_finite()));
            }
        }
    }
    let one_pixel = Preprocessing::named(PreprocessingName::Unit, 1, 1);
    let input = augmented(&scene(9, 9), &one_pixel, &all(), &mut stream(0, 0, ""));
    assert_eq!(input.unwrap().len(), 3);
}

#[test]
fn an_augmentation_that_is_not_valid_is_an_error() {
    let wrong = Augmentation { flip: 2.0, ..all() };
    let error = augmented(&scene(9, 9), &lite(), &wrong, &mut stream(0, 0, "")).unwrap_err();
    assert!(error.contains("flip"), "{error}");
}
