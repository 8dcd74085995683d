//! Copies of pictures are found, and other pictures are not.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{decode, thumbnail};

/// Discs of random colours at random points on white.
fn picture(seed: u64) -> RgbImage {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut image = RgbImage::from_pixel(120, 90, Rgb([255; 3]));
    for _ in 0..6 {
        let [x, y] = [120i32, 90].map(|side| rng.random_range(0..side));
        let radius = rng.random_range(8..30i32);
        let colour = Rgb([0; 3].map(|_: u8| rng.random_range(0..200u8)));
        for (left, top, pixel) in image.enumerate_pixels_mut() {
            if (left as i32 - x).pow(2) + (top as i32 - y).pow(2) < radius.pow(2) {
                *pixel = colour;
            }
        }
    }
    image
}

fn jpeg(image: &RgbImage, quality: u8) -> RgbImage {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    encoder.encode_image(image).unwrap();
    decode(&bytes).unwrap()
}

fn brighter(image: &RgbImage) -> RgbImage {
    let mut image = image.clone();
    image
        .iter_mut()
        .for_each(|value| *value = value.saturating_add(10));
    image
}

fn halved_image(image: &RgbImage) -> RgbImage {
    let (width, height) = (image.width() / 2, image.height() / 2);
    imageops::resize(image, width, height, FilterType::Triangle)
}

fn found(images: &[(RgbImage, Split)]) -> Vec<(usize, usize)> {
    let thumbnails: Vec<_> = images
        .iter()
        .map(|(image, _)| thumbnail(image, SIDE as u32).unwrap())
        .collect();
    let splits: Vec<Split> = images.iter().map(|(_, split)| *split).collect();
    let near = near_duplicates(&thumbnails, &vec![0; splits.len()], &splits);
    near.iter().map(|near| (near.a, near.b)).collect()
}

#[test]
fn every_copy_is_found_with_its_original_and_nothing_else() {
    let copies: [fn(&RgbImage) -> RgbImage; 5] = [
        |image| image.clone(),
        |image| jpeg(image, 95),
        |image| jpeg(image, 60),
        halved_image,
        brighter,
    ];
    let originals = (0..60).map(|seed| (picture(seed), Split::Train));
    let others = (60..90).map(|seed| (picture(seed), Split::Test));
    for copy in copies {
        let copied = (0..60).map(|seed| (copy(&picture(seed)), Split::Test));
        let images: Vec<_> = originals
            .clone()
            .chain(copied)
            .chain(others.clone())
            .collect();
        let expected: Vec<_> = (0..60).map(|index| (index, 60 + index)).collect();
        assert_eq!(found(&images), expected);
    }
}

#[test]
fn a_held_out_image_is_reported_once_with_the_nearest() {
    let image = picture(1);
    let images = [
        (image.clone(), Split::Test),
        (image.clone(), Split::Train),
        (image.clone(), Split::Val),
        (jpeg(&image, 60), Split::Train),
        (image.clone(), Split::Train),
    ];
    assert_eq!(found(&images), [(1, 2), (1, 0)]);
    let same_split: Vec<_> = images.map(|(image, _)| (image, Split::Train)).into();
    assert_eq!(found(&same_split), []);
}

#[test]
fn flat_images_differ_by_their_colour() {
    let flat = |colour: [u8; 3]| RgbImage::from_pixel(40, 40, Rgb(colour));
    let images = [
        (flat([200, 10, 10]), Split::Train),
        (flat([10, 200, 10]), Split::Test),
        (flat([100, 5, 5]), Split::Test),
        (flat([0; 3]), Split::Test),
        (flat([255; 3]), Split::Test),
        (picture(3), Split::Test),
        (jpeg(&flat([201, 11, 10]), 75), Split::Test),
    ];
    assert_eq!(found(&images), [(0, 6)]);
}

#[test]
fn the_same_shape_in_another_colour_is_another_image() {
    let disc = |colour| {
        let mut image = RgbImage::from_pixel(64, 64, Rgb([255; 3]));
        for (x, y, pixel) in image.enumerate_pixels_mut() {
            if (x as i32 - 32).pow(2) + (y as i32 - 28).pow(2) < 400 {
                *pixel = Rgb(colour);
            }
        }
        image
    };
    let images = [
        (disc([200, 30, 30]), Split::Train),
        (disc([30, 115, 30]), Split::Test),
    ];
    assert_eq!(found(&images), []);
}

#[test]
fn thumbnails_of_another_size_do_no_harm() {
    let thumbnails = [vec![], vec![7; 100], vec![9; 5000], vec![3; 3072]];
    let splits = [Split::Train, Split::Val, Split::Test, Split::Test];
    near_duplicates(&thumbnails, &[0; 4], &splits);
    near_duplicates(&thumbnails, &[], &splits);
}

/// A disc in the middle, with `noise` of a few grey values that are the same nowhere else.
fn alike(seed: u64, noise: u8) -> RgbImage {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut image = RgbImage::new(32, 32);
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        let inside = (x as i32 - 16).pow(2) + (y as i32 - 14).pow(2) < 100;
        let grey = if inside { 200 } else { 20 };
        *pixel = Rgb([grey + rng.random_range(0..=noise); 3]);
    }
    image
}

#[test]
fn members_of_a_class_that_look_alike_are_no_copies() {
    let train = (0..40).map(|seed| (alike(seed, 50), Split::Train));
    let val = (100..120).map(|seed| (alike(seed, 50), Split::Val));
    let copy = (jpeg(&alike(7, 50), 95), Split::Test);
    let images: Vec<_> = train.chain(val).chain([copy]).collect();
    let nearest = |sample: usize| {
        let thumbnails: Vec<_> = images.iter().map(|(image, _)| image.to_vec()).collect();
        let images: Vec<Image> = thumbnails.iter().map(|pixels| Image::new(pixels)).collect();
        let others = images[..40]
            .iter()
            .map(|other| images[sample].difference(other));
        others.fold(f32::INFINITY, f32::min)
    };
    // Near enough for photographs.
    assert!((0.1..0.243).contains(&nearest(45)), "{}", nearest(45));
    assert_eq!(found(&images), [(7, 60)]);
}
