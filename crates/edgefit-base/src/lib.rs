//! What every crate of edgefit needs and none owns: atomic writes, hashes, schema documents, units,
//! nearest names, words of a shell command, statistics, the bytes of floats, losses in documents, lines on stderr, and
//! files that only stand in for others.

pub mod file;
pub mod floats;
pub mod hash;
pub mod losses;
pub mod names;
pub mod panics;
pub mod schema;
pub mod shell;
mod spread;
pub mod stand_in;
pub mod statistics;
pub mod stderr;
mod threads;
pub mod units;

pub use spread::spread;
pub use threads::threads;
