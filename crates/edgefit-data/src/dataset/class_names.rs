//! Names of classes: told apart, and in order.

use std::borrow::Cow;
use std::collections::BTreeMap;

use icu_normalizer::ComposingNormalizerBorrowed;

use super::aside::Aside;
use super::listing::Folder;
use super::remark::Remark;
use crate::error::{Error, Result};

/// The class that a folder called `name` stands for: the name with its letters and accents composed
/// (Unicode's NFC). Programs write an é as one character or as two, and it looks the same.
pub fn class_name(name: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(name)
}

/// Refuses folders whose names look the same, and notes those that nearly do.
pub(super) fn require_distinct(folders: &[Folder], aside: &mut Aside) -> Result<()> {
    let mut seen: BTreeMap<Cow<str>, &Folder> = BTreeMap::new();
    let mut alike: BTreeMap<String, &Folder> = BTreeMap::new();
    for folder in folders {
        let name = class_name(&folder.name);
        if let Some(other) = alike.insert(name.trim().to_lowercase(), folder)
            && class_name(&other.name) != name
        {
            let names = (other.name.clone(), folder.name.clone());
            aside.remarks.push(Remark::Alike(names.0, names.1));
        }
        if let Some(other) = seen.insert(name, folder) {
            return Err(Error::Dataset {
                path: folder.path.clone(),
                problem: format!(
                    "the name of this folder looks like that of another ({} and {}: composed and \
                     decomposed Unicode); join the two, or rename one",
                    escaped(&other.name),
                    escaped(&folder.name)
                ),
            });
        }
    }
    Ok(())
}

/// The name with its characters beyond ASCII as numbers.
fn escaped(name: &str) -> String {
    let letters = name.chars().map(|letter| match letter {
        ' '..='~' => letter.to_string(),
        _ => letter.escape_unicode().to_string(),
    });
    letters.collect()
}

/// The names as the outputs of a model are numbered: sorted, as numbers if all of them are whole
/// numbers.
pub(super) fn order<'a>(names: impl Iterator<Item = &'a str>, aside: &mut Aside) -> Vec<String> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    let numbers: Option<Vec<u64>> = names.iter().map(|name| number(name)).collect();
    if numbers.is_some() {
        names.sort_by_key(|name| number(name));
        let counts_up = |(index, name): (usize, &&str)| **name == index.to_string();
        if !names.iter().enumerate().all(counts_up) {
            let names = names.iter().map(|name| (*name).to_owned());
            aside.remarks.push(Remark::Numbers(names.collect()));
        }
    }
    names.into_iter().map(str::to_owned).collect()
}

fn number(name: &str) -> Option<u64> {
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| name.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(names: &[&str]) -> Vec<Folder> {
        let folder = |name: &&str| Folder {
            name: (*name).into(),
            path: name.into(),
        };
        names.iter().map(folder).collect()
    }

    #[test]
    fn names_that_look_the_same_are_refused_and_nearly_so_noted() {
        let mut aside = Aside::default();
        let error = require_distinct(&folders(&["caf\u{e9}", "cafe\u{301}"]), &mut aside);
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("\\u{e9}") && error.contains("\\u{301}"),
            "{error}"
        );
        assert!(aside.remarks.is_empty());
        require_distinct(&folders(&["Cat", "cat", "cow"]), &mut aside).unwrap();
        assert_eq!(aside.remarks, [Remark::Alike("Cat".into(), "cat".into())]);
    }

    #[test]
    fn numbers_are_sorted_as_numbers_and_said_where_they_are_not_the_outputs() {
        let mut aside = Aside::default();
        let mut ordered = |names: &[&str]| order(names.iter().copied(), &mut aside);
        assert_eq!(ordered(&["0", "1", "2"]), ["0", "1", "2"]);
        assert_eq!(ordered(&["b", "10", "9"]), ["10", "9", "b"]);
        assert_eq!(ordered(&["10", "9", "1"]), ["1", "9", "10"]);
        let [Remark::Numbers(names)] = aside.remarks.as_slice() else {
            panic!("{:?}", aside.remarks);
        };
        assert_eq!(names, &["1", "9", "10"]);
    }
}
