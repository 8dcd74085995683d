//! What lies in the folders of a dataset and is no sample.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::remark::Remark;

/// What lies in the folders of a dataset and is no sample, or not all of one.
#[derive(Debug, Default)]
pub(super) struct Aside {
    /// In the order in which they were made.
    pub remarks: Vec<Remark>,
    pub other_files: usize,
    clutter: usize,
    clutter_names: BTreeSet<String>,
    animated: Vec<PathBuf>,
}

impl Aside {
    pub fn clutter(&mut self, name: &OsStr) {
        self.clutter += 1;
        self.clutter_names
            .insert(name.to_string_lossy().into_owned());
    }

    pub fn animated(&mut self, path: &Path) {
        self.animated.push(path.to_path_buf());
    }

    /// Takes over what was set aside in another folder.
    pub fn join(&mut self, other: Aside) {
        self.remarks.extend(other.remarks);
        self.other_files += other.other_files;
        self.clutter += other.clutter;
        self.clutter_names.extend(other.clutter_names);
        self.animated.extend(other.animated);
    }

    /// All remarks on the dataset in the folder `root`, as sentences.
    pub fn sentences(self, root: &Path) -> Vec<String> {
        let mut remarks = self.remarks;
        if self.clutter > 0 {
            remarks.push(Remark::Clutter {
                count: self.clutter,
                names: self.clutter_names.into_iter().collect(),
            });
        }
        if self.other_files > 0 {
            remarks.push(Remark::OtherFiles(self.other_files));
        }
        if let Some(example) = self.animated.first() {
            remarks.push(Remark::Animated {
                count: self.animated.len(),
                example: example.clone(),
            });
        }
        remarks.iter().map(|remark| remark.sentence(root)).collect()
    }
}
