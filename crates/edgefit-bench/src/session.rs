//! Candidates measured in turns on this machine.

use std::path::Path;

use edgefit_engine::child::Launch;
use serde::{Deserialize, Serialize};

use crate::context::{Context, Moment};
use crate::process::Process;
use crate::schedule::{Measured, Schedule, interleave};

/// What was measured in one go, and the machine that it was measured on.
#[derive(Debug, Serialize, Deserialize)]
pub struct Session {
    /// The machine.
    pub context: Context,
    /// Each candidate, in their order.
    pub measured: Vec<Measured>,
}

impl Session {
    /// Measures candidates in turns on this machine. `tell` is called once for each launch of each.
    pub(crate) fn here(launches: &[Launch], schedule: Schedule, tell: impl FnMut()) -> Self {
        let system = Path::new("/");
        let mut context = Context::read(system);
        let start = |index: usize| Process::start(&launches[index]);
        let measured = interleave(launches.len(), schedule, start, tell);
        context.after = Moment::read(system);
        Session { context, measured }
    }
}
