//! Panics of code that is not ours, turned into errors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::stderr::print_line;

/// How many calls are at work inside [`catch_panic`].
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// Whether a panic that happens now is turned into an error.
fn panics_are_caught() -> bool {
    AT_WORK.load(Ordering::Relaxed) > 0
}

/// From now on, panics of this process are a line on stderr, for whoever started it reads one; those that
/// [`catch_panic`] turns into errors are silent. `RUST_BACKTRACE` shows the whole.
pub fn report_in_one_line() {
    let print_panic = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let words = panic.payload_as_str().unwrap_or("without a message");
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        if cfg!(panic = "abort") {
            print_line(&format!("error: it panicked: {words}"));
            std::process::exit(2);
        }
        if panics_are_caught() {
            return;
        }
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|trace| trace != "0") {
            print_panic(panic);
        }
        let place = panic
            .location()
            .map_or(String::new(), |place| format!(" at {place}"));
        print_line(&format!(
            "error: edgefit failed{place}: {words}; this is a fault of its own, please report it with the command"
        ));
    }));
}

/// Runs `work`, such as an engine that may panic on a model it was not made for. A build that aborts at a panic ends there.
///
/// # Errors
/// What it panicked with.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    AT_WORK.fetch_add(1, Ordering::Relaxed);
    // What `work` touched is dropped or not used again after an error.
    let result = catch_unwind(AssertUnwindSafe(work));
    AT_WORK.fetch_sub(1, Ordering::Relaxed);
    result.map_err(|payload| {
        let text = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied());
        format!("it panicked: {}", text.unwrap_or("without a message"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        assert_eq!(catch_panic(|| 3), Ok(3));
        let error = catch_panic(|| panic!("odd shape {}", 7))
            .map(|()| 0)
            .unwrap_err();
        assert_eq!(error, "it panicked: odd shape 7");
        assert_eq!(catch_panic(panics_are_caught), Ok(true));
    }
}
