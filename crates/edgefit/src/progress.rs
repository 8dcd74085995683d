use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use edgefit::probe::Progress;
use edgefit::train::Observer;
use indicatif::{ProgressBar, ProgressStyle};

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
        eprintln!("\nending after this step; Ctrl-C again ends at once");
    })
}

/// Progress bars on stderr; nothing where stderr is no terminal.
#[derive(Default)]
pub struct Bars {
    bar: Option<ProgressBar>,
}

impl Observer for Bars {
    fn begin(&mut self, what: &str, total: u64) {
        let bar = ProgressBar::new(total).with_prefix(what.to_owned());
        // Steps of training are samples; what has no length only turns.
        let template = match total {
            0 => "{prefix:>12} {spinner} {elapsed} {msg}",
            _ => "{prefix:>12} {bar:20} {pos}/{len} {per_sec} {msg}, {eta} left",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        self.bar = Some(bar);
    }

    fn progress(&mut self, done: u64, how: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(how.to_owned());
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn warn(&mut self, message: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("warning: {message}")),
            None => eprintln!("warning: {message}"),
        }
    }

    fn stop(&self) -> bool {
        STOP.load(Ordering::Relaxed)
    }
}

impl Progress for Bars {
    fn begin(&mut self, what: &str, total: u64) {
        Observer::begin(self, what, total);
    }

    fn advance(&mut self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    fn end(&mut self) {
        Observer::end(self);
    }
}

/// Shows that something of unknown length goes on.
pub fn spinner(what: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}
