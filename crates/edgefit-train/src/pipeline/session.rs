//! Where a run is kept, and who is told of it.

use crate::observer::Observer;
use crate::run::checkpoint::Checkpoint;
use crate::run::folder::RunFolder;

/// Where a run is kept, and who is told of it.
pub(crate) struct Session<'o> {
    pub checkpoint: Checkpoint,
    pub run: RunFolder,
    pub observer: &'o mut dyn Observer,
}

/// Whether what was begun came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    Complete,
    /// The user ended it.
    Interrupted,
}
