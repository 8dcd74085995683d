//! Progress bars and spinners on stderr.

use std::time::Duration;

use edgefit::probe::Progress;
use indicatif::{ProgressBar, ProgressStyle};

#[cfg(feature = "train")]
mod train;
#[cfg(feature = "train")]
pub use train::end_well_on_ctrl_c;

/// Progress bars on stderr; nothing where stderr is no terminal.
#[derive(Default)]
pub struct Bars {
    bar: Option<ProgressBar>,
}

impl Progress for Bars {
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

    fn advance(&mut self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Shows that something of unknown length goes on.
pub fn spinner(what: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}
