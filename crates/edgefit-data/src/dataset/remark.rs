//! What a person should know of how a dataset was read.

use std::path::{Path, PathBuf};

use edgefit_base::names::listed;

use crate::split::Split;

/// What was assumed, left out or looks odd in a dataset that is read all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Remark {
    /// The dataset lies in the only folder of the folder that was given.
    Inside(PathBuf),
    /// Folders were taken for splits by what they are called.
    Parts(Vec<(String, Split)>),
    /// The user's folders lack a split, whose samples are taken from train.
    Missing(Split),
    /// A part of the data holds images and no class folders.
    Flat {
        /// The folder.
        folder: PathBuf,
        /// Images in it.
        images: usize,
    },
    /// A folder is called as a part of the data, and is taken for a class.
    ClassLikePart(String),
    /// Images lie beside class folders.
    Loose {
        /// The folder that they lie in.
        folder: PathBuf,
        /// How many.
        images: usize,
    },
    /// Folders beside those of the parts hold no images.
    NoImages(Vec<String>),
    /// Hidden files and folders, and those that programs leave behind.
    Clutter {
        /// How many there are; what is in such a folder is not counted.
        count: usize,
        /// What they are called.
        names: Vec<String>,
    },
    /// Files that do not look like images, and how many.
    OtherFiles(usize),
    /// A link that leads to nothing, where a folder may have been meant.
    Dangling(PathBuf),
    /// A link that leads back to a folder that it lies in.
    Loop(PathBuf),
    /// Images of several frames.
    Animated {
        /// How many.
        count: usize,
        /// One of them.
        example: PathBuf,
    },
    /// Two classes whose names differ in case or blanks alone.
    Alike(String, String),
    /// Classes whose names are whole numbers, sorted as such, and not all the number of their output.
    Numbers(Vec<String>),
}

impl Remark {
    /// The remark on the dataset in the folder `root`, as a sentence.
    pub fn sentence(&self, root: &Path) -> String {
        let below = |path: &Path| match path.strip_prefix(root) {
            Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
            Ok(below) => below.display().to_string(),
            Err(_) => path.display().to_string(),
        };
        match self {
            Remark::Inside(folder) => {
                format!("the class folders are looked for in {}", below(folder))
            }
            Remark::Parts(parts) => {
                let parts = parts.iter();
                let parts = parts.map(|(name, split)| format!("'{name}' as {split}"));
                format!("folders are read as parts of the data: {}", listed(parts))
            }
            Remark::Missing(split) => format!(
                "there is no {split} folder; a fifth of the training samples is held out as {split}"
            ),
            Remark::Flat { folder, images } => format!(
                "{} holds {} in no class folder; without labels, they are left out",
                below(folder),
                of_images(*images)
            ),
            Remark::ClassLikePart(name) => format!(
                "'{name}' is taken for a class, because it holds images and no class folders"
            ),
            Remark::Loose { folder, images } => format!(
                "{} without a class in {}, beside the class folders; left out",
                of_images(*images),
                below(folder)
            ),
            Remark::NoImages(names) => {
                format!("ignored, because they hold no images: {}", quoted(names))
            }
            Remark::Clutter { count, names } => format!(
                "ignored: {} or left behind by programs ({})",
                counted(
                    *count,
                    "file or folder that is hidden",
                    "files and folders that are hidden"
                ),
                quoted(names)
            ),
            Remark::OtherFiles(count) => {
                format!(
                    "ignored: {}, not an image",
                    counted(*count, "file", "files")
                )
            }
            Remark::Dangling(link) => {
                format!("{} is a link to what is not there; left out", below(link))
            }
            Remark::Loop(link) => format!(
                "{} is a link back to a folder that it lies in; not followed",
                below(link)
            ),
            Remark::Animated { count, example } => format!(
                "{} of several frames, such as {}: the first frame alone is read",
                of_images(*count),
                below(example)
            ),
            Remark::Alike(a, b) => format!(
                "'{a}' and '{b}' are two classes, though their names differ in case or blanks alone; \
                 join the folders if they are one"
            ),
            Remark::Numbers(names) => {
                let of = names.iter().enumerate();
                let of = of.map(|(index, name)| format!("{index} is '{name}'"));
                format!(
                    "classes are sorted as numbers, and outputs numbered from 0: output {}",
                    listed(of)
                )
            }
        }
    }
}

fn of_images(count: usize) -> String {
    counted(count, "image", "images")
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn quoted(names: &[String]) -> String {
    listed(names.iter().map(|name| format!("'{name}'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many_are_told_apart_and_long_lists_are_cut() {
        let clutter = |count: usize, names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Remark::Clutter { count, names }.sentence(Path::new(""))
        };
        assert_eq!(
            clutter(1, &[".git"]),
            "ignored: 1 file or folder that is hidden or left behind by programs ('.git')"
        );
        let many = clutter(9, &["a", "b", "c", "d", "e"]);
        assert!(many.ends_with("('a', 'b', 'c', 'd', …)"), "{many}");
    }
}
