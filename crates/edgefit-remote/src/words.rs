//! The last words of a program, without what a terminal would obey.

/// The last line that is not empty, if there is one.
pub(crate) fn last_line(text: &str) -> Option<String> {
    let text = plain(text);
    let last = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(last.trim().trim_start_matches("ssh: ").to_owned())
}

/// `text` without the sequences of ECMA-48 that colour it, move the cursor or set a title.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                // Up to the final byte.
                Some('[') => {
                    chars.find(|c| ('@'..='~').contains(c));
                }
                // A string, up to BEL or ESC \.
                Some(']' | 'P' | '_' | '^' | 'X') => {
                    let end = chars.find(|c| ['\u{7}', '\u{1b}'].contains(c));
                    if end == Some('\u{1b}') {
                        chars.next_if_eq(&'\\');
                    }
                }
                // One character more, or two where the first is no final byte.
                Some(' '..='/') => {
                    chars.next();
                }
                _ => {}
            },
            '\r' => plain.push('\n'),
            c if c.is_control() && c != '\n' => {}
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_left_out() {
        for (text, expected) in [
            ("\u{1b}]0;me@board\u{7}hello", "hello"),
            ("\u{1b}]0;me@board\u{1b}\\hello", "hello"),
            ("\u{1b}[1;31mno\u{1b}[0m shell", "no shell"),
            ("\u{1b}(Bplain \u{1b}=text\u{7}", "plain text"),
            ("cut \u{1b}[3", "cut "),
            ("cut \u{1b}", "cut "),
        ] {
            assert_eq!(plain(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_last_line_is_one_with_words() {
        assert_eq!(last_line("a\nssh: b \n\n"), Some("b".into()));
        assert_eq!(last_line(" \n\u{1b}[0m"), None);
    }
}
