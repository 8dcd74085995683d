//! What a command prints, and its exit code.

use std::io::Write;
use std::process::ExitCode;

use edgefit::base::schema;
use edgefit::terminal::message;
use serde::Serialize;

/// The answer of a command, as its exit code says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Fits, agrees, done.
    Yes,
    /// A negative verdict.
    No,
}

impl From<bool> for Outcome {
    fn from(yes: bool) -> Self {
        if yes { Outcome::Yes } else { Outcome::No }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Yes => ExitCode::SUCCESS,
            Outcome::No => ExitCode::from(1),
        }
    }
}

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Tables and sentences.
    HumanReadable,
    /// One JSON document.
    Json,
}

/// Prints results to stdout, warnings and errors to stderr.
pub struct Output {
    format: Format,
}

impl Output {
    pub fn new(format: Format) -> Self {
        Output { format }
    }

    /// The result of a command: the document with `--json`, else its `human_readable` form.
    pub fn result<T: Serialize>(
        &mut self,
        schema: &str,
        content: &T,
        human_readable: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        let text = if self.format == Format::Json {
            schema::to_json_pretty(schema, content)?
        } else {
            message::result(&human_readable())
        };
        self.text(&text)
    }

    /// Prints a result that has a form of its own.
    pub fn text(&mut self, text: &str) -> anyhow::Result<()> {
        let mut stdout = std::io::stdout().lock();
        // A reader that has seen enough (`| head`) is no error.
        match writeln!(stdout, "{}", text.trim_end()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }

    pub fn warn(&mut self, text: &str) {
        eprintln!("{}", message::warning(text));
    }

    /// Prints the whole chain of causes in one line.
    pub fn error(&mut self, error: &anyhow::Error) {
        eprintln!("{}", message::error(error.as_ref()));
    }
}
