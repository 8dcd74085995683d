//! What every crate of edgefit needs and none owns: atomic writes, hashes, schema documents, units,
//! nearest names, statistics and the bytes of floats.

pub mod file;
pub mod floats;
pub mod hash;
pub mod names;
pub mod schema;
pub mod statistics;
pub mod units;
