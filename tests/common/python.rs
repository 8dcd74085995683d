//! Python with packages that pip fetches, each pinned by its SHA-256.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use edgefit::base::hash::sha256_hex;

use super::cache;

/// The interpreter with the packages of `tests/cases/requirements.txt`, PyTorch among them.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
        python_with(&cases.join("requirements.txt"), "cases-python")
    })
}

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
