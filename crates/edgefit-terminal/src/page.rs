//! How wide what is printed may be, and lines that break between words.

use console::{Term, measure_text_width};

use crate::paint::words;

/// Widest table that goes into a pipe or a file.
const PIPE: usize = 120;

/// Narrowest page that is kept to.
const NARROWEST: usize = 40;

/// Width of a result in columns: that of the terminal, or else that of `COLUMNS`, or else what a pipe
/// takes.
pub fn width() -> usize {
    let asked = || std::env::var("COLUMNS").ok()?.trim().parse().ok();
    let width = columns(&Term::stdout()).or_else(asked).unwrap_or(PIPE);
    width.max(NARROWEST)
}

/// Width of a terminal; `None` for a pipe or a file, and for a terminal that does not say.
fn columns(terminal: &Term) -> Option<usize> {
    let (_, columns) = terminal.size_checked()?;
    (terminal.is_term() && columns > 0).then_some(usize::from(columns).max(NARROWEST))
}

/// `text` for stdout: on a terminal, its lines break between words. Lines in a pipe stay whole.
pub fn for_stdout(text: &str) -> String {
    fitted(text, columns(&Term::stdout()))
}

/// The same for stderr.
pub fn for_stderr(text: &str) -> String {
    fitted(text, columns(&Term::stderr()))
}

fn fitted(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else {
        return text.to_owned();
    };
    let mut fitted: Vec<String> = Vec::new();
    for line in text.split('\n') {
        let indent = line.len() - line.trim_start_matches(' ').len();
        fitted.extend(wrapped(line, width, indent));
    }
    fitted.join("\n")
}

/// `line` in lines of at most `width` columns, all but the first indented. Words stay whole, also where
/// one is wider than that.
pub fn wrapped(line: &str, width: usize, indent: usize) -> Vec<String> {
    if measure_text_width(line) <= width {
        return vec![line.to_owned()];
    }
    let mut lines = Vec::new();
    // The spaces that it begins with are no words.
    let first = line.len() - line.trim_start_matches(' ').len();
    let mut current = " ".repeat(first);
    let mut empty = true;
    for word in words(&line[first..]) {
        let wider = measure_text_width(&current) + usize::from(!empty) + measure_text_width(word);
        // A word that has no room on a line of its own stays where it is.
        let has_room = indent + measure_text_width(word) <= width;
        if !empty && wider > width && has_room {
            lines.push(std::mem::replace(&mut current, " ".repeat(indent)));
            empty = true;
        }
        if !empty {
            current.push(' ');
        }
        current.push_str(word);
        empty = false;
    }
    lines.push(current);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        let text = "  one two three\nfour";
        assert_eq!(fitted(text, Some(9)), "  one two\n  three\nfour");
        assert_eq!(fitted(text, None), text);
        assert_eq!(wrapped("a 12345678901 x", 5, 2), ["a 12345678901", "  x"]);
        assert_eq!(wrapped("größe über alles", 10, 0), ["größe über", "alles"]);
        let red = "\u{1b}[31mdoes not fit\u{1b}[0m";
        assert_eq!(
            wrapped(&format!("x {red}"), 14, 0).len(),
            1,
            "colours have no width"
        );
    }
}
