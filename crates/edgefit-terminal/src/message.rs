//! The text of a result, and the lines of warnings and errors.

use std::error::Error;
use std::iter::successors;

use crate::page;
use crate::paint::{Tone, harmless};

/// A human-readable result for stdout: on a terminal, its lines break between words.
pub fn result(text: &str) -> String {
    page::for_stdout(&harmless(text))
}

/// The line of a warning, for stderr.
pub fn warning(text: &str) -> String {
    let line = format!(
        "{} {}",
        Tone::Unsure.paint_error("warning:"),
        harmless(text)
    );
    page::for_stderr(&line)
}

/// The whole chain of causes in one line for stderr, without those that the line already contains.
pub fn error(error: &(dyn Error + 'static)) -> String {
    let line = harmless(&in_one_line(error)).replace('\n', " ");
    let line = format!("{} {line}", Tone::Bad.paint_error("error:"));
    page::for_stderr(&line)
}

fn in_one_line(error: &(dyn Error + 'static)) -> String {
    let mut line = String::new();
    for cause in successors(Some(error), |&cause| cause.source()) {
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
    line
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Caused(&'static str, Option<Box<Caused>>);

    impl fmt::Display for Caused {
        fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Caused {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn an_error_is_one_line_and_says_nothing_twice() {
        let cause = |words, cause| Some(Box::new(Caused(words, cause)));
        let error = Caused(
            "model.onnx",
            cause(
                "node 'a':\n  no input",
                cause("no input", cause("why", None)),
            ),
        );
        assert_eq!(in_one_line(&error), "model.onnx: node 'a': no input: why");
    }
}
