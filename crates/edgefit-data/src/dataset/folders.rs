//! Images in folders that are named after their classes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use edgefit_graph::Task;
use walkdir::WalkDir;

use super::{Content, Dataset, Sample};
use crate::error::{Error, Result};
use crate::split::Split;

const EXTENSIONS: [&str; 6] = ["png", "jpg", "jpeg", "webp", "bmp", "gif"];

impl Dataset {
    /// Lists a folder of class folders, or of `train`, `val` and `test` folders that hold class
    /// folders, without opening the images.
    ///
    /// ```
    /// let folder = tempfile::tempdir()?;
    /// for path in ["cat/1.png", "dog/2.jpg"] {
    ///     let path = folder.path().join(path);
    ///     std::fs::create_dir(path.parent().unwrap())?;
    ///     std::fs::write(path, "")?;
    /// }
    /// let dataset = edgefit_data::Dataset::scan(folder.path())?;
    /// assert_eq!(dataset.classes, ["cat", "dog"]);
    /// assert_eq!(dataset.samples[1].relative, "dog/2.jpg");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The folder cannot be read, has fewer than two classes, an empty class, or a class that
    /// `train` does not have.
    pub fn scan(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        let mut files: BTreeMap<String, Vec<(PathBuf, Option<Split>)>> = BTreeMap::new();
        let mut other_files = 0;
        let all = folders(root)?;
        let count = all.len();
        let given: Vec<(PathBuf, Split)> = all
            .into_iter()
            .filter_map(|(name, path)| Some((path, Split::of_folder(&name)?)))
            .collect();
        // A class may be called "test"; a folder of splits holds nothing else.
        let is_split =
            given.len() == count && given.iter().any(|(_, split)| *split == Split::Train);
        let splits = if is_split {
            given
                .into_iter()
                .map(|(path, split)| (path, Some(split)))
                .collect()
        } else {
            vec![(root.to_path_buf(), None)]
        };
        for (folder, split) in splits {
            for (class, path) in folders(&folder)? {
                let mut found = 0;
                for entry in WalkDir::new(&path).follow_links(true).sort_by_file_name() {
                    let entry = entry.map_err(|error| walk_error(&path, error))?;
                    if !entry.file_type().is_file() || hidden(entry.file_name()) {
                        continue;
                    }
                    if !looks_like_an_image(entry.path()) {
                        other_files += 1;
                        continue;
                    }
                    found += 1;
                    let images = files.entry(class.clone()).or_default();
                    images.push((entry.into_path(), split));
                }
                if found == 0 {
                    return Err(Error::Dataset {
                        path,
                        problem: "this class folder holds no images; add some or remove it".into(),
                    });
                }
            }
        }

        let problem = |problem: String| Error::Dataset {
            path: root.to_path_buf(),
            problem,
        };
        if files.len() < 2 {
            return Err(problem(match files.keys().next() {
                None => "holds no class folders; put the images of each class into a folder \
                         named after it"
                    .into(),
                Some(only) => format!(
                    "holds one class only, '{only}'; add a folder for each other class, there is \
                     nothing to learn from one"
                ),
            }));
        }
        let untrained = files.iter().find(|(_, images)| {
            images
                .iter()
                .all(|(_, split)| !matches!(split, None | Some(Split::Train)))
        });
        if let Some((class, _)) = untrained {
            return Err(problem(format!(
                "class '{class}' is not in the train folder; add images of it there"
            )));
        }
        let (classes, images): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        let samples = images
            .into_iter()
            .enumerate()
            .flat_map(|(class, images)| {
                images.into_iter().map(move |(path, split)| Sample {
                    relative: relative(root, &path),
                    content: Content::Image(path),
                    class,
                    targets: Vec::new(),
                    split,
                })
            })
            .collect();
        Ok(Dataset {
            root: root.to_path_buf(),
            task: Task::Classes,
            classes,
            dims: None,
            samples,
            other_files,
        })
    }
}

/// Folders in `folder` that are not hidden, by name.
fn folders(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let fail = |source| Error::Read {
        path: folder.to_path_buf(),
        source,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let path = entry.path();
        if path.is_dir() && !hidden(&entry.file_name()) {
            found.push((entry.file_name().to_string_lossy().into_owned(), path));
        }
    }
    found.sort();
    Ok(found)
}

fn hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn looks_like_an_image(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        EXTENSIONS
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

fn relative(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
    names.join("/")
}

fn walk_error(folder: &Path, error: walkdir::Error) -> Error {
    Error::Read {
        path: error.path().unwrap_or(folder).to_path_buf(),
        source: error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            if file.ends_with('/') {
                std::fs::create_dir_all(path).unwrap();
            } else {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "").unwrap();
            }
        }
        root
    }

    #[test]
    fn class_folders_are_listed_in_order() {
        let root = folder(&[
            "b/2.PNG",
            "a/deep/1.jpg",
            "a/notes.txt",
            ".git/x.png",
            "b/.h.png",
        ]);
        let dataset = Dataset::scan(root.path()).unwrap();
        assert_eq!(dataset.classes, ["a", "b"]);
        let names: Vec<_> = dataset
            .samples
            .iter()
            .map(|sample| &sample.relative)
            .collect();
        assert_eq!(names, ["a/deep/1.jpg", "b/2.PNG"]);
        assert_eq!(dataset.other_files, 1);
    }

    #[test]
    fn the_users_own_split_is_kept() {
        let root = folder(&[
            "train/a/1.png",
            "train/b/1.png",
            "val/a/2.png",
            "test/b/3.png",
        ]);
        let dataset = Dataset::scan(root.path()).unwrap();
        assert_eq!(dataset.classes, ["a", "b"]);
        let splits: Vec<_> = dataset.samples.iter().map(|sample| sample.split).collect();
        assert!(splits.contains(&Some(Split::Val)) && splits.contains(&Some(Split::Test)));
    }

    #[test]
    fn folders_that_are_not_a_dataset_are_refused() {
        for (files, expected) in [
            (&["a/"][..], "this class folder holds no images"),
            (&["a/1.png"], "one class only, 'a'"),
            (&["a/1.png", "b/notes.txt"], "holds no images"),
            (&["1.png"], "no class folders"),
            (
                &["train/a/1.png", "train/b/1.png", "val/c/1.png"],
                "class 'c' is not in the train folder",
            ),
        ] {
            let error = Dataset::scan(folder(files).path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(Dataset::scan("no/such/folder").is_err());
    }
}
