//! [`Quiet`]: an observer of work that was announced before; [`Finishing`]: of work that is brought to its end.

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

/// Passes all on, but the user's wish to end only where the work `may_stop`: what is trained to its end is not cut off
/// while its figures are read. A second Ctrl-C ends the process all the same.
pub struct Finishing<'a> {
    pub observer: &'a mut dyn Observer,
    pub may_stop: bool,
}

impl Observer for Finishing<'_> {
    fn begin(&mut self, what: &str, total: u64) {
        self.observer.begin(what, total);
    }

    fn progress(&mut self, done: u64, how: &str) {
        self.observer.progress(done, how);
    }

    fn end(&mut self) {
        self.observer.end();
    }

    fn warn(&mut self, message: &str) {
        self.observer.warn(message);
    }

    fn stop(&self) -> bool {
        self.may_stop && self.observer.stop()
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

    #[test]
    fn a_user_who_ends_the_search_does_not_end_what_is_trained() {
        for may_stop in [true, false] {
            let observer = &mut Stopping;
            let finishing = Finishing { observer, may_stop };
            assert_eq!(finishing.stop(), may_stop);
        }
    }
}
