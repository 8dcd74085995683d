//! Cards of small datasets.

use image::{Rgb, RgbImage};

use super::*;
use crate::augment::png;

/// A picture that no other is like.
fn picture(seed: u32, width: u32) -> RgbImage {
    RgbImage::from_fn(width, 40, |x, y| {
        let value = (x / 5 + 3 * (y / 5))
            .wrapping_mul(2_654_435_761)
            .wrapping_add(seed * 977);
        Rgb([(value >> 8) as u8, (value >> 16) as u8, (value >> 24) as u8])
    })
}

#[test]
fn what_is_wrong_with_a_dataset_is_on_its_card() {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    for seed in 0..12 {
        let class = if seed % 2 == 0 { "cat" } else { "dog" };
        let image = picture(seed, 40 + seed % 3);
        save(&format!("{class}/{seed:02}.png"), &png(&image).unwrap());
    }
    save("dog/copy.png", &png(&picture(0, 40)).unwrap());
    save("dog/wide.png", &png(&picture(77, 4000)).unwrap());
    save("cat/broken.png", b"\x89PNG\r\n\x1a\nbroken");
    let card = Card::of(&Dataset::open(folder.path()).unwrap());
    assert_eq!((card.samples, card.counts.as_slice()), (15, &[6, 8][..]));
    assert_eq!(card.left_out[0].sample, "cat/broken.png");
    assert_eq!(card.copies.len(), 1, "{:?}", card.copies);
    assert_eq!(card.copies[0].samples, ["cat/00.png", "dog/copy.png"]);
    assert!(card.copies[0].classes_differ && !card.copies[0].splits_differ);
    let wide = card.outliers.iter().find(|one| one.figure == "aspect");
    assert_eq!(wide.unwrap().sample, "dog/wide.png");
    assert_eq!(card.width.unwrap().greatest, 4000.0);
}

#[test]
fn the_same_pixels_in_other_bytes_are_near_copies() {
    let folder = tempfile::tempdir().unwrap();
    let one = picture(0, 40);
    let other = image::imageops::rotate180(&one);
    for (name, image) in [
        ("cat/a.png", &one),
        ("cat/b.png", &other),
        ("dog/a.bmp", &one),
        ("dog/copy.bmp", &one),
    ] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image.save(path).unwrap();
    }
    let card = Card::of(&Dataset::open(folder.path()).unwrap());
    assert_eq!(card.copies.len(), 1, "{:?}", card.copies);
    let pairs = card.near_copies.iter().map(|pair| pair.samples.join(" "));
    let pairs: Vec<String> = pairs.collect();
    assert_eq!(
        pairs,
        ["cat/a.png dog/a.bmp", "cat/a.png dog/copy.bmp"],
        "each with the first that it is like"
    );
    assert!(card.near_copies[0].classes_differ);
}
