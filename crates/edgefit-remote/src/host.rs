//! The name of a board.

use std::fmt;
use std::str::FromStr;

/// How `--remote` is written.
const FORM: &str = "write it like user@board, user@board:/folder or user@board:~/folder";

/// A board, as ssh names it, and the folder there for what is kept.
///
/// ```
/// use edgefit_remote::Host;
/// let host: Host = "pi@board:/data/edgefit".parse()?;
/// assert_eq!(&*host.destination, "pi@board");
/// assert_eq!(host.folder.as_deref(), Some("/data/edgefit"));
/// assert!("-oProxyCommand=x".parse::<Host>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// `board`, `user@board`, an address, or `ssh://user@board:port`.
    pub destination: Box<str>,
    /// Folder on the board: absolute, or `~` and what lies below its user's home; `None` for the one in
    /// its user's cache.
    pub folder: Option<Box<str>>,
}

impl FromStr for Host {
    type Err = String;

    /// Reads what scp reads, `user@board:folder`, and `ssh://user@board:port/folder`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (destination, folder) = match text.strip_prefix("ssh://") {
            Some(rest) => {
                let (authority, folder) = match rest.split_once('/') {
                    Some((authority, folder)) => (authority, Some(format!("/{folder}"))),
                    None => (rest, None),
                };
                if authority.is_empty() {
                    return Err(FORM.into());
                }
                let folder = folder.filter(|folder| folder != "/");
                (format!("ssh://{authority}"), folder)
            }
            None => {
                let (destination, folder) = split(text);
                (destination, folder.map(in_home).transpose()?)
            }
        };
        // ssh would take it for an option.
        if destination.is_empty()
            || destination.starts_with('-')
            || destination.contains(char::is_whitespace)
        {
            return Err(FORM.into());
        }
        Ok(Host {
            destination: destination.into(),
            folder: folder.map(Into::into),
        })
    }
}

/// What stands before and behind the colon. An address of IPv6 has colons of its own, unless it stands
/// in brackets or a folder follows that can be told.
fn split(text: &str) -> (String, Option<&str>) {
    let unbracketed = text.split_once('[').and_then(|(user, rest)| {
        let (address, rest) = rest.split_once(']')?;
        let told = rest.is_empty() || rest.starts_with(':');
        told.then(|| (format!("{user}{address}"), rest.strip_prefix(':')))
    });
    if let Some(split) = unbracketed {
        return split;
    }
    for mark in [":/", ":~"] {
        if let Some((destination, folder)) = text.split_once(mark) {
            let at = text.len() - folder.len() - 1;
            return (destination.into(), Some(&text[at..]));
        }
    }
    match text.split_once(':') {
        Some((destination, folder)) if !folder.contains(':') => (destination.into(), Some(folder)),
        _ => (text.into(), None),
    }
}

/// The folder as the board is told it; what is not absolute lies in the home of its user.
fn in_home(folder: &str) -> Result<String, String> {
    let digits = folder.bytes().all(|byte| byte.is_ascii_digit());
    match folder {
        "" => Err(FORM.into()),
        port if digits => Err(format!(
            "':{port}' would be a folder; give a port with --ssh \"ssh -p {port}\""
        )),
        "~" => Ok(folder.into()),
        whole if whole.starts_with('/') || whole.starts_with("~/") => Ok(whole.into()),
        other if other.starts_with('~') => {
            Err(format!("{other} is the home of another user; {FORM}"))
        }
        below => Ok(format!("~/{below}")),
    }
}

impl Host {
    /// The arguments by which ssh and its companions are told of it.
    pub(crate) fn call(&self) -> String {
        let Some(authority) = self.destination.strip_prefix("ssh://") else {
            return self.destination.to_string();
        };
        match authority.rsplit_once(':') {
            Some((board, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("-p {port} {board}")
            }
            _ => authority.to_owned(),
        }
    }

    /// What `--remote` takes for this board and a folder that the user is to choose.
    pub(crate) fn with_folder(&self) -> String {
        if self.destination.starts_with("ssh://") {
            return format!("{self}/FOLDER");
        }
        let addressed = self.destination.contains(':');
        match self.destination.rsplit_once('@') {
            Some((user, address)) if addressed => format!("{user}@[{address}]:/FOLDER"),
            None if addressed => format!("[{self}]:/FOLDER"),
            _ => format!("{self}:/FOLDER"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.destination)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_may_have_a_folder() {
        for (text, destination, folder) in [
            ("board", "board", None),
            ("me@board", "me@board", None),
            ("me@board:/data/x", "me@board", Some("/data/x")),
            ("board:~/x y", "board", Some("~/x y")),
            ("board:~", "board", Some("~")),
            ("board:kept/here", "board", Some("~/kept/here")),
            ("fe80::1%eth0", "fe80::1%eth0", None),
            ("fe80::1%eth0:/data", "fe80::1%eth0", Some("/data")),
            ("me@[::1]:x", "me@::1", Some("~/x")),
            ("[::1]", "::1", None),
            ("ssh://me@board:2222", "ssh://me@board:2222", None),
            ("ssh://me@board:2222/", "ssh://me@board:2222", None),
            ("ssh://me@board:22/data", "ssh://me@board:22", Some("/data")),
        ] {
            let host: Host = text.parse().unwrap();
            assert_eq!(
                (&*host.destination, host.folder.as_deref()),
                (destination, folder),
                "{text}"
            );
            // What is advised is understood.
            let advised: Host = host.with_folder().parse().unwrap();
            assert_eq!(advised.destination, host.destination, "{text}");
            assert_eq!(advised.folder.as_deref(), Some("/FOLDER"), "{text}");
        }
        for bad in [
            "",
            "-oProxyCommand=x",
            "a b",
            ":/x",
            "board:",
            "ssh://",
            "board:~you/x",
        ] {
            assert!(bad.parse::<Host>().is_err(), "{bad}");
        }
        let port = "board:2222".parse::<Host>().unwrap_err();
        assert!(port.contains("ssh -p 2222"), "{port}");
    }

    #[test]
    fn a_port_is_an_argument() {
        for (text, call) in [
            ("me@board", "me@board"),
            ("ssh://me@board:2222", "-p 2222 me@board"),
            ("ssh://board", "board"),
        ] {
            assert_eq!(text.parse::<Host>().unwrap().call(), call);
        }
    }
}
