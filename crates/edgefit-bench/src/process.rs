//! The parent of a candidate in a process of its own.

use std::time::Instant;

use edgefit_engine::child::{Child, Launch};
use edgefit_engine::{IntegerShare, NodeTime};

use crate::error::Result;
use crate::schedule::Worker;
use crate::worker::{Order, Ready, Round, WarmUp};

/// A candidate in a process of its own, gone when dropped.
pub(crate) struct Process {
    child: Child,
    ready: Ready,
    cold_start_ns: u64,
}

impl Process {
    /// Starts the process and waits for its first result.
    ///
    /// # Errors
    /// The program does not start, or the model does not run; the child's own words.
    pub(crate) fn start(launch: &Launch) -> Result<Process> {
        let begun = Instant::now();
        let mut child = launch.start()?;
        let ready = child.greeting()?;
        Ok(Process {
            child,
            ready,
            cold_start_ns: begun.elapsed().as_nanos() as u64,
        })
    }
}

impl Worker for Process {
    fn ready(&self) -> &Ready {
        &self.ready
    }

    fn cold_start_ns(&self) -> u64 {
        self.cold_start_ns
    }

    fn warm_up(&mut self) -> Result<WarmUp> {
        Ok(self.child.ask(&Order::WarmUp)?)
    }

    fn round(&mut self, ns: u64, core: Option<usize>) -> Result<Round> {
        Ok(self.child.ask(&Order::Round { ns, core })?)
    }

    fn profile(&mut self) -> Result<Vec<NodeTime>> {
        Ok(self.child.ask(&Order::Profile)?)
    }

    fn integers(&mut self) -> Result<Option<IntegerShare>> {
        Ok(self.child.ask(&Order::Integers)?)
    }
}
