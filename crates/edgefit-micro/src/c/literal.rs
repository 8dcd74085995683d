//! Literals of C.

use std::fmt::{Display, Write};

/// Longest line of a list of numbers.
const WIDTH: usize = 110;

/// A string literal with the bytes of `text`. What is not a letter, a digit or plain punctuation is three
/// octal digits, so that nothing can end the literal, begin a trigraph or run on into what follows.
pub(super) fn string(text: &str) -> String {
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | b'?' => {
                let _ = write!(literal, "\\{byte:03o}");
            }
            b' '..=b'~' => literal.push(byte.into()),
            _ => {
                let _ = write!(literal, "\\{byte:03o}");
            }
        }
    }
    literal.push('"');
    literal
}

/// A float literal that is read back as the same number.
pub(super) fn float(value: f32) -> String {
    format!("{value:?}f")
}

/// The initializer of an array, in braces. An array has at least one element in C.
pub(super) fn list<T: Display>(numbers: &[T]) -> String {
    if numbers.is_empty() {
        return "{0}".into();
    }
    let mut list = String::from("{\n");
    let mut line = String::from("   ");
    for number in numbers {
        let number = format!(" {number},");
        if line.len() + number.len() > WIDTH {
            list.push_str(&line);
            list.push('\n');
            line.truncate(3);
        }
        line.push_str(&number);
    }
    list.push_str(&line);
    list.push_str("\n}");
    list
}

/// Numbers in braces, in one line.
pub(super) fn short_list<T: Display>(numbers: &[T]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    format!("{{{}}}", numbers.join(", "))
}

/// A comment that says `text`; what could end it is left out.
pub(super) fn plain(text: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | ',');
    text.chars().filter(is_plain).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_a_literal() {
        assert_eq!(string("cat"), "\"cat\"");
        assert_eq!(
            string("\";system(\"x\\\n\u{e9}1??/"),
            "\"\\042;system(\\042x\\134\\012\\303\\2511\\077\\077/\""
        );
        assert_eq!(plain("a */ b\n#include"), "a  binclude");
    }

    #[test]
    fn floats_are_read_back() {
        for value in [0.007_812_5f32, 1.0, 1e-9, 3.4e38, 0.1] {
            let literal = float(value);
            assert_eq!(literal.trim_end_matches('f').parse::<f32>(), Ok(value));
            assert!(literal.contains('.') || literal.contains('e'), "{literal}");
        }
    }

    #[test]
    fn lists_are_wrapped() {
        let numbers: Vec<i32> = (0..100).collect();
        let made = list(&numbers);
        assert!(made.lines().all(|line| line.len() <= WIDTH));
        assert_eq!(made.matches(',').count(), 100);
        assert_eq!(list::<i32>(&[]), "{0}");
    }
}
