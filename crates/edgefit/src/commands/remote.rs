//! edgefit on a board: how its runner is found, what is copied, and what it answers.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use edgefit::assets::Cache;
use edgefit::engine::EngineName;
use edgefit::engine::onnxruntime::LIBRARY_VARIABLE;
use edgefit::graph::Graph;
use edgefit::remote::{Board, Kept};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli;
use crate::output::Output;
use crate::progress::spinner;

/// A board with a runner of edgefit on it.
pub struct Remote {
    board: Board,
    runner: Kept,
    library: Option<Kept>,
    models: Vec<(PathBuf, Kept)>,
    onnxruntime: Result<(), String>,
}

/// What a report says of the board.
#[derive(Debug, Serialize)]
pub struct Told {
    host: String,
    arch: String,
    /// What had to be copied there; nothing where all of it was there from an earlier call.
    copied: Vec<String>,
}

/// What `engine list` prints.
#[derive(Deserialize)]
struct Engines {
    engines: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    available: bool,
    detail: String,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let copied = match self.copied.as_slice() {
            [] => "nothing had to be copied".to_owned(),
            files => format!("copied {}", files.join(", ")),
        };
        write!(f, "on {} ({}); {copied}", self.host, self.arch)
    }
}

impl Remote {
    /// Connects to the board that was named, if one was, and sees that a runner runs there.
    pub fn connect(args: &cli::Remote, output: &mut Output) -> anyhow::Result<Option<Self>> {
        let Some(host) = &args.remote else {
            return Ok(None);
        };
        let spinner = spinner(&format!("connecting to {host}"));
        let board = Board::connect(args.ssh.clone(), host.clone())?;
        let runner = match &args.runner {
            Some(file) => file.clone(),
            None => find_runner(&board.architecture)?,
        };
        spinner.set_message(format!("copying {} to {host}", runner.display()));
        let runner = board.keep_program(&runner)?;
        let library = args.onnxruntime.as_deref();
        let library = library.map(|file| board.keep_program(file)).transpose()?;
        let mut remote = Remote {
            board,
            runner,
            library,
            models: Vec::new(),
            onnxruntime: Ok(()),
        };
        remote.onnxruntime = remote.look_for_onnxruntime(output)?;
        spinner.finish_and_clear();
        Ok(Some(remote))
    }

    /// Which board it is.
    pub fn host(&self) -> String {
        self.board.host().to_string()
    }

    /// Whether the board has ONNX Runtime, or why not.
    pub fn onnxruntime(&self) -> Result<(), String> {
        self.onnxruntime.clone()
    }

    fn look_for_onnxruntime(&self, output: &mut Output) -> anyhow::Result<Result<(), String>> {
        let listed: Engines = self.ask(&["engine", "list"], "edgefit.engines/1", output)?;
        let named = |engine: &&Listed| engine.name == EngineName::OnnxRuntime.to_string();
        Ok(match listed.engines.iter().find(named) {
            Some(found) if found.available => Ok(()),
            Some(missing) => Err(format!(
                "{}: {}; --onnxruntime FILE takes a library there",
                self.board.host(),
                missing.detail
            )),
            None => Err(self.other_build()),
        })
    }

    /// Where a copy of the model lies on the board.
    pub fn keep_model(&mut self, model: &Path) -> anyhow::Result<String> {
        if let Some((_, kept)) = self.models.iter().find(|(path, _)| path == model) {
            return Ok(kept.path.clone());
        }
        let bytes = std::fs::read(model).with_context(|| model.display().to_string())?;
        let kept = match Graph::from_bytes(bytes) {
            Ok(_) => self.board.keep(model)?,
            // Weights that lie in files beside it go into the copy.
            Err(_) => {
                let folder = tempfile::tempdir()?;
                let whole = folder.path().join(model.file_name().unwrap_or_default());
                std::fs::write(&whole, Graph::load(model)?.to_bytes())?;
                self.board.keep(&whole)?
            }
        };
        let path = kept.path.clone();
        self.models.push((model.to_path_buf(), kept));
        Ok(path)
    }

    /// Where a copy of an array lies on the board.
    pub fn keep_input(&mut self, file: &Path) -> anyhow::Result<String> {
        Ok(self.board.keep(file)?.path)
    }

    /// Runs edgefit on the board; the document that it prints, which is of the given schema.
    pub fn ask<T: DeserializeOwned>(
        &self,
        arguments: &[&str],
        schema: &str,
        output: &mut Output,
    ) -> anyhow::Result<T> {
        let arguments = [&["--json"], arguments].concat();
        let library = self.library.as_ref();
        let library = library.map(|library| (LIBRARY_VARIABLE, library.path.as_str()));
        let variables: Vec<(&str, &str)> = library.into_iter().collect();
        let ran = self.board.run(&self.runner, &arguments, &variables)?;
        let host = self.board.host();
        for line in ran.stderr.lines() {
            if let Some(warning) = line.strip_prefix("warning: ") {
                output.warn(&format!("{host}: {warning}"));
            }
        }
        if ran.stdout.is_empty() {
            let error = ran.stderr.lines().rfind(|line| !line.trim().is_empty());
            let error = error.map(|line| line.trim_start_matches("error: "));
            match error {
                Some(words) => anyhow::bail!("on {host}: {words}"),
                None => anyhow::bail!(
                    "on {host}: edgefit ended without a word (exit code {}); if the system killed it, \
                     there is too little memory",
                    ran.code
                ),
            }
        }
        let mut document: serde_json::Map<String, Value> =
            serde_json::from_str(&ran.stdout).with_context(|| self.other_build())?;
        let found = document.remove("schema");
        anyhow::ensure!(found == Some(Value::from(schema)), self.other_build());
        serde_json::from_value(Value::Object(document)).with_context(|| self.other_build())
    }

    /// What to say of an answer that is none.
    pub fn other_build(&self) -> String {
        format!(
            "the runner on {} answers what this edgefit does not understand; give the --runner of the \
             same build",
            self.board.host()
        )
    }

    /// What a report says of the board.
    pub fn told(&self) -> Told {
        let models = self.models.iter().map(|(_, kept)| kept);
        let kept = [&self.runner]
            .into_iter()
            .chain(&self.library)
            .chain(models);
        let copied = kept.filter(|kept| kept.copied);
        Told {
            host: self.board.host().to_string(),
            arch: self.board.architecture.clone(),
            copied: copied.map(|kept| kept.name().to_owned()).collect(),
        }
    }
}

/// The runner for boards of this architecture: beside this binary, in the cache folder, or this
/// binary itself.
fn find_runner(arch: &str) -> anyhow::Result<PathBuf> {
    let name = format!("edgefit-runner-{arch}");
    let own = std::env::current_exe().context("cannot find edgefit's own binary")?;
    let cached = Cache::of_user()?.root().join("runners").join(&name);
    for file in [own.with_file_name(&name), cached.clone()] {
        if file.is_file() {
            return Ok(file);
        }
    }
    if cfg!(target_os = "linux") && arch == std::env::consts::ARCH {
        return Ok(own);
    }
    anyhow::bail!(
        "there is no runner for {arch}: build {} with `scripts/build-runner.sh {arch}`, or name one \
         with --runner",
        cached.display()
    )
}
