//! One run of a candidate, to see whether it runs at all.

use std::time::Duration;

use crate::candidate::Candidate;
use crate::context::emulator_program;
use crate::error::Result;
use crate::program::Program;
use crate::worker::Ready;

/// Loads `candidate` and runs it once, in a process of its own on this machine.
///
/// # Errors
/// It does not run: the engine's words, or what its process died of; or it does not within `limit`.
pub fn run_once(candidate: &Candidate, program: &Program, limit: Duration) -> Result<()> {
    let launch = candidate
        .invocation()?
        .launch(program, emulator_program().as_ref());
    let _: Ready = launch.start()?.greeting_within(limit)?;
    Ok(())
}
