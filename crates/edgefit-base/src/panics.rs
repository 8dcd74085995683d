//! Panics of code that is not ours, turned into errors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many calls are at work inside [`catch_panic`].
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// Whether a panic that happens now is turned into an error; a panic hook may then stay silent.
pub fn panics_are_caught() -> bool {
    AT_WORK.load(Ordering::Relaxed) > 0
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
