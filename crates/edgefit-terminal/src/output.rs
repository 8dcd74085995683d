//! What a command prints, and its exit code.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use edgefit_base::schema;
use edgefit_base::stderr::print_line;
use edgefit_remote::Observer;
use serde::Serialize;

use crate::message;

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

impl Observer for Output {
    fn warn(&mut self, warning: &str) {
        Output::warn(self, warning);
    }
}

impl Output {
    /// Prints results in that form.
    pub fn new(format: Format) -> Self {
        Output { format }
    }

    /// The result of a command: the document with `--json`, else its `human_readable` form.
    ///
    /// # Errors
    /// `content` is no object, or stdout cannot be written to.
    pub fn result<T: Serialize>(
        &mut self,
        schema: &str,
        content: &T,
        human_readable: impl FnOnce() -> String,
    ) -> std::io::Result<()> {
        let text = if self.format == Format::Json {
            schema::to_json_pretty(schema, content)?
        } else {
            message::result(&human_readable())
        };
        self.text(&text)
    }

    /// Prints a result that has a form of its own.
    ///
    /// # Errors
    /// stdout cannot be written to.
    pub fn text(&mut self, text: &str) -> std::io::Result<()> {
        let mut stdout = std::io::stdout().lock();
        // A reader that has seen enough (`| head`) is no error.
        match writeln!(stdout, "{}", text.trim_end()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    /// Prints the line of a warning.
    pub fn warn(&mut self, text: &str) {
        print_line(&message::warning(text));
    }

    /// Prints the whole chain of causes in one line.
    pub fn error(&mut self, error: &(dyn Error + 'static)) {
        print_line(&message::error(error));
    }
}
