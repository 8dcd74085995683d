//! A board: what it is, files kept there by their hash, programs run there.

use std::io::Seek;
use std::path::Path;

use edgefit_base::hash::sha256_hex_of;

use crate::error::{Error, Result};
use crate::host::Host;
use crate::program::{architecture, of_32_bits, of_uname};
use crate::ran::Ran;
use crate::session::Silence;
use crate::ssh::Ssh;
use crate::words::last_line;

/// Makes the folder, and says what the board is.
const CONNECT: &str = include_str!("connect.sh");
/// Keeps what comes on stdin, unless it is there.
const KEEP: &str = include_str!("keep.sh");
/// Runs a program until it or the connection ends.
const RUN: &str = include_str!("run.sh");

/// Exit codes of the scripts.
const NO_TOOL: i32 = 90;
const NOT_WRITABLE: i32 = 91;
const NOT_COPIED: i32 = 92;

/// A board that answers over ssh.
#[derive(Debug, Clone)]
pub(crate) struct Board {
    ssh: Ssh,
    host: Host,
    /// What its programs are made for, in Rust's words.
    pub architecture: String,
    /// What its kernel is made for; another one where that has 64 bits and the programs 32.
    pub kernel: String,
    /// Where files are kept there.
    pub folder: String,
}

/// A file on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Where it lies there.
    pub path: String,
    /// Whether it had to be copied.
    pub copied: bool,
}

impl Kept {
    /// Its name, as the file had it that was copied.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

impl Board {
    /// Asks `host` what it is and makes the folder for what is kept there.
    ///
    /// # Errors
    /// It cannot be reached, is no Linux, or the folder cannot be made.
    pub fn connect(ssh: Ssh, host: Host) -> Result<Self> {
        let folder = host.folder.as_deref().unwrap_or_default();
        let session = ssh.start(&host, CONNECT, &[folder], "connecting")?;
        let ended = session.end(Silence::Limited)?;
        let field = |what: &str| {
            let mut lines = ended.stdout.lines();
            let value = lines.find_map(|line| line.strip_prefix(what));
            value.unwrap_or_default().to_owned()
        };
        let (system, machine) = (field("system "), field("machine "));
        let folder = field("folder ");
        let kernel = of_uname(&machine);
        match ended.code {
            0 if system == "Linux" => {
                let programs = match field("bits ").as_str() {
                    "32" => of_32_bits(&kernel),
                    _ => kernel.clone(),
                };
                Ok(Board::new(ssh, host, [&kernel, &programs], &folder))
            }
            0 => Err(Error::NotLinux {
                host,
                system,
                machine,
            }),
            _ => Err(script_error(&host, &ended, &folder, "the folder", 0)),
        }
    }

    /// A board that was asked before, with what its kernel and its programs are made for.
    pub(crate) fn new(ssh: Ssh, host: Host, [kernel, programs]: [&str; 2], folder: &str) -> Self {
        Board {
            ssh,
            host,
            architecture: programs.to_owned(),
            kernel: kernel.to_owned(),
            folder: folder.to_owned(),
        }
    }

    /// Which board it is.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Keeps a copy of `file` on the board, in a folder named after its SHA-256. One that is there
    /// is not copied again; one that comes only in part is removed.
    ///
    /// # Errors
    /// The file cannot be read, or the board has no room, no permission or no connection for it.
    pub fn keep(&self, file: &Path) -> Result<Kept> {
        let local = |source| Error::Local {
            path: file.to_path_buf(),
            source,
        };
        let mut content = edgefit_base::file::open(file).map_err(local)?;
        let (hash, size) = sha256_hex_of(&mut content).map_err(local)?;
        content.rewind().map_err(local)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        // Nothing that a shell or a terminal interprets.
        let name: String = name
            .chars()
            .map(|c| {
                if c.is_alphanumeric() || "._+-".contains(c) {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        let arguments = [self.folder.as_str(), &hash, &name, &size.to_string()];
        let doing = format!("copying {name}");
        let mut session = self.ssh.start(&self.host, KEEP, &arguments, &doing)?;
        let copied = session.line()?.as_deref() == Some("send");
        if copied {
            session.send(content)?.map_err(local)?;
        }
        let ended = session.end(Silence::Limited)?;
        match ended.code {
            0 => Ok(Kept {
                path: format!("{}/{hash}/{name}", self.folder),
                copied,
            }),
            _ => Err(script_error(&self.host, &ended, &self.folder, &name, size)),
        }
    }

    /// [`keep`](Board::keep)s a program, if it is one for this board.
    ///
    /// # Errors
    /// As there; or it is made for another processor.
    pub fn keep_program(&self, file: &Path) -> Result<Kept> {
        let made_for = architecture(file).map_err(|source| Error::Local {
            path: file.to_path_buf(),
            source,
        })?;
        match made_for {
            Some(name) if [&*self.architecture, &*self.kernel].contains(&name) => self.keep(file),
            other => Err(Error::Architecture {
                file: file.to_path_buf(),
                of: other.unwrap_or("no Linux board that is known").to_owned(),
                host: self.host.clone(),
                board: self.architecture.clone(),
            }),
        }
    }

    /// Runs a program of the board, with `variables` besides those of its user, until it ends. When
    /// the connection ends before, it is ended too.
    ///
    /// # Errors
    /// The connection drops, or the program does not start.
    pub fn run(
        &self,
        program: &Kept,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Ran> {
        let variables: Vec<String> = variables
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut words = vec![program.path.as_str(), "env"];
        words.extend(variables.iter().map(String::as_str));
        words.push(&program.path);
        words.extend(arguments);
        let session = self.ssh.start(&self.host, RUN, &words, "measuring")?;
        let ran = session.end(Silence::Any)?;
        match self.fault(&ran) {
            Some(words) => Err(Error::NotRunnable {
                program: program.path.clone(),
                host: self.host.clone(),
                words,
            }),
            None => Ok(ran),
        }
    }
}

/// What the exit code of a script and the messages of the board's programs mean.
fn script_error(host: &Host, ended: &Ran, folder: &str, what: &str, need: u64) -> Error {
    let host = host.clone();
    let folder = folder.to_owned();
    let detail = last_line(&ended.stderr).unwrap_or_else(|| "no reason given".to_owned());
    let says = |words: &[&str]| words.iter().any(|word| ended.stderr.contains(word));
    let full = says(&[
        "No space left on device",
        "Disk quota exceeded",
        "File too large",
        "File size limit exceeded",
    ]);
    match ended.code {
        NO_TOOL => Error::NoTool { host, tool: detail },
        NOT_WRITABLE | NOT_COPIED if full => Error::Full {
            host,
            what: what.to_owned(),
            need,
            folder,
            free: ended
                .stdout
                .lines()
                .find_map(|line| line.strip_prefix("free "))
                .and_then(|kibibytes| kibibytes.trim().parse::<u64>().ok())
                .map_or("little".to_owned(), |free| format!("{} B", free * 1024)),
        },
        NOT_WRITABLE => Error::NoPermission {
            host,
            folder,
            detail,
        },
        _ => Error::Failed {
            host,
            words: format!("{what}: {detail}"),
        },
    }
}
