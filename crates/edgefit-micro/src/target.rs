//! Microcontrollers: their cores, the compiler for them, an emulator, and the linker's answer.

mod core;
mod emulate;
mod script;
mod tool;

pub use core::{Board, Core};
pub use emulate::{Emulation, emulate};
pub use tool::ToolError;
