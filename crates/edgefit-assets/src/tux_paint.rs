//! The photographs among Tux Paint's stamps.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::apt::Package;
use crate::cache::Cache;
use crate::error::{Error, Result};

const WHAT: &str = "the Tux Paint photographs";

/// Class folders, and the folders of the package that hold their photographs.
const CLASSES: [(&str, &[&str]); 6] = [
    ("bird", &["animals/birds"]),
    ("flower", &["plants/flowers"]),
    ("fruit_veg", &["food/fruit", "food/vegetables"]),
    ("household", &["household"]),
    ("mammal", &["animals/mammals", "animals/marsupials"]),
    ("vehicle", &["vehicles", "military/vehicles"]),
];

/// Drawings and models of things among the photographs.
const NOT_PHOTOGRAPHS: [&str; 3] = ["cartoon", "toys", "plastic"];

/// Mirrored and flipped copies.
const COPIES: [&str; 2] = ["_mirror", "_flip"];

/// How many photographs there are.
const COUNT: usize = 222;

/// The photographs among Tux Paint's stamps (GPL-2), 222 images in six class folders.
///
/// # Errors
/// apt is missing or fails, or what came is not the pinned package.
pub fn tux_paint_photographs(cache: &Cache) -> Result<PathBuf> {
    let package = Package {
        what: WHAT,
        requirement: "tuxpaint-stamps-default=2022.06.04-1",
        sha256: "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
    };
    cache.entry("tux-paint-photographs", |folder| {
        let unpacked = cache.temporary()?;
        package.unpack(cache, unpacked.path())?;
        let stamps = unpacked.path().join("usr/share/tuxpaint/stamps");
        let mut count = 0;
        for (class, sources) in CLASSES {
            for source in sources {
                let copied = copy_photographs(&stamps.join(source), &folder.join(class));
                count += copied.map_err(|source| Error::Cache {
                    path: folder.join(class),
                    source,
                })?;
            }
        }
        match count {
            COUNT => Ok(()),
            other => Err(Error::Fetch {
                what: WHAT,
                problem: format!("the package holds {other} of them, not {COUNT}"),
            }),
        }
    })
}

fn copy_photographs(from: &Path, to: &Path) -> std::io::Result<usize> {
    fs::create_dir_all(to)?;
    let mut count = 0;
    for entry in WalkDir::new(from).sort_by_file_name() {
        let path = entry?.into_path();
        let below = path.strip_prefix(from).unwrap_or(&path);
        let name = below.to_string_lossy();
        let png = path.extension().is_some_and(|extension| extension == "png");
        let drawn = below
            .iter()
            .any(|part| NOT_PHOTOGRAPHS.iter().any(|not| part == *not));
        if !png || drawn || COPIES.iter().any(|copy| name.contains(copy)) {
            continue;
        }
        // Names repeat between folders of the package, never below one of them.
        fs::copy(&path, to.join(name.replace('/', "-")))?;
        count += 1;
    }
    Ok(count)
}
