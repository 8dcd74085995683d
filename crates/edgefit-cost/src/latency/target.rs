//! What a run is predicted for.

use edgefit_device::rates::RunSetup;
use edgefit_device::{ElementType, Engine, Profile};

/// A device, and how a model is to be run on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The device.
    pub profile: &'a Profile,
    /// Engine that runs the model; `None` where the profile has none.
    pub engine: Option<&'a Engine>,
    /// What the model computes with.
    pub element_type: ElementType,
    /// Threads of the engine.
    pub threads: u32,
}

impl<'a> Target<'a> {
    /// What rates have to be of to count here; `None` without an engine.
    pub fn setup(&self) -> Option<RunSetup<'a>> {
        Some(RunSetup {
            engine: &self.engine?.name,
            element_type: self.element_type,
            threads: self.threads,
        })
    }
}
