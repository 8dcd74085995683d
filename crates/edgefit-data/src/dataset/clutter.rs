//! Files and folders that programs leave behind, and that are no data.

use std::ffi::OsStr;

/// What file managers, archivers and network drives leave behind, in lower case. Names that begin with
/// a dot are clutter, too.
const NAMES: [&str; 15] = [
    "__macosx",
    "__pycache__",
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "@eadir",
    "@recycle",
    "@tmp",
    "desktop.ini",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "icon\r",
    "lost+found",
    "system volume information",
    "thumbs.db",
];

/// Whether a file or folder of this name is hidden or left behind by a program.
pub(super) fn is_clutter(name: &OsStr) -> bool {
    let lower = name.to_string_lossy().to_lowercase();
    lower.starts_with('.') || NAMES.contains(&lower.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_leave_behind_is_known_in_any_case_and_classes_are_none_of_it() {
        for name in ["._a.png", ".ipynb_checkpoints", "Thumbs.db", "$RECYCLE.BIN"] {
            assert!(is_clutter(OsStr::new(name)), "{name}");
        }
        for name in ["thumbs", "macosx", "desktop", "a.png"] {
            assert!(!is_clutter(OsStr::new(name)), "{name}");
        }
    }
}
