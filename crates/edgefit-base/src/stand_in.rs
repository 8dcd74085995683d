//! Files that stand in the place of what was meant: a pointer of Git, a web page, a server's refusal.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes at the start of a file by which it is recognised.
const START: usize = 1024;

/// Longest answer of a server that is no page, in bytes.
const SHORT: usize = 256;

/// What lies in the place of a file that was never fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandIn {
    /// What Git leaves of a file that it keeps in LFS.
    LfsPointer,
    /// What Git leaves of a file that git-annex keeps.
    AnnexPointer,
    /// A page in HTML, such as one that asks for a login.
    WebPage,
    /// What a server says instead of a file that it does not give away, as XML, JSON or a line of text.
    Refusal,
}

impl StandIn {
    /// What the file is that begins with `bytes`, if it is only a stand-in. No format of models, arrays,
    /// images, profiles or recipes begins like one.
    ///
    /// ```
    /// use edgefit_base::stand_in::StandIn;
    ///
    /// let page = StandIn::recognise(b"<!DOCTYPE html>\n<html><body>Sign in</body></html>");
    /// assert_eq!(page, Some(StandIn::WebPage));
    /// assert_eq!(StandIn::recognise(b"PK\x03\x04"), None);
    /// ```
    pub fn recognise(bytes: &[u8]) -> Option<Self> {
        let short = bytes.len() <= SHORT;
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(START)]).to_ascii_lowercase();
        let mut text = start.trim_start_matches('\u{feff}').trim_start();
        let begins = |text: &str, with: &[&str]| with.iter().any(|with| text.starts_with(with));
        if begins(text, &["version https://git-lfs", "version https://hawser"]) {
            return Some(StandIn::LfsPointer);
        }
        if begins(
            text,
            &[
                "/annex/objects/",
                "../.git/annex/objects/",
                ".git/annex/objects/",
            ],
        ) {
            return Some(StandIn::AnnexPointer);
        }
        let declared = text.starts_with("<?xml");
        if declared {
            text = text.split_once("?>")?.1.trim_start();
        }
        while let Some(comment) = text.strip_prefix("<!--") {
            text = comment.split_once("-->")?.1.trim_start();
        }
        if begins(
            text,
            &["<!doctype html", "<html", "<head>", "<body", "<title>"],
        ) {
            return Some(StandIn::WebPage);
        }
        let refusal = [
            "<error>",
            "<error ",
            "{\"error\"",
            "{\"message\":\"",
            "{\"message\": \"",
        ];
        let line = [
            "404: not found",
            "404 not found",
            "403 forbidden",
            "not found",
            "entry not found",
            "access denied",
            "accessdenied",
            "invalid username or password",
            "repository not found",
        ];
        if (declared || short) && begins(text, &refusal) || short && begins(text, &line) {
            return Some(StandIn::Refusal);
        }
        None
    }

    /// What the file at `path` is, if it is only a stand-in; `None` where it cannot be read.
    pub fn at(path: &Path) -> Option<Self> {
        if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return None;
        }
        let mut start = Vec::new();
        File::open(path)
            .and_then(|file| file.take(START as u64).read_to_end(&mut start))
            .ok()?;
        StandIn::recognise(&start)
    }

    /// Refuses the file at `path` if it is only a stand-in. What cannot be read is left to its reader.
    ///
    /// # Errors
    /// It is one; the message says which, and how the file itself is had.
    pub fn refuse(path: &Path) -> std::io::Result<()> {
        match StandIn::at(path) {
            Some(stand_in) => Err(std::io::Error::other(format!("it is {stand_in}"))),
            None => Ok(()),
        }
    }
}

impl fmt::Display for StandIn {
    /// What it is and how the file itself is had, behind "is".
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            StandIn::LfsPointer => {
                "a Git LFS pointer in the place of the file; fetch the file with `git lfs pull`"
            }
            StandIn::AnnexPointer => {
                "a git-annex pointer in the place of the file; fetch the file with `git annex get`"
            }
            StandIn::WebPage => {
                "a web page in the place of the file, such as one that asks for a login; fetch the file \
                 from its own link"
            }
            StandIn::Refusal => {
                "a server's error message in the place of the file; fetch the file again, from its own link"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_are_told_from_files() {
        let lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 46830571\n";
        let windows = lfs.replace('\n', "\r\n");
        let s3 =
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code></Error>";
        for (text, what) in [
            (lfs, StandIn::LfsPointer),
            (&windows, StandIn::LfsPointer),
            (
                "version https://hawser.github.com/spec/v1\noid",
                StandIn::LfsPointer,
            ),
            (
                "/annex/objects/SHA256E-s46830571--4d7a.pth\n",
                StandIn::AnnexPointer,
            ),
            ("\u{feff}\n <!DOCTYPE HTML>", StandIn::WebPage),
            (
                "<!-- saved from url -->\n<html lang=\"en\">",
                StandIn::WebPage,
            ),
            (
                "<?xml version=\"1.0\"?><!DOCTYPE html PUBLIC>",
                StandIn::WebPage,
            ),
            (s3, StandIn::Refusal),
            ("404: Not Found", StandIn::Refusal),
            ("Entry not found", StandIn::Refusal),
            ("{\"error\":\"Repository is gated\"}", StandIn::Refusal),
        ] {
            assert_eq!(StandIn::recognise(text.as_bytes()), Some(what), "{text}");
        }
        let long = format!("{{\"error\": [{}]}}", "1, ".repeat(200));
        for bytes in [
            &b""[..],
            b"PK\x03\x04 <html>",
            b"\x80\x02}q\x00.",
            b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\">",
            b"<!-- never closed",
            b"version = 2\nname = \"not found\"",
            b"id,lower,upper,size\n",
            long.as_bytes(),
        ] {
            assert_eq!(StandIn::recognise(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_file_is_recognised_by_its_start() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("weights.pth");
        std::fs::write(&page, format!("<html>{}", "<p>".repeat(5000))).unwrap();
        assert_eq!(StandIn::at(&page), Some(StandIn::WebPage));
        let refused = StandIn::refuse(&page).unwrap_err().to_string();
        assert!(refused.starts_with("it is a web page"), "{refused}");
        StandIn::refuse(folder.path()).unwrap();
        assert_eq!(StandIn::at(folder.path()), None);
        assert_eq!(StandIn::at(&folder.path().join("absent")), None);
    }
}
