//! Samples that are in two splits: equal arrays, and nearly equal images.

use crate::prepare::halved;
use crate::split::Split;

mod class_distances;
mod equal;
mod hash;
mod index;
#[cfg(test)]
mod tests;

use class_distances::ClassDistances;
pub use equal::equal_samples;
use hash::{SIDE, perceptual_hash};
use index::{Index, Key, MOST_DIFFERENCE};

/// Most bits by which the hashes of a picture and its copy differ.
///
/// Of the 222 Tux Paint photographs, no two come closer than 14; copies saved as JPEG of quality 60,
/// at half the size, or brightened by a twentieth differ in 4 at most, but for one of a glass that
/// is white on white. Members of a class that look alike, such as two boots of Fashion-MNIST, differ
/// in 4 too, so the hash only says which images to compare. A second hash, of the differences between
/// neighbouring pixels, was measured and left out: of its 128 bits, such boots differ in 9 to 21, and
/// an image of Fashion-MNIST and its JPEG in 8 to 25.
const MOST_BITS: u32 = 6;

/// Below this standard deviation in 0 … 255, an image is flat: its hash is noise.
const FLAT: f32 = 3.0;

/// A sample of one split that is in an earlier one too, or nearly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate {
    /// The sample in the earlier split.
    pub a: usize,
    /// The sample in the later split.
    pub b: usize,
    /// Number of bits by which the hashes of images differ; 0 between flat ones, and between arrays.
    pub distance: u32,
}

/// For each image of val and test the nearest that is nearly the same in an earlier split, if there
/// is one; the order of splits is train, val, test.
///
/// `thumbnails` are of 32 × 32 RGB pixels, one for each sample; `classes` and `splits` say what each
/// shows and is used for. Copies are found that were compressed, resized or made a little brighter;
/// crops and mirrored images are not. Two images are one picture if their hashes are near, and their
/// pixels nearer than those of different training images of the class ever are.
///
/// Hashes are cut into four pieces of 16 bits, of which one at least differs in one bit at most
/// (multi-index hashing; Norouzi, Punjani and Fleet 2012). So an image is looked up under 68 keys,
/// and what is found there is compared in full: the time grows as n + n² / 1000, and with many
/// hashes that are the same up to n².
pub fn near_duplicates(
    thumbnails: &[impl AsRef<[u8]>],
    classes: &[usize],
    splits: &[Split],
) -> Vec<Duplicate> {
    let images: Vec<Image> = thumbnails
        .iter()
        .map(|pixels| Image::new(pixels.as_ref()))
        .collect();
    let distances = ClassDistances::new(&images, classes, splits);
    let same = |a: usize, b: usize| {
        let class = classes.get(a).copied().unwrap_or(usize::MAX);
        images[a].is_like(&images[b], || distances.limit(class))
    };
    let members = |split: Split| {
        let samples = 0..images.len().min(splits.len());
        samples.filter(move |&sample| splits[sample] == split)
    };
    let mut index = Index::default();
    let mut found = Vec::new();
    for (earlier, later) in [(Split::Train, Split::Val), (Split::Val, Split::Test)] {
        for sample in members(earlier) {
            index.insert(images[sample].key(), sample);
        }
        found.extend(members(later).filter_map(|b| {
            let (distance, a) = nearest(&images, &index, b, same)?;
            Some(Duplicate { a, b, distance })
        }));
    }
    found
}

/// For each image the nearest before it that is nearly the same, if there is one: as [`near_duplicates`],
/// with all images in one split.
pub fn near_copies(thumbnails: &[impl AsRef<[u8]>], classes: &[usize]) -> Vec<Duplicate> {
    let images: Vec<Image> = thumbnails
        .iter()
        .map(|pixels| Image::new(pixels.as_ref()))
        .collect();
    let splits = vec![Split::Train; images.len()];
    let distances = ClassDistances::new(&images, classes, &splits);
    let same = |a: usize, b: usize| {
        let class = classes.get(a).copied().unwrap_or(usize::MAX);
        images[a].is_like(&images[b], || distances.limit(class))
    };
    let mut index = Index::default();
    let mut found = Vec::new();
    for b in 0..images.len() {
        if let Some((distance, a)) = nearest(&images, &index, b, same) {
            found.push(Duplicate { a, b, distance });
        }
        index.insert(images[b].key(), b);
    }
    found
}

/// The image in `index` that is the nearest to `sample` and the `same` picture, and its distance.
fn nearest(
    images: &[Image],
    index: &Index,
    sample: usize,
    same: impl Fn(usize, usize) -> bool,
) -> Option<(u32, usize)> {
    let image = &images[sample];
    let mut best: Option<(u32, usize)> = None;
    for candidate in index.near(image.key()) {
        let distance = image.distance(&images[candidate]);
        let nearer = best.is_none_or(|best| (distance, candidate) < best);
        if nearer && distance <= MOST_BITS && same(candidate, sample) {
            best = Some((distance, candidate));
        }
        // An equal hash is found under the first key, where samples are in order.
        if distance == 0 && best.is_some_and(|(distance, _)| distance == 0) {
            break;
        }
    }
    best
}

/// What is compared of an image.
struct Image {
    hash: u64,
    /// 16 × 16 RGB: what a copy at half the size of a small image still shows.
    pixels: Vec<u8>,
    mean: f32,
    std: f32,
    flat: bool,
}

impl Image {
    fn new(thumbnail: &[u8]) -> Self {
        let pixels = halved(thumbnail, SIDE);
        let (mean, std) = mean_and_std(pixels.iter().copied());
        let channels = (0..3).map(|channel| pixels.iter().copied().skip(channel).step_by(3));
        Image {
            hash: perceptual_hash(thumbnail),
            mean,
            std,
            flat: channels.map(mean_and_std).all(|(_, std)| std < FLAT),
            pixels,
        }
    }

    fn key(&self) -> Key {
        if self.flat {
            Key::Flat(self.mean as u8)
        } else {
            Key::Hash(self.hash)
        }
    }

    fn distance(&self, other: &Image) -> u32 {
        if self.flat {
            0
        } else {
            (self.hash ^ other.hash).count_ones()
        }
    }

    /// Whether the pixels are nearly equal, up to brightness and contrast if there is any contrast:
    /// nearer than `limit`.
    fn is_like(&self, other: &Image, limit: impl FnOnce() -> f32) -> bool {
        if self.flat || other.flat {
            let pairs = self.pixels.iter().zip(&other.pixels);
            let sum: u32 = pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
            sum as f32 / self.pixels.len().max(1) as f32 <= MOST_DIFFERENCE
        } else {
            self.difference(other) <= limit()
        }
    }

    /// What is left of the pixels once the other's are brought to their brightness and contrast, in
    /// standard deviations: √(1 − ρ²) of the correlation ρ; 1 where there is none.
    fn difference(&self, other: &Image) -> f32 {
        let pairs = self.pixels.iter().zip(&other.pixels);
        let sum: u32 = pairs.map(|(a, b)| u32::from(*a) * u32::from(*b)).sum();
        let covariance = sum as f32 / self.pixels.len().max(1) as f32 - self.mean * other.mean;
        let correlation = (covariance / (self.std * other.std)).clamp(0.0, 1.0);
        (1.0 - correlation * correlation).sqrt()
    }
}

fn mean_and_std(values: impl Iterator<Item = u8> + Clone) -> (f32, f32) {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().map(f64::from).sum::<f64>() / count;
    let squares = values.map(|value| (f64::from(value) - mean).powi(2));
    (mean as f32, (squares.sum::<f64>() / count).sqrt() as f32)
}
