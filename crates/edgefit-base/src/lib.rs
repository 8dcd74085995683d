//! What every crate of edgefit needs and none owns: atomic writes, hashes, schema documents, units,
//! nearest names, words of a shell command, statistics, the bytes of floats, lines on stderr, and files that only
//! stand in for others.

pub mod file;
pub mod floats;
pub mod hash;
pub mod names;
pub mod panics;
pub mod schema;
pub mod shell;
pub mod stand_in;
pub mod statistics;
pub mod stderr;
mod threads;
pub mod units;

pub use threads::threads;
