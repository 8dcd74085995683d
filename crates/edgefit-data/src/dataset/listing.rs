//! What lies in a folder: folders of its own, and images at any depth.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::aside::Aside;
use super::clutter::is_clutter;
use super::remark::Remark;
use crate::error::{Error, Result};
use crate::picture::{HEAD, Holds, is_animated, promises_a_picture};

/// A folder in a folder.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub name: String,
    pub path: PathBuf,
}

/// What lies directly in a folder, without clutter.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// By name.
    pub folders: Vec<Folder>,
    /// Number of pictures.
    pub images: usize,
}

impl Listing {
    /// What lies directly in the folder at `path`.
    ///
    /// # Errors
    /// It cannot be read, or a folder in it has a name that cannot be a label.
    pub fn of(path: &Path, aside: &mut Aside) -> Result<Self> {
        let fail = |source| Error::Read {
            path: path.to_path_buf(),
            source,
        };
        let mut listing = Listing::default();
        for entry in std::fs::read_dir(path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let (name, path) = (entry.file_name(), entry.path());
            if is_clutter(&name) {
                aside.clutter(&name);
            } else if path.is_dir() {
                let name = label(&name, &path)?;
                listing.folders.push(Folder { name, path });
            } else if !path.exists() {
                aside.remarks.push(Remark::Dangling(path));
            } else if is_image(&path) {
                listing.images += 1;
            } else {
                aside.other_files += 1;
            }
        }
        listing.folders.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listing)
    }
}

/// Names of the folders that lie directly in a folder, without clutter.
///
/// # Errors
/// It cannot be read.
pub(super) fn folders_in(path: &Path) -> Result<BTreeSet<OsString>> {
    let fail = |source| Error::Read {
        path: path.to_path_buf(),
        source,
    };
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        // Asking about each of many files takes time.
        let is_folder = match entry.file_type().map_err(fail)? {
            kind if kind.is_symlink() => entry.path().is_dir(),
            kind => kind.is_dir(),
        };
        if is_folder && !is_clutter(&name) {
            names.insert(name);
        }
    }
    Ok(names)
}

/// The name of a folder as a label.
fn label(name: &OsStr, path: &Path) -> Result<String> {
    let refused = |problem: String| Error::Dataset {
        path: path.to_path_buf(),
        problem,
    };
    let Some(text) = name.to_str() else {
        return Err(refused(format!(
            "the name of this folder, '{}', is not UTF-8, and cannot be a label; rename it, such as \
             with `convmv -f latin1 -t utf8 --notest`",
            name.as_encoded_bytes().escape_ascii()
        )));
    };
    if text.contains(char::is_control) {
        return Err(refused(format!(
            "the name of this folder, {text:?}, has a control character, and cannot be a label; \
             rename it"
        )));
    }
    Ok(text.to_owned())
}

/// A file that is an image or should be one.
#[derive(Debug)]
pub(super) struct Image {
    pub path: PathBuf,
    /// Why it is sure not to be read, from its first bytes.
    pub problem: Option<String>,
}

/// The images below a folder at any depth, in the order of their paths, and sentences on what was left
/// out.
///
/// # Errors
/// A folder cannot be read.
pub fn images_below(folder: &Path) -> Result<(Vec<PathBuf>, Vec<String>)> {
    let mut aside = Aside::default();
    let found = images(folder, &mut aside)?;
    let paths = found.into_iter().map(|image| image.path).collect();
    Ok((paths, aside.sentences(folder)))
}

/// All images below a folder at any depth, in the order of their paths. What is named or begins as an
/// image, or is a link to nothing, is one; whether it can be read shows later.
///
/// # Errors
/// A folder cannot be read.
pub(super) fn images(folder: &Path, aside: &mut Aside) -> Result<Vec<Image>> {
    let mut found = Vec::new();
    let mut walk = WalkDir::new(folder)
        .min_depth(1)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter();
    while let Some(entry) = walk.next() {
        let path = match entry {
            Ok(entry) if is_clutter(entry.file_name()) => {
                aside.clutter(entry.file_name());
                if entry.file_type().is_dir() {
                    walk.skip_current_dir();
                }
                continue;
            }
            Ok(entry) if entry.file_type().is_dir() => continue,
            Ok(entry) => entry.into_path(),
            Err(error) => match broken_link(folder, error)? {
                Link::ToNothing(path) => {
                    if !path.file_name().is_some_and(is_clutter) {
                        found.push(Image {
                            path,
                            problem: Some("is a link to what is not there".into()),
                        });
                    }
                    continue;
                }
                Link::Back(path) => {
                    aside.remarks.push(Remark::Loop(path));
                    continue;
                }
            },
        };
        match holds(&path) {
            Some((Holds::Picture(_), head)) => {
                if is_animated(&head) {
                    aside.animated(&path);
                }
                found.push(Image {
                    path,
                    problem: None,
                });
            }
            Some((other, _)) if matches!(other, Holds::Foreign(_)) || promises_a_picture(&path) => {
                found.push(Image {
                    path,
                    problem: other.problem(),
                });
            }
            None if promises_a_picture(&path) => found.push(Image {
                path,
                problem: Some("cannot be read".into()),
            }),
            _ => aside.other_files += 1,
        }
    }
    Ok(found)
}

/// A link that cannot be followed.
enum Link {
    ToNothing(PathBuf),
    Back(PathBuf),
}

/// The link behind an error of the walk through `folder`; other errors stay.
fn broken_link(folder: &Path, error: walkdir::Error) -> Result<Link> {
    let path = error.path().unwrap_or(folder).to_path_buf();
    if error.loop_ancestor().is_some() {
        return Ok(Link::Back(path));
    }
    // Neither a link to nothing nor one to itself has a target.
    if path.is_symlink() && !path.exists() {
        return Ok(Link::ToNothing(path));
    }
    Err(Error::Read {
        path,
        source: error.into(),
    })
}

/// Whether an image lies below the folder, at any depth.
pub(super) fn has_images(folder: &Path) -> bool {
    let visible = |entry: &DirEntry| entry.depth() == 0 || !is_clutter(entry.file_name());
    let mut walk = WalkDir::new(folder)
        .follow_links(true)
        .into_iter()
        .filter_entry(visible)
        .flatten();
    walk.any(|entry| entry.file_type().is_file() && is_image(entry.path()))
}

fn is_image(path: &Path) -> bool {
    promises_a_picture(path)
        || holds(path)
            .is_some_and(|(holds, _)| matches!(holds, Holds::Picture(_) | Holds::Foreign(_)))
}

/// What a regular file holds, and its first bytes; `None` where it cannot be read.
fn holds(path: &Path) -> Option<(Holds, Vec<u8>)> {
    // A pipe would wait for somebody to write.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut head = Vec::new();
    let mut file = File::open(path).ok()?.take(HEAD as u64);
    file.read_to_end(&mut head).ok()?;
    Some((Holds::of(&head), head))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_is_no_file_is_counted_or_named() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["socket", "socket.png"] {
            UnixListener::bind(folder.path().join(name)).unwrap();
        }
        let mut aside = Aside::default();
        let found = images(folder.path(), &mut aside).unwrap();
        assert_eq!(aside.other_files, 1);
        assert_eq!(found.len(), 1);
        assert!(found[0].problem.is_some(), "{found:?}");
    }
}
