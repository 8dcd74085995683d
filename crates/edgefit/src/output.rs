//! What a command prints, and its exit code.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use edgefit::base::schema;
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
            // Names come from files, and may hold what a terminal obeys.
            human_readable().replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
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
        eprintln!("warning: {text}");
    }

    /// Prints the whole chain of causes in one line, without those that the line already contains.
    pub fn error(&mut self, error: &anyhow::Error) {
        let mut line = String::new();
        for cause in error.chain() {
            let words = cause.to_string();
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            if line.contains(&words) {
                continue;
            }
            if !line.is_empty() {
                line.push_str(": ");
            }
            line.push_str(&words);
        }
        eprintln!("error: {}", line.replace(char::is_control, "\u{fffd}"));
    }
}

/// An empty table, as wide as the terminal.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_header(header.iter().copied());
    if std::io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table
}
