//! The name of a board.

use std::fmt;
use std::str::FromStr;

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
    /// Folder on the board; `None` for the one in its user's cache.
    pub folder: Option<Box<str>>,
}

impl FromStr for Host {
    type Err = String;

    /// Reads `user@board` or `user@board:/folder`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (destination, folder) = match text.split_once(":/") {
            Some((destination, folder)) if !folder.starts_with('/') => {
                (destination, Some(format!("/{folder}").into()))
            }
            // A URI, whose slashes are its own.
            _ => (text, None),
        };
        // ssh would take it for an option.
        if destination.is_empty()
            || destination.starts_with('-')
            || destination.contains(char::is_whitespace)
        {
            return Err("write it like user@board or user@board:/folder".into());
        }
        Ok(Host {
            destination: destination.into(),
            folder,
        })
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
            ("fe80::1%eth0", "fe80::1%eth0", None),
            ("ssh://me@board:2222", "ssh://me@board:2222", None),
        ] {
            let host: Host = text.parse().unwrap();
            assert_eq!(
                (&*host.destination, host.folder.as_deref()),
                (destination, folder)
            );
        }
        for bad in ["", "-oProxyCommand=x", "a b", ":/x"] {
            assert!(bad.parse::<Host>().is_err(), "{bad}");
        }
    }
}
