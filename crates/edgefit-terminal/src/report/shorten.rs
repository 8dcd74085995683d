//! Long texts and lists, by their beginning.

/// Longest text that a model says of itself, in characters; `--json` has it whole.
const LONGEST: usize = 160;

/// Names of nodes and outputs, and labels, that are listed; `--json` has all.
pub(super) const MOST_NAMES: usize = 4;

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

/// The first of `names`, and how many there are besides.
pub(super) fn first_of(names: &[String], most: usize) -> String {
    let shown = names
        .iter()
        .take(most)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
