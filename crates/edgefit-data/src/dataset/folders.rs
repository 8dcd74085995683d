//! Images in folders that are named after their classes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use edgefit_base::names::nearest;
use edgefit_graph::Task;

use super::aside::Aside;
use super::class_names::{self, class_name};
use super::layout::{self, ClassFolders};
use super::listing::{Folder, Image, images};
use super::sample_name::sample_name;
use super::{Content, Dataset, Sample};
use crate::error::{Error, Result};
use crate::split::Split;

/// The images of each class.
type Classes = BTreeMap<String, Vec<(PathBuf, Option<Split>)>>;

impl Dataset {
    /// Lists a folder of class folders, or of parts that hold class folders, by the first bytes of
    /// the files in it.
    ///
    /// Parts are `train`, `val` and `test`, and what else is usual, such as `Training` and `Valid`. A
    /// folder that holds nothing but one folder of class folders or parts stands for that. What was
    /// assumed and what was left out is in [`Dataset::remarks`].
    ///
    /// ```
    /// let folder = tempfile::tempdir()?;
    /// for path in ["cat/1.png", "dog/2.jpg"] {
    ///     let path = folder.path().join(path);
    ///     std::fs::create_dir(path.parent().unwrap())?;
    ///     std::fs::write(path, b"\x89PNG\r\n\x1a\n")?;
    /// }
    /// let dataset = edgefit_data::Dataset::scan(folder.path())?;
    /// assert_eq!(dataset.classes, ["cat", "dog"]);
    /// assert_eq!(dataset.samples[1].relative, "dog/2.jpg");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The folder cannot be read, could be read in two ways, has fewer than two classes, an empty
    /// class, a class that `train` does not have, or a class whose name cannot be a label or looks
    /// like that of another.
    pub fn scan(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        let mut aside = Aside::default();
        let mut classes = Classes::new();
        for folders in layout::find(root, &mut aside)? {
            class_names::require_distinct(&folders.classes, &mut aside)?;
            for class in &folders.classes {
                let found = images_of(class, &folders, &mut aside)?;
                let found = found.into_iter().map(|image| (image.path, folders.split));
                let name = class_name(&class.name).into_owned();
                classes.entry(name).or_default().extend(found);
            }
        }
        // A held-out part may have an empty folder of a class.
        classes.retain(|_, images| !images.is_empty());
        require_classes(&classes).map_err(|problem| Error::Dataset {
            path: root.to_path_buf(),
            problem,
        })?;
        let mut classes: Vec<_> = classes.into_iter().collect();
        let names = classes.iter().map(|(name, _)| name.as_str());
        let order = class_names::order(names, &mut aside);
        classes.sort_by_cached_key(|(name, _)| order.iter().position(|ordered| ordered == name));
        let (classes, images): (Vec<_>, Vec<_>) = classes.into_iter().unzip();
        let samples = images.into_iter().enumerate().flat_map(|(class, images)| {
            images.into_iter().map(move |(path, split)| Sample {
                relative: sample_name(root, &path),
                content: Content::Image(path),
                class,
                targets: Vec::new(),
                split,
                group: None,
            })
        });
        Ok(Dataset {
            samples: samples.collect(),
            root: root.to_path_buf(),
            task: Task::Classes,
            classes,
            dims: None,
            remarks: aside.sentences(root),
        })
    }
}

/// The images of a class, of which there is one at least that may be read; held-out parts need none.
fn images_of(class: &Folder, folders: &ClassFolders, aside: &mut Aside) -> Result<Vec<Image>> {
    let found = images(&class.path, aside)?;
    let refused = |problem: String| {
        Err(Error::Dataset {
            path: class.path.clone(),
            problem,
        })
    };
    let problems: Vec<&Image> = found
        .iter()
        .filter(|image| image.problem.is_some())
        .collect();
    match problems.as_slice() {
        _ if matches!(folders.split, Some(Split::Val | Split::Test)) => Ok(found),
        [] if found.is_empty() => {
            refused("this class folder holds no images; add some or remove it".into())
        }
        [first, ..] if problems.len() == found.len() => refused(format!(
            "this class folder holds no image that can be read, and {} that cannot; {} {}",
            found.len(),
            sample_name(&class.path, &first.path),
            first.problem.as_deref().unwrap_or_default()
        )),
        _ => Ok(found),
    }
}

/// Checks that there are two classes at least, and that there is something to train on for each.
fn require_classes(classes: &Classes) -> Result<(), String> {
    if classes.len() < 2 {
        return Err(match classes.keys().next() {
            None => {
                "holds no class folders; put the images of each class into a folder named after it"
                    .into()
            }
            Some(only) => format!(
                "holds one class only, '{only}'; add a folder for each other class, there is nothing \
                 to learn from one"
            ),
        });
    }
    let is_trained = |images: &[(PathBuf, Option<Split>)]| {
        let mut splits = images.iter().map(|(_, split)| split);
        splits.any(|split| matches!(split, None | Some(Split::Train)))
    };
    let (trained, untrained): (Vec<_>, Vec<_>) =
        classes.iter().partition(|(_, images)| is_trained(images));
    let Some((class, _)) = untrained.first() else {
        return Ok(());
    };
    let trained = trained.iter().map(|(name, _)| name.as_str());
    let meant = nearest(class, trained).map_or(String::new(), |name| {
        format!(", or rename the folder if '{name}' is meant")
    });
    Err(format!(
        "class '{class}' is not in the train folder; add images of it there{meant}"
    ))
}

#[cfg(test)]
mod tests;
