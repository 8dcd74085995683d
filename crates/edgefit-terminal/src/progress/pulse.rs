//! A sign of life in a log: where stderr is no terminal, a line every few seconds.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use edgefit_base::stderr::print_line;

/// Time between two lines.
const BEAT: Duration = Duration::from_secs(5);

/// How far something is.
#[derive(Debug, Clone)]
struct State {
    what: String,
    begun: Instant,
    done: u64,
    /// 0 where that is not known.
    total: u64,
    how: String,
    over: bool,
}

impl State {
    fn new(what: &str, total: u64) -> Self {
        State {
            what: what.to_owned(),
            begun: Instant::now(),
            done: 0,
            total,
            how: String::new(),
            over: false,
        }
    }

    /// `progress: probe 120 of 600, loss 0.31 (15 s)`.
    fn line(&self, elapsed: Duration) -> String {
        let far = match self.total {
            0 => String::new(),
            total => format!(" {} of {total}", self.done),
        };
        let how = match self.how.trim() {
            "" => String::new(),
            how => format!(", {how}"),
        };
        let seconds = elapsed.as_secs_f64();
        format!("progress: {}{far}{how} ({seconds:.0} s)", self.what)
    }
}

/// Prints lines of what goes on, until it is dropped.
pub struct Pulse {
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Pulse {
    /// Begins to tell of `what`, which is `total` long, or 0 where that is not known.
    pub fn new(what: &str, total: u64) -> Self {
        let state = State::new(what, total);
        let mut next = state.begun + BEAT;
        let shared = Arc::new((Mutex::new(state), Condvar::new()));
        let told = shared.clone();
        std::thread::spawn(move || {
            let (state, changed) = &*told;
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            while !state.over {
                let left = next.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    print_line(&state.line(state.begun.elapsed()));
                    next += BEAT;
                    continue;
                }
                let waited = changed.wait_timeout(state, left);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        });
        Pulse { state: shared }
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        let (state, changed) = &*self.state;
        change(&mut state.lock().unwrap_or_else(PoisonError::into_inner));
        changed.notify_all();
    }

    /// Goes on with something else.
    pub fn begin(&self, what: &str, total: u64) {
        self.set(|state| *state = State::new(what, total));
    }

    /// As many more are done.
    pub fn advance(&self, more: u64) {
        self.set(|state| state.done += more);
    }

    /// `done` is done, and `how` says how well.
    #[cfg(feature = "train")]
    pub fn reach(&self, done: u64, how: &str) {
        self.set(|state| {
            state.done = done;
            how.clone_into(&mut state.how);
        });
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.set(|state| state.over = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is() {
        let mut state = State::new("measuring", 0);
        let elapsed = Duration::from_millis(10_400);
        assert_eq!(state.line(elapsed), "progress: measuring (10 s)");
        state.total = 60;
        state.done = 12;
        state.how = "loss 0.31".into();
        assert_eq!(
            state.line(elapsed),
            "progress: measuring 12 of 60, loss 0.31 (10 s)"
        );
    }
}
