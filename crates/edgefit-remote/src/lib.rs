//! A board at the other end of the system's own ssh client: what it is, files kept there by their
//! hash, programs run there; and edgefit itself there ([`RemoteRunner`]).
//!
//! Keys, names, ports and jumps are those of the user's ssh configuration; whose key is not known is
//! not talked to. On the board, a POSIX shell and `cat`, `df`, `mkdir`, `mv`, `uname` and `wc` are
//! enough, whatever its user's login shell is and prints. Whatever ends the connection ends what runs
//! there; a board that says nothing is not waited for.

mod board;
mod client;
mod error;
mod fault;
mod frame;
mod host;
mod program;
mod ran;
mod runner;
mod session;
mod ssh;
mod words;

pub use error::{Error, Result};
pub use host::Host;
pub use runner::{BoardSummary, Library, Observer, Options, RemoteRunner};
pub use ssh::Ssh;
