//! Microcontrollers: their cores, the compiler for them, an emulator, and the linker's answer.

mod core;
mod emulate;
mod firmware;
mod link;
mod map;
mod predict;
mod script;
mod tool;

pub use core::{Board, Core};
pub use emulate::{Emulation, emulate};
pub use link::{LinkVerdict, Linked, LinkedBudget, LinkedSection, Reserve, link};
pub use predict::{data_bytes, flash_bytes, uncertain_bytes};
pub use tool::ToolError;
