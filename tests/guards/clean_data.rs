//! Datasets without a mistake.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use edgefit::assets;
use flate2::read::GzDecoder;
use image::GrayImage;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::data::few;
use super::sensors::{self, Set};
use crate::common::{cache, photographs};

/// A dataset without a mistake.
#[derive(Clone, Copy)]
pub enum Data {
    /// The 222 Tux Paint photographs.
    Photographs,
    /// All mammals and some vehicles.
    UnevenPhotographs { fewest: usize },
    /// Fashion-MNIST, the first 40, 20 and 10 of each class in train, val and test.
    FashionInParts,
    /// So many of each class, drawn with a seed.
    Fashion { each: usize, drawn: u64 },
    /// So many sneakers and bags.
    UnevenFashion { counts: [usize; 2] },
    /// MNIST, the first 40, 20 and 10 of each digit in train, val and test.
    DigitsInParts,
    /// So many of each digit, drawn with a seed.
    Digits { each: usize, drawn: u64 },
    /// So many zeros and ones.
    UnevenDigits { counts: [usize; 2] },
    /// The half of a set of recordings that the backbone was not trained on.
    Recordings(Set),
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Data::Photographs => f.write_str("222 photographs"),
            Data::UnevenPhotographs { fewest } => {
                write!(f, "photographs of 67 mammals, {fewest} vehicles")
            }
            Data::FashionInParts => f.write_str("Fashion-MNIST, 700 in parts"),
            Data::Fashion { each, drawn } => {
                write!(f, "Fashion-MNIST, {} drawn with seed {drawn}", 10 * each)
            }
            Data::UnevenFashion {
                counts: [many, few],
            } => {
                write!(f, "Fashion-MNIST, {many} sneakers, {few} bags")
            }
            Data::DigitsInParts => f.write_str("MNIST, 700 in parts"),
            Data::Digits { each, drawn } => {
                write!(f, "MNIST, {} drawn with seed {drawn}", 10 * each)
            }
            Data::UnevenDigits {
                counts: [many, few],
            } => {
                write!(f, "MNIST, {many} zeros, {few} ones")
            }
            Data::Recordings(set) => write!(f, "half of {}", set.name()),
        }
    }
}

impl Data {
    /// The dataset's place, and the folder that holds it if it is made anew.
    pub fn write(self) -> (TempDir, PathBuf) {
        if let Data::UnevenPhotographs { fewest } = self {
            let folder = few("vehicle", fewest);
            let path = folder.path().to_owned();
            return (folder, path);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        match self {
            Data::Photographs => return (folder, photographs()),
            Data::UnevenPhotographs { .. } => {}
            Data::FashionInParts => fashion_in_parts(path),
            Data::DigitsInParts => digits().write_parts(path),
            Data::Fashion { each, drawn } => fashion().write(&[each; 10], drawn, path),
            Data::Digits { each, drawn } => digits().write(&[each; 10], drawn, path),
            Data::UnevenFashion {
                counts: [many, few],
            } => {
                fashion().write(&[0, 0, 0, 0, 0, 0, 0, many, few], 0, path);
            }
            Data::UnevenDigits { counts } => digits().write(&counts, 0, path),
            Data::Recordings(set) => {
                let file = path.join("recordings.npz");
                sensors::save(set, sensors::Half::Second, &file);
                return (folder, file);
            }
        }
        let path = path.to_owned();
        (folder, path)
    }
}

/// Grey images of 28 × 28 with a label each.
struct Images {
    pixels: Vec<Vec<u8>>,
    labels: Vec<u8>,
}

impl Images {
    /// So many of each class, drawn with a seed, in class folders.
    fn write(&self, counts: &[usize], seed: u64, folder: &Path) {
        for (class, &count) in counts.iter().enumerate() {
            let mut members = self.members(class);
            members.shuffle(&mut ChaCha8Rng::seed_from_u64(seed + 1000 * class as u64));
            for &member in &members[..count] {
                self.save(member, &folder.join(class.to_string()));
            }
        }
    }

    /// The first 40, 20 and 10 of each class.
    fn write_parts(&self, folder: &Path) {
        for class in 0..10 {
            for (place, &member) in self.members(class).iter().take(70).enumerate() {
                let part = match place {
                    0..40 => "train",
                    40..60 => "val",
                    _ => "test",
                };
                self.save(member, &folder.join(part).join(class.to_string()));
            }
        }
    }

    fn members(&self, class: usize) -> Vec<usize> {
        let all = 0..self.labels.len();
        all.filter(|&at| usize::from(self.labels[at]) == class)
            .collect()
    }

    fn save(&self, member: usize, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        let image = GrayImage::from_raw(28, 28, self.pixels[member].clone()).unwrap();
        image.save(folder.join(format!("{member:05}.png"))).unwrap();
    }
}

/// The training images of Fashion-MNIST.
fn fashion() -> Images {
    let folder = assets::fashion_mnist_files(&cache()).unwrap();
    // Behind the dimensions, the bytes of one image after the other.
    let bytes = |name: &str, head: usize| {
        let mut bytes = Vec::new();
        let file = fs::File::open(folder.join(name)).unwrap();
        std::io::copy(&mut GzDecoder::new(file), &mut bytes).unwrap();
        bytes.split_off(head)
    };
    let pixels = bytes("train-images-idx3-ubyte.gz", 16);
    Images {
        pixels: pixels.chunks(28 * 28).map(<[u8]>::to_vec).collect(),
        labels: bytes("train-labels-idx1-ubyte.gz", 8),
    }
}

/// Digits of MNIST.
fn digits() -> Images {
    let file = fs::File::open(assets::mnist(&cache()).unwrap()).unwrap();
    let mut table = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(GzDecoder::new(file));
    let rows = table.deserialize().map(|row| {
        let mut row: Vec<u8> = row.unwrap();
        let digit = row.pop().unwrap();
        (row, digit)
    });
    let (pixels, labels) = rows.unzip();
    Images { pixels, labels }
}

/// Some of Fashion-MNIST, in the parts that it comes in.
fn fashion_in_parts(folder: &Path) {
    let from = assets::fashion_mnist(&cache()).unwrap();
    for (part, count) in [("train", 40), ("val", 20), ("test", 10)] {
        for class in fs::read_dir(from.join(part)).unwrap() {
            let class = class.unwrap().path();
            let to = folder.join(part).join(class.file_name().unwrap());
            fs::create_dir_all(&to).unwrap();
            let mut files: Vec<PathBuf> = fs::read_dir(&class)
                .unwrap()
                .map(|e| e.unwrap().path())
                .collect();
            files.sort();
            for file in &files[..count] {
                fs::copy(file, to.join(file.file_name().unwrap())).unwrap();
            }
        }
    }
}
