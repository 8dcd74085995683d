//! A process of edgefit's own that does what it is told in lines of JSON, so that a crash is a result.
//!
//! Orders go to its stdin and answers come from its stdout. It ends when its stdin does, so none
//! outlives its parent. [`serve()`] is the child's side, [`Launch`] and [`Child`] are the parent's;
//! [`ChildEngine`] and [`serve_engine`] are both sides of an engine.

mod engine;
mod error;
mod process;
mod protocol;

pub use engine::{ChildEngine, serve_engine};
pub use error::ChildError;
pub use process::{Child, Launch};
pub use protocol::{Refusal, serve};
