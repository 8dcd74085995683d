//! What stands around a script on a board, so that nothing else is taken for what it prints.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// The marks of one script. Start-up files and wrappers of the board print what they like; only what
/// lies between marks that nobody can guess is the script's.
#[derive(Debug)]
pub(crate) struct Frame {
    nonce: String,
}

impl Frame {
    pub fn new() -> Self {
        // Its keys are random.
        let hash = || RandomState::new().build_hasher().finish();
        Frame {
            nonce: format!("{:016x}{:016x}", hash(), hash()),
        }
    }

    /// A command for the board's login shell, whichever that is: runs `script` in a POSIX shell, with
    /// `arguments` as `$1`, `$2`, …, between the marks.
    pub fn command(&self, script: &str, arguments: &[&str]) -> String {
        let arguments: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
        let whole = format!(
            "set -- {}\nmark={}\necho \"edgefit $mark begins\"\necho \"edgefit $mark begins\" >&2\n\
             (\n{script}\n)\ncode=$?\necho \"edgefit $mark ends $code\"\nexit \"$code\"",
            arguments.join(" "),
            self.nonce
        );
        format!(
            "exec sh -c 'eval \"$(printf %b \"$1\")\"' sh '{}'",
            escaped(&whole)
        )
    }

    /// Printed in front of what the script prints, to stdout and to stderr.
    pub fn begin(&self) -> String {
        format!("edgefit {} begins\n", self.nonce)
    }

    /// What was printed and the exit code, if `heard` goes to the end of the script.
    pub fn ended<'h>(&self, heard: &'h str) -> Option<(&'h str, i32)> {
        let mark = format!("edgefit {} ends ", self.nonce);
        let (printed, code) = heard.split_once(&mark)?;
        Some((printed, code.split_once('\n')?.0.parse().ok()?))
    }
}

/// One word for a POSIX shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// `text` for `printf %b`, without the characters that shells treat differently between single quotes:
/// fish the backslash, csh the exclamation mark and the end of a line.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str(r"\n"),
            '\'' | '\\' | '!' => escaped.push_str(&format!(r"\0{:03o}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What a login shell that first runs `startup` prints on `script`.
    fn heard(frame: &Frame, startup: &str, script: &str, arguments: &[&str]) -> String {
        let command = frame.command(script, arguments);
        let ran = Command::new("sh")
            .args(["-c", &format!("{startup}\n{command}")])
            .output()
            .unwrap();
        String::from_utf8(ran.stdout).unwrap()
    }

    #[test]
    fn only_what_the_script_prints_is_heard() {
        let odd = "it's\n\\n $(x) !\"` ünï";
        for startup in [
            "",
            "printf 'no end of line: '",
            r"printf '\033]0;me@board\007'",
            "echo 'edgefit 0 begins'; echo 'system Plan9'; echo 'edgefit 0 ends 0'",
        ] {
            let frame = Frame::new();
            let heard = heard(
                &frame,
                startup,
                "printf %s \"$1\"; trap 'echo bye' EXIT; exit 7",
                &[odd],
            );
            let (_, own) = heard.split_once(&frame.begin()).unwrap();
            assert_eq!(frame.ended(own), Some((format!("{odd}bye\n").as_str(), 7)));
        }
    }

    #[test]
    fn an_end_that_is_missing_or_cut_is_none() {
        let frame = Frame::new();
        let heard = heard(&frame, "", "echo x", &[]);
        let (_, own) = heard.split_once(&frame.begin()).unwrap();
        for cut in 0..own.len() {
            assert_eq!(frame.ended(&own[..cut]), None);
        }
        assert_eq!(Frame::new().ended(own), None, "marks differ");
    }

    #[test]
    fn login_shells_see_one_plain_line() {
        let command = Frame::new().command("echo '!' \\\\", &["it's"]);
        let (_, words) = command.split_once("' sh '").unwrap();
        let words = words.strip_suffix('\'').unwrap();
        assert!(!words.contains(['\n', '!', '\'']), "{words}");
        assert!(!words.replace(r"\n", "").replace(r"\0", "").contains('\\'));
    }
}
