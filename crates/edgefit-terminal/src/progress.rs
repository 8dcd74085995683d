//! Progress on stderr: bars and spinners on a terminal, else a line every few seconds.

use std::fmt::Write;
use std::io::IsTerminal;
use std::time::Duration;

use edgefit_probe::Progress;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};

mod pulse;
mod samples;
#[cfg(feature = "train")]
mod train;
use pulse::Pulse;
pub use samples::CountedSamples;
#[cfg(feature = "train")]
pub use train::end_well_on_ctrl_c;

/// What is between two things that have a name.
const BETWEEN: &str = "working";

/// Progress of one thing after the other.
pub struct Bars {
    shown: Shown,
}

impl Default for Bars {
    fn default() -> Self {
        Bars {
            shown: Shown::new(BETWEEN, 0),
        }
    }
}

impl Progress for Bars {
    fn begin(&mut self, what: &str, total: u64) {
        self.shown.begin(what, total);
    }

    fn advance(&mut self) {
        self.shown.advance(1);
    }

    fn end(&mut self) {
        self.shown.begin(BETWEEN, 0);
    }
}

/// Something that goes on; gone when dropped.
enum Shown {
    Bar(ProgressBar),
    Lines(Pulse),
}

impl Shown {
    fn new(what: &str, total: u64) -> Self {
        if std::io::stderr().is_terminal() {
            Shown::Bar(bar(what, total))
        } else {
            Shown::Lines(Pulse::new(what, total))
        }
    }

    /// Goes on with something else, which is `total` long, or 0 where that is not known.
    fn begin(&mut self, what: &str, total: u64) {
        match self {
            Shown::Bar(shown) => {
                shown.finish_and_clear();
                *shown = bar(what, total);
            }
            Shown::Lines(pulse) => pulse.begin(what, total),
        }
    }

    /// As many more are done.
    fn advance(&self, more: u64) {
        match self {
            Shown::Bar(bar) => bar.inc(more),
            Shown::Lines(pulse) => pulse.advance(more),
        }
    }
}

fn bar(what: &str, total: u64) -> ProgressBar {
    // Steps of training are samples; what has no length only turns.
    let template = match total {
        0 => "{prefix:>12} {spinner} {elapsed} {msg}",
        _ => "{prefix:>12} {bar:20} {pos}/{len} {pace}{msg}{left}",
    };
    let bar = ProgressBar::new(total).with_prefix(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template(template) {
        // What cannot be written is not shown, and before the first step there is no pace to tell.
        let pace = |state: &ProgressState, to: &mut dyn Write| {
            if state.pos() > 0 {
                let _ = to.write_str(&rate(state.per_sec()));
            }
        };
        let left = |state: &ProgressState, to: &mut dyn Write| {
            if state.pos() > 0 {
                let _ = write!(to, ", {:#} left", HumanDuration(state.eta()));
            }
        };
        bar.set_style(style.with_key("pace", pace).with_key("left", left));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// Steps a second with two digits.
fn rate(per_second: f64) -> String {
    match per_second {
        10.0.. => format!("{per_second:.0}/s"),
        1.0.. => format!("{per_second:.1}/s"),
        _ => format!("{per_second:.2}/s"),
    }
}

/// Something of unknown length that goes on; gone when dropped.
pub struct Spinner(Shown);

/// Shows that something of unknown length goes on.
pub fn spinner(what: &str) -> Spinner {
    Spinner(Shown::new(what, 0))
}

impl Spinner {
    /// Goes on with something else.
    pub fn tell(&mut self, what: &str) {
        self.0.begin(what, 0);
    }

    /// Prints a line without disturbing it.
    pub fn suspend(&self, print: impl FnOnce()) {
        match &self.0 {
            Shown::Bar(bar) => bar.suspend(print),
            Shown::Lines(_) => print(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_rounded() {
        for (per_second, expected) in [
            (1234.567, "1235/s"),
            (45.678, "46/s"),
            (4.567, "4.6/s"),
            (0.0456, "0.05/s"),
        ] {
            assert_eq!(rate(per_second), expected);
        }
    }
}
