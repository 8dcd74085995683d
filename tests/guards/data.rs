//! Photographs that are arranged or labelled wrongly.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::common::photographs;

const CLASSES: [&str; 6] = [
    "bird",
    "flower",
    "fruit_veg",
    "household",
    "mammal",
    "vehicle",
];

/// Datasets with a mistake in them.
pub struct Data {
    /// 41 samples of one class and 14 of the other.
    pub uneven: TempDir,
    /// 41 and 4.
    pub very_uneven: TempDir,
    /// Training images in test.
    pub leaking: TempDir,
    /// Labels that have nothing to do with the images.
    pub nonsense: TempDir,
    /// Such labels in val only.
    pub odd_val: TempDir,
    /// Two of five training labels are another class's.
    pub mislabelled: TempDir,
    /// Every image in every class.
    pub contradicting: TempDir,
}

impl Data {
    pub fn new() -> Self {
        Data {
            uneven: few("vehicle", 14),
            very_uneven: few("vehicle", 4),
            leaking: arranged(|nth, name| {
                let mut places = vec![format!("{}/{name}", split(nth))];
                if nth % 5 == 0 {
                    places.push(format!("test/{name}"));
                }
                places
            }),
            nonsense: arranged(|nth, _| vec![other_class(nth).into()]),
            odd_val: arranged(|nth, name| match split(nth) {
                "val" => vec![format!("val/{}", other_class(nth))],
                split => vec![format!("{split}/{name}")],
            }),
            mislabelled: arranged(|nth, name| match (split(nth), nth % 25) {
                ("train", 0..10) => vec![format!("train/{}", other_class(nth))],
                (split, _) => vec![format!("{split}/{name}")],
            }),
            contradicting: in_other_bytes(arranged(|nth, _| match nth % 22 {
                0 => CLASSES.iter().map(|&class| class.to_owned()).collect(),
                _ => Vec::new(),
            })),
        }
    }
}

fn split(nth: usize) -> &'static str {
    ["train", "train", "train", "val", "test"][nth % 5]
}

/// A class that says nothing of the image: 7 is prime to 6 classes and to the 5 of [`split`].
fn other_class(nth: usize) -> &'static str {
    CLASSES[nth * 7 % 6]
}

/// All mammals, and the first `keep` of `class`.
pub fn few(class: &'static str, keep: usize) -> TempDir {
    let kept = std::cell::Cell::new(0);
    arranged(move |_, name| match name {
        "mammal" => vec!["mammal".into()],
        name if name == class && kept.get() < keep => {
            kept.set(kept.get() + 1);
            vec![name.into()]
        }
        _ => Vec::new(),
    })
}

/// The same pictures, but no file of one class the same as one of another: such are left out.
fn in_other_bytes(folder: TempDir) -> TempDir {
    for class in sorted(folder.path()) {
        for file in sorted(&class) {
            // Behind the end of a PNG nothing is read.
            let more = class.file_name().unwrap().as_encoded_bytes();
            fs::write(&file, [&fs::read(&file).unwrap(), more].concat()).unwrap();
        }
    }
    folder
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Photographs, copied to where `places` says for the number and the class of each: folders below the
/// dataset's, or none.
fn arranged(places: impl Fn(usize, &str) -> Vec<String>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut nth = 0;
    for class in sorted(&photographs()) {
        let class_name = name(&class);
        for file in sorted(&class) {
            for to in places(nth, &class_name) {
                let to = folder.path().join(to);
                fs::create_dir_all(&to).unwrap();
                let file_name = format!("{class_name} {}", name(&file));
                fs::copy(&file, to.join(file_name)).unwrap();
            }
            nth += 1;
        }
    }
    folder
}
