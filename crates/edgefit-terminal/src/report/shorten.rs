//! Long texts, by their beginning.

/// Longest text that a model says of itself, in characters; `--json` has it whole.
const LONGEST: usize = 160;

/// `text`, or its beginning where it is long.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => {
            let all = text.chars().count();
            format!("{}… ({all} characters)", &text[..end])
        }
        None => text.to_owned(),
    }
}
