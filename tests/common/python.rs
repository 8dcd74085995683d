//! Python with packages that pip fetches, each pinned by its SHA-256.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use edgefit::base::hash::sha256_hex;

use super::cache;

/// An interpreter with the packages of the file `requirements`, in the folder `name` of the cache.
pub fn python_with(requirements: &Path, name: &str) -> PathBuf {
    let hash = sha256_hex(&fs::read(requirements).unwrap());
    let folder = cache().root().join(name);
    let (python, stamp) = (folder.join("bin/python"), folder.join(hash));
    if !stamp.exists() {
        let made = Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder)
            .status();
        assert!(made.unwrap().success(), "python3-venv is needed");
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "-r",
        ];
        let installed = Command::new(&python).args(pip).arg(requirements).status();
        assert!(installed.unwrap().success());
        fs::write(stamp, "").unwrap();
    }
    python
}
