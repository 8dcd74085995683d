//! [`Quiet`]: an observer of work that was announced before.

use edgefit_train::Observer;

/// Passes progress on, and no warning: the same were told of the first of several alike.
pub struct Quiet<'a>(pub &'a mut dyn Observer);

impl Observer for Quiet<'_> {
    fn begin(&mut self, what: &str, total: u64) {
        self.0.begin(what, total);
    }

    fn progress(&mut self, done: u64, how: &str) {
        self.0.progress(done, how);
    }

    fn end(&mut self) {
        self.0.end();
    }

    fn warn(&mut self, _: &str) {}

    fn stop(&self) -> bool {
        self.0.stop()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A user who has ended the search.
    pub(crate) struct Stopping;

    impl Observer for Stopping {
        fn begin(&mut self, _: &str, _: u64) {}

        fn progress(&mut self, _: u64, _: &str) {}

        fn end(&mut self) {}

        fn warn(&mut self, _: &str) {}

        fn stop(&self) -> bool {
            true
        }
    }
}
