//! One run of a candidate, to see whether it runs at all.

use crate::candidate::Candidate;
use crate::context::emulator_program;
use crate::error::Result;
use crate::plan::Program;
use crate::process::Process;

/// Loads `candidate` and runs it once, in a process of its own on this machine.
///
/// # Errors
/// It does not run: the engine's words, or what its process died of.
pub fn run_once(candidate: &Candidate, program: &Program) -> Result<()> {
    let launch = candidate
        .invocation()?
        .launch(program, emulator_program().as_ref());
    Process::start(&launch).map(drop)
}
