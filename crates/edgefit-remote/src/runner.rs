//! edgefit on a board: how its runner is found, what is copied, and what it answers.

use std::fmt;
use std::path::{Path, PathBuf};

use edgefit_base::schema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::board::{Board, Kept};
use crate::error::{BUILT, Error, Result};
use crate::host::Host;
use crate::ssh::Ssh;
use crate::words::plain;

/// How to get a runner onto a board.
#[derive(Debug, Clone)]
pub struct Options {
    /// How ssh is called.
    pub ssh: Ssh,
    /// The board.
    pub host: Host,
    /// edgefit for the board; looked for in the folder of this binary and in `runners`, if `None`.
    pub runner: Option<PathBuf>,
    /// Folder of runners, `edgefit-runner-aarch64` and the like.
    pub runners: PathBuf,
    /// A library for an engine; the one that the board has, if `None`.
    pub library: Option<Library>,
}

/// A library that is copied to the board.
#[derive(Debug, Clone)]
pub struct Library {
    /// The file.
    pub file: PathBuf,
    /// Environment variable that names it to the runner.
    pub variable: String,
}

/// Is told of progress and warnings.
pub trait Observer {
    /// The next step begins.
    fn step(&mut self, _what: &str) {}

    /// The board warns of something.
    fn warn(&mut self, warning: &str);
}

/// A board with a runner of edgefit on it.
pub struct RemoteRunner {
    board: Board,
    runner: Kept,
    /// A library, and the variable that names it.
    library: Option<(String, Kept)>,
    models: Vec<Kept>,
    engines: Vec<ListedEngine>,
}

/// A board, and what was copied there.
#[derive(Debug, Serialize)]
pub struct BoardSummary {
    /// Its name.
    pub host: String,
    /// Its processor, in Rust's words.
    pub arch: String,
    /// Names of the files that had to be copied; none where an earlier call had copied them all.
    pub copied: Vec<String>,
}

/// What `engine list` prints.
#[derive(Deserialize)]
struct Engines {
    engines: Vec<ListedEngine>,
}

#[derive(Deserialize)]
struct ListedEngine {
    name: String,
    available: bool,
    detail: String,
}

impl fmt::Display for BoardSummary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let copied = match self.copied.as_slice() {
            [] => "nothing had to be copied".to_owned(),
            files => format!("copied {}", files.join(", ")),
        };
        write!(f, "on {} ({}); {copied}", self.host, self.arch)
    }
}

impl RemoteRunner {
    /// Connects to the board, copies a runner there unless it is there, and asks it for its engines.
    ///
    /// # Errors
    /// The board cannot be reached, there is no runner for it, or the runner does not answer.
    pub fn connect(options: &Options, observer: &mut dyn Observer) -> Result<Self> {
        let host = &options.host;
        observer.step(&format!("connecting to {host}"));
        let board = Board::connect(options.ssh.clone(), host.clone())?;
        let runner = match &options.runner {
            Some(file) => file.clone(),
            None => find_runner(&board, &options.runners)?,
        };
        observer.step(&format!("copying {} to {host}", runner.display()));
        let runner = board.keep_program(&runner)?;
        let library = options.library.as_ref().map(|library| -> Result<_> {
            let kept = board.keep_program(&library.file)?;
            Ok((library.variable.clone(), kept))
        });
        let library = library.transpose()?;
        let mut remote = RemoteRunner {
            board,
            runner,
            library,
            models: Vec::new(),
            engines: Vec::new(),
        };
        let listed: Engines = remote.ask(&["engine", "list"], "edgefit.engines/1", observer)?;
        remote.engines = listed.engines;
        Ok(remote)
    }

    /// Which board it is.
    pub fn host(&self) -> &Host {
        self.board.host()
    }

    /// Whether the runner has this engine and the board its library, or why not.
    pub fn engine(&self, name: &str) -> Result<(), String> {
        match self.engines.iter().find(|engine| engine.name == name) {
            Some(found) if found.available => Ok(()),
            Some(missing) => Err(format!(
                "{}: {}; --onnxruntime FILE takes a library there",
                self.board.host(),
                missing.detail
            )),
            None => Err(self.other_build().to_string()),
        }
    }

    /// Where a copy of the model lies on the board. The file has to hold its weights.
    ///
    /// # Errors
    /// The file cannot be read, or the board has no room, no permission or no connection for it.
    pub fn keep_model(&mut self, model: &Path) -> Result<String> {
        let kept = self.board.keep(model)?;
        let path = kept.path.clone();
        self.models.push(kept);
        Ok(path)
    }

    /// Where a copy of an input lies on the board.
    ///
    /// # Errors
    /// As [`keep_model`](RemoteRunner::keep_model).
    pub fn keep_input(&self, file: &Path) -> Result<String> {
        Ok(self.board.keep(file)?.path)
    }

    /// Runs edgefit on the board; the document that it prints, which has to be of `schema`.
    ///
    /// # Errors
    /// The connection drops, edgefit fails there, or it answers with something else.
    pub fn ask<T: DeserializeOwned>(
        &self,
        arguments: &[&str],
        schema: &'static str,
        observer: &mut dyn Observer,
    ) -> Result<T> {
        let arguments = [&["--json"], arguments].concat();
        let library = self.library.as_ref();
        let library = library.map(|(variable, kept)| (variable.as_str(), kept.path.as_str()));
        let variables: Vec<(&str, &str)> = library.into_iter().collect();
        let ran = self.board.run(&self.runner, &arguments, &variables)?;
        let host = self.board.host();
        for line in ran.stderr.lines() {
            if let Some(warning) = line.strip_prefix("warning: ") {
                observer.warn(&format!("{host}: {warning}"));
            }
        }
        if ran.stdout.is_empty() {
            let said = |line: &&str| !line.trim().is_empty() && !line.starts_with("progress: ");
            let words = plain(&ran.stderr);
            let mut lines = words.lines();
            let error = lines.clone().rfind(|line| line.starts_with("error: "));
            let error = error.or_else(|| lines.rfind(said));
            let error = error.map(|line| line.trim_start_matches("error: ").to_owned());
            let host = host.clone();
            return Err(match error {
                Some(words) => Error::Failed { host, words },
                None => Error::Silent {
                    host,
                    code: ran.code,
                },
            });
        }
        schema::from_json(&ran.stdout, schema).map_err(|source| Error::OtherBuild {
            host: host.clone(),
            source: Some(source),
        })
    }

    /// What to say of an answer that is not understood.
    fn other_build(&self) -> Error {
        Error::OtherBuild {
            host: self.board.host().clone(),
            source: None,
        }
    }

    /// The board, and what was copied there.
    pub fn summary(&self) -> BoardSummary {
        let library = self.library.iter().map(|(_, kept)| kept);
        let kept = [&self.runner]
            .into_iter()
            .chain(library)
            .chain(&self.models);
        let copied = kept.filter(|kept| kept.copied);
        BoardSummary {
            host: self.board.host().to_string(),
            arch: self.board.architecture.clone(),
            copied: copied.map(|kept| kept.name().to_owned()).collect(),
        }
    }
}

/// The runner for boards of this architecture: from the folder of this binary or from `folder`, else
/// this binary itself.
fn find_runner(board: &Board, folder: &Path) -> Result<PathBuf> {
    let arch = board.architecture.as_str();
    let name = format!("edgefit-runner-{arch}");
    let own = std::env::current_exe().map_err(Error::NoBinary)?;
    let place = folder.join(&name);
    for file in [own.with_file_name(&name), place.clone()] {
        if file.is_file() {
            return Ok(file);
        }
    }
    if cfg!(target_os = "linux") && arch == std::env::consts::ARCH {
        return Ok(own);
    }
    let arch = arch.to_owned();
    Err(if BUILT.contains(&&*arch) {
        Error::NoRunner { arch, place }
    } else {
        Error::NeverBuilt {
            host: board.host().clone(),
            arch,
            kernel: board.kernel.clone(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_builds_what_is_advised() {
        let script = include_str!("../../../scripts/build-runner.sh");
        assert!(script.contains(&format!("\n    {}) ;;\n", BUILT.join(" | "))));
    }
}
