//! The executor in 32-bit floats: modes, backends, what is fused, what is kept for the backward pass.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod adamw;
mod backend;
mod functions;
mod fusion;
// A file that needs nothing else of its crate, with its own tests.
#[path = "../../src/step_memory/glibc_heap.rs"]
mod glibc_heap;
mod kept;
mod learned_scales;
mod network;
mod recomputation;
