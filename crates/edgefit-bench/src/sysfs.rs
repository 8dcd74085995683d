//! Small files of `/sys` and `/proc`.

use std::path::Path;

/// The number that a file holds, if it does.
pub(crate) fn number(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}
