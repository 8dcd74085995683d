//! A subset of Fashion-MNIST as folders of PNGs.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use image::ExtendedColorType;

use crate::apt::Package;
use crate::cache::Cache;
use crate::error::{Error, Result};

const WHAT: &str = "Fashion-MNIST";

/// Names of the classes, by label.
const CLASSES: [&str; 10] = [
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle-boot",
];

/// Folder of each split, file of the package that it is taken from, and which samples of each class it
/// holds.
const SPLITS: [(&str, &str, Range<usize>); 3] = [
    ("train", "train", 0..200),
    ("val", "train", 200..250),
    ("test", "t10k", 0..200),
];

/// Width and height of an image in pixels.
const SIDE: usize = 28;

/// A subset of Fashion-MNIST (Xiao 2017, arXiv 1708.07747; MIT): grey PNGs of 28 × 28 pixels in
/// `train`, `val` and `test` folders of ten class folders, 200, 50 and 200 images a class.
///
/// They are the first of each class in the order of the files, test images those of the official
/// test set. A file is named after its place there.
///
/// # Errors
/// apt is missing or fails, or what came is not the pinned package.
pub fn fashion_mnist(cache: &Cache) -> Result<PathBuf> {
    cache.entry("fashion-mnist", |folder| {
        let files = fashion_mnist_files(cache)?;
        for (split, source, wanted) in SPLITS {
            Samples::read(&files, source)?.write(&wanted, &folder.join(split))?;
        }
        Ok(())
    })
}

/// All of Fashion-MNIST as its authors publish it: a folder of four gzipped IDX files, 60,000 training
/// and 10,000 test images with their labels.
///
/// # Errors
/// apt is missing or fails, or what came is not the pinned package.
pub fn fashion_mnist_files(cache: &Cache) -> Result<PathBuf> {
    let package = Package {
        what: WHAT,
        requirement: "dataset-fashion-mnist=0.0~git20200523.55506a9-1",
        sha256: "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    };
    cache.entry("fashion-mnist-files", |folder| {
        let unpacked = cache.temporary()?;
        package.unpack(cache, unpacked.path())?;
        let files = unpacked.path().join("usr/share/datasets/fashion-mnist");
        for source in ["train", "t10k"] {
            for kind in ["images-idx3", "labels-idx1"] {
                let name = format!("{source}-{kind}-ubyte.gz");
                let copied = fs::copy(files.join(&name), folder.join(&name));
                copied.map_err(|source| Error::Cache {
                    path: files.join(&name),
                    source,
                })?;
            }
        }
        Ok(())
    })
}

/// Images and their labels.
struct Samples {
    /// Image after image, row after row.
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Samples {
    /// Reads `NAME-images-idx3-ubyte.gz` and `NAME-labels-idx1-ubyte.gz`.
    fn read(folder: &Path, name: &str) -> Result<Self> {
        let (dims, pixels) = idx(&folder.join(format!("{name}-images-idx3-ubyte.gz")))?;
        let (count, labels) = idx(&folder.join(format!("{name}-labels-idx1-ubyte.gz")))?;
        let known = |label: &u8| usize::from(*label) < CLASSES.len();
        if dims == [labels.len(), SIDE, SIDE] && labels.iter().all(known) {
            Ok(Samples { pixels, labels })
        } else {
            Err(unusable(&format!(
                "the set '{name}' has images of {dims:?} and labels of {count:?}"
            )))
        }
    }

    /// Writes those samples whose place among the samples of their class is `wanted`.
    fn write(&self, wanted: &Range<usize>, folder: &Path) -> Result<()> {
        let mut seen = [0; CLASSES.len()];
        for (index, pixels) in self.pixels.chunks(SIDE * SIDE).enumerate() {
            let label = usize::from(self.labels[index]);
            let place = seen[label];
            seen[label] += 1;
            if wanted.contains(&place) {
                let path = folder.join(CLASSES[label]).join(format!("{index:05}.png"));
                save(&path, pixels).map_err(|source| Error::Cache { path, source })?;
            }
        }
        if seen.iter().all(|&count| count >= wanted.end) {
            Ok(())
        } else {
            Err(unusable(&format!("its classes have {seen:?} images")))
        }
    }
}

fn save(path: &Path, pixels: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let side = SIDE as u32;
    image::save_buffer(path, pixels, side, side, ExtendedColorType::L8).map_err(io::Error::other)
}

/// Dimensions and bytes of a gzipped IDX file (LeCun, "The MNIST database", file formats).
fn idx(path: &Path) -> Result<(Vec<usize>, Vec<u8>)> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| GzDecoder::new(file).read_to_end(&mut bytes))
        .map_err(|source| Error::Cache {
            path: path.to_path_buf(),
            source,
        })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    parse_idx(&bytes).ok_or_else(|| unusable(&format!("{name} is no IDX file of bytes")))
}

fn parse_idx(bytes: &[u8]) -> Option<(Vec<usize>, Vec<u8>)> {
    // Two zeros, the type (8: bytes), the number of dimensions; each of them in four bytes.
    let [0, 0, 8, rank, rest @ ..] = bytes else {
        return None;
    };
    let (dims, values) = rest.split_at_checked(4 * usize::from(*rank))?;
    let dims: Vec<usize> = dims
        .chunks_exact(4)
        .map(|dim| {
            dim.iter()
                .fold(0, |sum, &byte| sum << 8 | usize::from(byte))
        })
        .collect();
    let count = dims
        .iter()
        .try_fold(1usize, |count, &dim| count.checked_mul(dim))?;
    (count == values.len()).then(|| (dims, values.to_vec()))
}

fn unusable(problem: &str) -> Error {
    Error::Fetch {
        what: WHAT,
        problem: format!("the package is not as expected: {problem}"),
    }
}

#[cfg(test)]
mod tests {
    use edgefit_data::{Dataset, Split};

    use super::*;

    #[test]
    fn every_class_has_its_images_in_every_split() {
        let folder = fashion_mnist(&Cache::of_user().unwrap()).unwrap();
        let dataset = Dataset::scan(folder).unwrap();
        let mut names = CLASSES;
        names.sort_unstable();
        assert_eq!(dataset.classes, names);
        assert_eq!(dataset.samples.len(), 4500);
        let count = |class: usize, split: Split| {
            let of_split = |sample: &&edgefit_data::Sample| {
                sample.class == class && sample.split == Some(split)
            };
            dataset.samples.iter().filter(of_split).count()
        };
        for class in 0..CLASSES.len() {
            let counts = Split::ALL.map(|split| count(class, split));
            assert_eq!(counts, [200, 50, 200], "{}", dataset.classes[class]);
        }

        let bytes = fs::read(dataset.root.join("train/ankle-boot/00000.png")).unwrap();
        let boot = edgefit_data::decode(&bytes).unwrap();
        assert_eq!(boot.dimensions(), (28, 28));
        // Light on black: the corner is empty, the boot is not.
        assert_eq!(boot.get_pixel(0, 0).0, [0; 3]);
        assert!(boot.get_pixel(14, 20).0[0] > 100);
    }

    #[test]
    fn the_wanted_places_of_each_class_are_written() {
        let folder = tempfile::tempdir().unwrap();
        // Labels 0, 1 … 9, 0, 1 … 9; every pixel of an image is its index.
        let count = 3 * CLASSES.len();
        let samples = Samples {
            pixels: (0..count)
                .flat_map(|index| [index as u8; SIDE * SIDE])
                .collect(),
            labels: (0..count)
                .map(|index| (index % CLASSES.len()) as u8)
                .collect(),
        };
        samples.write(&(1..2), folder.path()).unwrap();
        for (label, class) in CLASSES.iter().enumerate() {
            let class = folder.path().join(class);
            assert_eq!(fs::read_dir(&class).unwrap().count(), 1);
            let image = fs::read(class.join(format!("{:05}.png", 10 + label))).unwrap();
            let value = edgefit_data::decode(&image).unwrap().get_pixel(27, 27).0[1];
            assert_eq!(usize::from(value), 10 + label);
        }
        let error = samples.write(&(1..4), folder.path()).unwrap_err();
        assert!(error.to_string().contains("[3, 3,"), "{error}");
    }

    #[test]
    fn idx_files_say_their_dimensions() {
        let file = [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9];
        assert_eq!(parse_idx(&file), Some((vec![1, 3], vec![7, 8, 9])));
        let floats = [0, 0, 13, 1, 0, 0, 0, 0];
        for bad in [&file[..14], &file[..6], &floats, &[0xff; 16]] {
            assert_eq!(parse_idx(bad), None);
        }
    }
}
