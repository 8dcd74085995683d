//! The weights of known architectures that lie in a folder.

use std::path::{Path, PathBuf};

use crate::architecture::Architecture;

/// Every architecture after which a folder in `folder` is called that holds weights, with the first of them, in the
/// order of their names.
pub fn weights_in(folder: &Path) -> Vec<(&'static Architecture, PathBuf)> {
    let folders = std::fs::read_dir(folder).into_iter().flatten();
    let mut found = Vec::new();
    for folder in folders.flatten().map(|entry| entry.path()) {
        let name = folder.file_name().and_then(|name| name.to_str());
        let Some(architecture) = name.and_then(Architecture::named) else {
            continue;
        };
        let files = std::fs::read_dir(&folder).into_iter().flatten();
        let mut weights = files.flatten().map(|entry| entry.path());
        let is_weights = |path: &PathBuf| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            matches!(extension, Some("pth" | "safetensors"))
        };
        found.extend(
            weights
                .find(is_weights)
                .map(|weights| (architecture, weights)),
        );
    }
    found.sort_by_key(|(architecture, _)| architecture.name);
    found
}
