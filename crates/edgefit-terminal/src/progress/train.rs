//! Progress of training, and what Ctrl-C does to it.

use std::sync::atomic::{AtomicBool, Ordering};

use edgefit_base::stderr::print_line;
use edgefit_probe::Progress;
use edgefit_train::Observer;

use super::{Bars, Shown};
use crate::message::warning;

/// Whether the user wants the work to end.
static STOP: AtomicBool = AtomicBool::new(false);

/// Lets a first Ctrl-C end what can end well; a second one ends the program at once.
///
/// # Errors
/// The system has no handlers for that.
pub fn end_well_on_ctrl_c() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            // As a shell says of a program that Ctrl-C ended.
            std::process::exit(130);
        }
        print_line("\nending after this step; Ctrl-C again ends at once");
    })
}

impl Observer for Bars {
    fn begin(&mut self, what: &str, total: u64) {
        Progress::begin(self, what, total);
    }

    fn progress(&mut self, done: u64, how: &str) {
        match &self.shown {
            Shown::Bar(bar) => {
                bar.set_position(done);
                bar.set_message(format!(" {how}"));
            }
            Shown::Lines(pulse) => pulse.reach(done, how),
        }
    }

    fn end(&mut self) {
        Progress::end(self);
    }

    fn warn(&mut self, message: &str) {
        let print = || print_line(&warning(message));
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(print),
            Shown::Lines(_) => print(),
        }
    }

    fn stop(&self) -> bool {
        STOP.load(Ordering::Relaxed)
    }
}
