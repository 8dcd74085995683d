//! Debian packages, fetched by apt-get and unpacked without being installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::cache::Cache;
use crate::cache::verify;
use crate::error::{Error, Result};

/// A Debian package, of which files are taken; it is never installed.
pub(crate) struct Package {
    /// What it is, human-readable.
    pub what: &'static str,
    /// `name=version`.
    pub requirement: &'static str,
    /// SHA-256 of the `.deb`.
    pub sha256: &'static str,
}

impl Package {
    /// Downloads the package and unpacks it into `folder`.
    pub fn unpack(&self, cache: &Cache, folder: &Path) -> Result<()> {
        let download = cache.temporary()?;
        let deb = self.download(cache, download.path())?;
        verify(&deb, self.what, self.sha256)?;
        let mut command = Command::new("dpkg-deb");
        command.arg("--extract").arg(&deb).arg(folder);
        self.succeed("dpkg-deb", command)?;
        Ok(())
    }

    fn download(&self, cache: &Cache, into: &Path) -> Result<PathBuf> {
        let lists = cache.root().join("apt");
        let apt = || {
            let mut command = Command::new("apt-get");
            command.current_dir(into).arg("--quiet");
            command
        };
        // The system's package lists may be empty or only root's to refresh.
        let apt_with_own_lists = || {
            let mut command = apt();
            for part in ["State", "Cache"] {
                command.arg(format!(
                    "--option=Dir::{part}={}",
                    lists.join(part).display()
                ));
            }
            command.arg("--option=Dir::State::status=/var/lib/dpkg/status");
            command.arg("--option=Debug::NoLocking=true");
            command
        };
        let mut direct = apt();
        direct.args(["download", self.requirement]);
        if self.succeed("apt-get", direct).is_err() {
            for folder in ["State/lists/partial", "Cache/archives/partial"] {
                let path = lists.join(folder);
                fs::create_dir_all(&path).map_err(|source| Error::Cache { path, source })?;
            }
            let mut update = apt_with_own_lists();
            update.arg("update");
            self.succeed("apt-get", update)?;
            let mut download = apt_with_own_lists();
            download.args(["download", self.requirement]);
            self.succeed("apt-get", download)?;
        }
        let files = fs::read_dir(into).into_iter().flatten().flatten();
        files
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .ok_or_else(|| self.failed("apt-get left no package".into()))
    }

    fn succeed(&self, program: &str, mut command: Command) -> Result<Output> {
        let output = command
            .output()
            .map_err(|_| self.failed(format!("`{program}` is not on this system")))?;
        if output.status.success() {
            return Ok(output);
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        let last = stderr.lines().rfind(|line| !line.trim().is_empty());
        Err(self.failed(format!(
            "{program} says: {}",
            last.unwrap_or("nothing").trim()
        )))
    }

    fn failed(&self, problem: String) -> Error {
        Error::Fetch {
            what: self.what,
            problem,
        }
    }
}
