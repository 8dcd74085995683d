//! Who keeps what a stage has reached.

use crate::error::Result;
use crate::stages::training::epoch::Epoch;
use crate::stages::training::state::State;

/// Keeps what a stage has reached.
pub(crate) trait Keeper: Send {
    /// An epoch is over.
    fn epoch(&mut self, epoch: &Epoch);

    /// Is offered the state after each step, and keeps it, or not yet.
    ///
    /// # Errors
    /// It cannot be kept.
    fn state(&mut self, state: &dyn Fn() -> Result<State>, urgency: Urgency) -> Result<()>;
}

/// Whether a state has to be kept at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// It is the last for now.
    Now,
    /// Others will follow soon.
    Soon,
}

/// Keeps nothing.
pub(crate) struct Nothing;

impl Keeper for Nothing {
    fn epoch(&mut self, _: &Epoch) {}

    fn state(&mut self, _: &dyn Fn() -> Result<State>, _: Urgency) -> Result<()> {
        Ok(())
    }
}
