//! Where the class folders of a dataset lie: in one folder, or in the parts that it is divided into.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use edgefit_base::names::listed;

use super::aside::Aside;
use super::listing::{Folder, Listing, folders_in, has_images};
use super::part::{Part, PartName, is_empty_name};
use super::remark::Remark;
use crate::error::{Error, Result};
use crate::split::Split;

/// Most folders that hold nothing but one folder, one in the other.
const DEEPEST: usize = 16;

/// A folder of class folders.
#[derive(Debug)]
pub(super) struct ClassFolders {
    /// What all of its samples are for, if the user has split.
    pub split: Option<Split>,
    /// The class folders, by name.
    pub classes: Vec<Folder>,
}

/// Finds the folders of class folders in `root`.
///
/// # Errors
/// A folder cannot be read; or what is there is no dataset, or could be read in two ways.
pub(super) fn find(root: &Path, aside: &mut Aside) -> Result<Vec<ClassFolders>> {
    let (place, listing) = innermost(root, aside)?;
    let mut named = parts_among(&listing.folders);
    let mut others: Vec<&Folder> = listing.folders.iter().collect();
    others.retain(|folder| !named.iter().any(|(part, _)| part.path == folder.path));
    if let [(only, Part::Of(Split::Train | Split::Val))] = named.as_slice()
        && !others.is_empty()
        && folders_in(&only.path)?.is_empty()
    {
        // A train is a vehicle, and valid the contrary of invalid.
        aside.remarks.push(Remark::ClassLikePart(only.name.clone()));
        named.clear();
    }
    if named.is_empty() {
        require_no_parts(&place, &listing.folders)?;
        loose(&place, &listing, aside);
        return Ok(vec![ClassFolders {
            split: None,
            classes: listing.folders,
        }]);
    }
    let (mixed, empty): (Vec<&Folder>, Vec<&Folder>) = others
        .into_iter()
        .partition(|folder| has_images(&folder.path));
    if !mixed.is_empty() {
        return Err(refused(
            &place,
            format!(
                "holds {}, which are called as parts of a dataset, and {}, which are not; put all class \
                 folders into train, val and test, or rename or move away what is none of them",
                names(named.iter().map(|(folder, _)| folder)),
                names(mixed.into_iter())
            ),
        ));
    }
    if !empty.is_empty() {
        let names = empty.iter().map(|folder| folder.name.clone()).collect();
        aside.remarks.push(Remark::NoImages(names));
    }
    loose(&place, &listing, aside);
    divided(&place, named, aside)
}

/// The folders of class folders of a dataset that the user has divided into parts.
fn divided(
    place: &Path,
    named: Vec<(Folder, Part)>,
    aside: &mut Aside,
) -> Result<Vec<ClassFolders>> {
    let mut taken: BTreeMap<String, &Folder> = BTreeMap::new();
    let mut plain = true;
    let mut read = Vec::new();
    for (folder, part) in &named {
        let split = match part {
            Part::Of(split) => *split,
            Part::Unlabelled => {
                let (path, listing) = part_of(folder, aside)?;
                let images = listing.images;
                aside.remarks.push(Remark::Flat {
                    folder: path,
                    images,
                });
                continue;
            }
        };
        let name = split.to_string();
        plain &= folder.name == name;
        if let Some(other) = taken.insert(name.clone(), folder) {
            return Err(refused(
                place,
                format!(
                    "both '{}' and '{}' are called as the {name} part; join them, or move one away",
                    other.name, folder.name
                ),
            ));
        }
        read.push((folder.name.clone(), split));
    }
    if !taken.contains_key("train") {
        return Err(refused(
            place,
            format!(
                "holds {}, which are called as parts of a dataset, and no train; call the folder to \
                 train on 'train', or give one that holds class folders",
                names(named.iter().map(|(folder, _)| folder))
            ),
        ));
    }
    if !plain {
        aside.remarks.push(Remark::Parts(read));
    }
    let mut all = Vec::new();
    for (folder, part) in &named {
        let Part::Of(split) = part else { continue };
        let (path, listing) = part_of(folder, aside)?;
        if listing.folders.is_empty() {
            if *split == Split::Train {
                return Err(refused(
                    &path,
                    format!(
                        "holds {} images and no class folders; put the images of each class into a \
                         folder named after it",
                        listing.images
                    ),
                ));
            }
            let images = listing.images;
            aside.remarks.push(Remark::Flat {
                folder: path,
                images,
            });
            continue;
        }
        require_no_parts(&path, &listing.folders)?;
        require_classification(&path, &listing.folders)?;
        loose(&path, &listing, aside);
        all.push(ClassFolders {
            split: Some(*split),
            classes: listing.folders,
        });
    }
    for split in [Split::Val, Split::Test] {
        if !all.iter().any(|folders| folders.split == Some(split)) {
            aside.remarks.push(Remark::Missing(split));
        }
    }
    Ok(all)
}

/// The folder in `root` that holds more than one folder, and what lies in it: archives are often
/// unpacked into a folder of their own.
fn innermost(root: &Path, aside: &mut Aside) -> Result<(PathBuf, Listing)> {
    let mut place = root.to_path_buf();
    let mut listing = Listing::of(root, aside)?;
    for _ in 0..DEEPEST {
        let [only] = listing.folders.as_slice() else {
            break;
        };
        if listing.images > 0 || PartName::read(&only.name).is_some() {
            break;
        }
        let mut inner = Aside::default();
        let below = Listing::of(&only.path, &mut inner)?;
        // One class alone is no folder of classes.
        if below.folders.is_empty() || below.images > 0 {
            break;
        }
        aside.join(inner);
        place = only.path.clone();
        listing = below;
    }
    if place != root {
        aside.remarks.push(Remark::Inside(place.clone()));
    }
    Ok((place, listing))
}

/// The folder of class folders that a part is or holds, as `train/train` or `train/images`.
fn part_of(part: &Folder, aside: &mut Aside) -> Result<(PathBuf, Listing)> {
    let mut place = part.path.clone();
    let mut listing = Listing::of(&place, aside)?;
    let named = PartName::read(&part.name).map(|name| name.part);
    for _ in 0..DEEPEST {
        let [only] = listing.folders.as_slice() else {
            break;
        };
        let same = PartName::read(&only.name).map(|name| name.part) == named;
        if listing.images > 0 || !(same || is_empty_name(&only.name)) {
            break;
        }
        place = only.path.clone();
        listing = Listing::of(&place, aside)?;
    }
    Ok((place, listing))
}

/// The folders that are parts, by what they are called: "train", or "flowers_train" beside
/// "flowers_test".
fn parts_among(folders: &[Folder]) -> Vec<(Folder, Part)> {
    let read = folders.iter();
    let read: Vec<(&Folder, PartName)> = read
        .filter_map(|folder| Some((folder, PartName::read(&folder.name)?)))
        .collect();
    let shared = |name: &PartName| {
        name.about.is_empty()
            || read
                .iter()
                .any(|(_, other)| other.about == name.about && other.part != name.part)
    };
    let parts = read.iter().filter(|(_, name)| shared(name));
    parts
        .map(|(folder, name)| ((*folder).clone(), name.part))
        .collect()
}

/// Refuses folders that all hold folders of the same names: those are the classes, or each class is
/// divided for itself.
fn require_no_parts(place: &Path, classes: &[Folder]) -> Result<()> {
    let held = classes.iter().map(|class| folders_in(&class.path));
    let held: Vec<BTreeSet<OsString>> = held.collect::<Result<_>>()?;
    let mut counts: BTreeMap<&OsString, usize> = BTreeMap::new();
    for name in held.iter().flatten() {
        *counts.entry(name).or_default() += 1;
    }
    let common: Vec<Cow<str>> = counts
        .iter()
        .filter(|(_, count)| **count > 1)
        .map(|(name, _)| name.to_string_lossy())
        .collect();
    let all_divided = held.len() > 1 && held.iter().all(|names| names.len() > 1);
    if !all_divided || 2 * common.len() < counts.len() {
        return Ok(());
    }
    let are_parts = common.iter().all(|name| PartName::read(name).is_some());
    let below = listed(common.iter().map(|name| format!("'{name}'")));
    let above = names(classes.iter());
    Err(refused(
        place,
        if are_parts {
            format!(
                "each of {above} is divided into {below}; put the parts above the classes, as in \
                 train/{}",
                classes[0].name
            )
        } else {
            format!(
                "holds {above}, which hold folders of the same names, {below}: if those are the \
                 classes, call the folders above them train, val and test; if they are not, put the \
                 images of each class into one folder"
            )
        },
    ))
}

/// Refuses what is made for the detection of objects.
fn require_classification(place: &Path, classes: &[Folder]) -> Result<()> {
    let is = |names: &[&str]| {
        let mut folders = classes.iter();
        folders.any(|folder| names.contains(&folder.name.to_lowercase().as_str()))
    };
    if classes.len() == 2 && is(&["images"]) && is(&["labels", "annotations", "masks"]) {
        return Err(refused(
            place,
            "holds images and labels apart, as for the detection of objects; a classifier needs a \
             folder of images for each class"
                .into(),
        ));
    }
    Ok(())
}

/// Notes images that lie beside class folders.
fn loose(folder: &Path, listing: &Listing, aside: &mut Aside) {
    if listing.images > 0 && !listing.folders.is_empty() {
        aside.remarks.push(Remark::Loose {
            folder: folder.to_path_buf(),
            images: listing.images,
        });
    }
}

fn names<'a>(folders: impl Iterator<Item = &'a Folder>) -> String {
    listed(folders.map(|folder| format!("'{}'", folder.name)))
}

fn refused(place: &Path, problem: String) -> Error {
    Error::Dataset {
        path: place.to_path_buf(),
        problem,
    }
}
