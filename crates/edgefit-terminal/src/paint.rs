//! Colours of verdicts, where there are any: on a terminal, unless `NO_COLOR` is set, and where
//! `CLICOLOR_FORCE` asks for them.

use std::fmt::Display;

use console::Style;

/// What a colour says of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Yes.
    Good,
    /// Neither.
    Unsure,
    /// No.
    Bad,
}

/// How colours begin and end in a result; all other sequences are taken out of it.
const SEQUENCES: [&str; 4] = ["\u{1b}[32m", "\u{1b}[33m", "\u{1b}[31m", END];
const END: &str = "\u{1b}[0m";

impl Tone {
    /// `words` in a result.
    pub fn paint(self, words: impl Display) -> String {
        self.styled(words, console::colors_enabled() && !refused())
    }

    /// `words` on stderr.
    pub fn paint_error(self, words: impl Display) -> String {
        self.styled(words, console::colors_enabled_stderr() && !refused())
    }

    fn styled(self, words: impl Display, enabled: bool) -> String {
        let style = Style::new().force_styling(enabled);
        let style = match self {
            Tone::Good => style.green(),
            Tone::Unsure => style.yellow(),
            Tone::Bad => style.red(),
        };
        style.apply_to(words).to_string()
    }
}

/// Whether the user wants no colours, whatever else is set (<https://no-color.org>).
fn refused() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// `text` without what a terminal would obey but ends of lines and, where there are colours, those of
/// verdicts: names come from files.
pub fn harmless(text: &str) -> String {
    let coloured = console::colors_enabled() || console::colors_enabled_stderr();
    without_control(
        text,
        if coloured && !refused() {
            &SEQUENCES[..]
        } else {
            &[]
        },
    )
}

fn without_control(text: &str, kept: &[&str]) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let colour = kept.iter().find(|own| rest.starts_with(**own));
        let taken = colour.map_or(c.len_utf8(), |own| own.len());
        match colour {
            Some(own) => shown.push_str(own),
            None if c.is_control() && c != '\n' => shown.push('\u{fffd}'),
            None => shown.push(c),
        }
        rest = &rest[taken..];
    }
    shown
}

/// The words of a line, which spaces separate; what has a colour is one word.
pub fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(c) = line[at..].chars().next() {
        let colour = SEQUENCES[..3]
            .iter()
            .any(|own| line[at..].starts_with(*own));
        let end = colour.then(|| line[at..].find(END)).flatten();
        match (end, c) {
            (Some(end), _) => at += end + END.len(),
            (None, ' ') => {
                words.push(&line[from..at]);
                at += 1;
                from = at;
            }
            _ => at += c.len_utf8(),
        }
    }
    words.push(&line[from..]);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_colours_of_verdicts_are_obeyed() {
        let red = Tone::Bad.styled("does not fit", true);
        assert_eq!(red, "\u{1b}[31mdoes not fit\u{1b}[0m");
        assert_eq!(Tone::Bad.styled("no", false), "no");
        assert_eq!(without_control(&red, &SEQUENCES), red);
        assert_eq!(without_control("\u{1b}[31mno", &[]), "\u{fffd}[31mno");
        assert_eq!(
            without_control("a\u{1b}[2Jb\n\u{1b}]0;t\u{7}ü\r", &SEQUENCES),
            "a\u{fffd}[2Jb\n\u{fffd}]0;t\u{fffd}ü\u{fffd}"
        );
        for tone in [Tone::Good, Tone::Unsure, Tone::Bad] {
            let painted = tone.styled("x", true);
            assert_eq!(without_control(&painted, &SEQUENCES), painted);
        }
    }

    #[test]
    fn what_has_a_colour_is_one_word() {
        let red = Tone::Bad.styled("does not fit", true);
        let line = format!("it {red} ü board");
        assert_eq!(words(&line), ["it", &red, "ü", "board"]);
        assert_eq!(words("a  b"), ["a", "", "b"]);
        assert_eq!(words(""), [""]);
    }
}
