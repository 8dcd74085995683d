//! [`ConnectionSteps`]: what is told while a board is connected to.

use edgefit_remote::Observer;

use crate::output::Output;
use crate::progress::Spinner;

/// Shows the steps on a spinner, and warnings above it.
pub struct ConnectionSteps<'a> {
    /// Where the steps are shown.
    pub spinner: &'a mut Spinner,
    /// Where warnings are printed.
    pub output: &'a mut Output,
}

impl Observer for ConnectionSteps<'_> {
    fn step(&mut self, what: &str) {
        self.spinner.tell(what);
    }

    fn warn(&mut self, warning: &str) {
        let ConnectionSteps { spinner, output } = self;
        spinner.suspend(|| output.warn(warning));
    }
}
