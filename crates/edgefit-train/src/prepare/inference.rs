//! How frozen models are run.

use edgefit_engine::EngineName;

use crate::observer::Observer;

/// In which engine a frozen model runs, and who is told how far it is.
pub struct Inference<'o> {
    /// The engine.
    pub engine: EngineName,
    /// Threads of the engine.
    pub threads: usize,
    /// Is told of the progress.
    pub observer: &'o mut dyn Observer,
}
