//! A board at the other end of the system's own ssh client: what it is, files kept there by their
//! hash, programs run there; and edgefit itself there ([`RemoteRunner`]).
//!
//! Keys, names, ports and jumps are those of the user's ssh configuration; whose key is not known is
//! not talked to. On the board, a POSIX shell and `cat`, `df`, `mkdir`, `mv`, `uname` and `wc` are
//! enough. Whatever ends the connection ends what runs there.

mod board;
mod error;
mod host;
mod program;
mod runner;
mod ssh;

pub use error::{Error, Result};
pub use host::Host;
pub use runner::{BoardSummary, Library, Observer, Options, RemoteRunner};
pub use ssh::Ssh;
