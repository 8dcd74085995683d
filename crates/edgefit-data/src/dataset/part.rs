//! What part of the data a folder is, by its name.

use crate::split::Split;

/// What the folders of a dataset that is divided already are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Samples of a split.
    Of(Split),
    /// Samples without labels, such as those that a competition wants to be labelled.
    Unlabelled,
}

/// A name that says what part of the data a folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartName {
    pub part: Part,
    /// The words of the name that say something else, such as those of the dataset.
    pub about: Vec<String>,
}

const TRAIN: [&str; 3] = ["train", "training", "trn"];
const VAL: [&str; 8] = [
    "val",
    "valid",
    "validation",
    "validate",
    "validating",
    "dev",
    "eval",
    "evaluation",
];
const TEST: [&str; 5] = ["test", "testing", "tests", "tst", "holdout"];
const UNLABELLED: [&str; 6] = [
    "pred",
    "predict",
    "prediction",
    "predictions",
    "unlabeled",
    "unlabelled",
];

/// Words that say nothing about what is in a folder of images.
const EMPTY: [&str; 24] = [
    "all",
    "archive",
    "classification",
    "cropped",
    "data",
    "dataset",
    "dir",
    "file",
    "files",
    "folder",
    "image",
    "images",
    "img",
    "imgs",
    "jpeg",
    "jpg",
    "photos",
    "pictures",
    "png",
    "resized",
    "seg",
    "set",
    "split",
    "the",
];

/// Ends of a word that are words of their own, as in "trainset".
const ENDS: [&str; 6] = ["set", "data", "images", "imgs", "image", "img"];

/// The split that a word in lower case names.
pub(crate) fn split_named(word: &str) -> Option<Split> {
    match named(word)? {
        Part::Of(split) => Some(split),
        Part::Unlabelled => None,
    }
}

impl PartName {
    /// What `name` says, if it names one part.
    pub fn read(name: &str) -> Option<Self> {
        let (mut part, mut about) = (None, Vec::new());
        for word in words(name) {
            match named(&word) {
                Some(named) if part.is_none_or(|part| part == named) => part = Some(named),
                Some(_) => return None,
                None if says_nothing(&word) => {}
                None => about.push(word),
            }
        }
        part.map(|part| PartName { part, about })
    }
}

/// Whether nothing but words such as "images" and "data" are in a folder's name.
pub(super) fn is_empty_name(name: &str) -> bool {
    words(name).iter().all(|word| says_nothing(word))
}

fn says_nothing(word: &str) -> bool {
    EMPTY.contains(&word) || word.bytes().all(|byte| byte.is_ascii_digit())
}

fn named(word: &str) -> Option<Part> {
    let stem = ENDS.iter().find_map(|end| word.strip_suffix(end));
    let is = |words: &[&str]| words.contains(&word) || stem.is_some_and(|s| words.contains(&s));
    [
        (&TRAIN[..], Part::Of(Split::Train)),
        (&VAL, Part::Of(Split::Val)),
        (&TEST, Part::Of(Split::Test)),
        (&UNLABELLED, Part::Unlabelled),
    ]
    .into_iter()
    .find_map(|(words, part)| is(words).then_some(part))
}

/// The words of a name in lower case; digits and capitals begin a new one.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for letter in name.chars() {
        let starts = (before.is_lowercase() && letter.is_uppercase())
            || before.is_numeric() != letter.is_numeric();
        if starts || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter.is_alphanumeric(), words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_names_of_parts_are_read_in_any_case() {
        use Split::{Test, Train, Val};
        for (name, split) in [
            ("train", Train),
            ("Training", Train),
            ("TRAIN", Train),
            ("seg_train", Train),
            ("train_images", Train),
            ("trainset", Train),
            ("TrainingData", Train),
            ("train2017", Train),
            ("Valid", Val),
            ("validation_set", Val),
            ("dev", Val),
            ("Testing", Test),
            ("images-test", Test),
        ] {
            let read = PartName::read(name).unwrap();
            assert_eq!(
                (read.part, read.about.len()),
                (Part::Of(split), 0),
                "{name}"
            );
        }
        assert_eq!(PartName::read("seg_pred").unwrap().part, Part::Unlabelled);
    }

    #[test]
    fn other_words_are_kept_and_other_names_say_nothing() {
        let read = PartName::read("flowers_train").unwrap();
        assert_eq!(read.about, ["flowers"]);
        for name in [
            "bird",
            "strain",
            "latest",
            "invalid",
            "train_test",
            "images",
            "7",
        ] {
            assert_eq!(PartName::read(name), None, "{name}");
        }
        assert!(is_empty_name("images_2") && !is_empty_name("bird"));
    }
}
