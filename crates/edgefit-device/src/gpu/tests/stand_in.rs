//! Stand-in NVML libraries, built from `tests/nvml_stand_in.c` by a C compiler.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::super::{Gpus, read_under};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/nvml_stand_in.c");

/// A library in a folder of its own: the loader knows libraries, and so their state, by file.
pub struct StandIn {
    folder: TempDir,
}

impl StandIn {
    pub fn build(defines: &[&str]) -> Self {
        Self::compile(Path::new(SOURCE), defines)
    }

    pub fn compile(source: &Path, defines: &[&str]) -> Self {
        let stand_in = Self::folder();
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(stand_in.path())
            .args(defines.iter().map(|define| format!("-D{define}")))
            .arg(source)
            .output()
            .expect("the stand-in for NVML is built by a C compiler called 'cc': install one");
        let messages = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cc: {messages}");
        stand_in
    }

    pub fn holding(content: &[u8]) -> Self {
        let stand_in = Self::folder();
        std::fs::write(stand_in.path(), content).unwrap();
        stand_in
    }

    pub fn folder() -> Self {
        StandIn {
            folder: TempDir::new().unwrap(),
        }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("libnvml-stand-in.so")
    }

    /// What is read with this library on a machine without `/sys`.
    pub fn read(&self) -> Gpus {
        read_under(Some(&self.path()), self.folder.path())
    }
}
