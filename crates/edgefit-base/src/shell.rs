//! Words of a command line that a person can copy.

use std::borrow::Cow;

/// `text` as one word of a shell command, quoted where that is needed.
///
/// ```
/// assert_eq!(edgefit_base::shell::word("my photos"), "'my photos'");
/// assert_eq!(edgefit_base::shell::word("model.onnx"), "model.onnx");
/// ```
pub fn word(text: &str) -> Cow<'_, str> {
    // What holds a NUL is no word of any command.
    shlex::try_quote(text).unwrap_or(Cow::Borrowed(text))
}
