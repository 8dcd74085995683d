//! What the C library does with memory that is freed.

/// Runs `load` so that what it frees goes back to the system.
///
/// Loading a model frees about as much as it keeps: the file's contents, and weights in the layout of
/// the file. glibc raises the size above which a block is mapped on its own (`M_MMAP_THRESHOLD`) to
/// that of the largest such block that was freed, up to 32 MiB; from then on, weights lie in a heap
/// that only shrinks from its top. The threshold is held low while `load` runs, and set to that
/// maximum afterwards, so that activations are not mapped anew in every run. Other C libraries are
/// left as they are.
pub(crate) fn give_back<T>(load: impl FnOnce() -> T) -> T {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const LOADING: libc::c_int = 128 << 10;
        const RUNNING: libc::c_int = 32 << 20;
        let hold = |threshold| {
            // SAFETY: mallopt may be called at any time and takes plain numbers. A refusal leaves the
            // parameter as it was.
            unsafe {
                libc::mallopt(libc::M_MMAP_THRESHOLD, threshold);
                libc::mallopt(libc::M_TRIM_THRESHOLD, threshold.saturating_mul(2));
            }
        };
        hold(LOADING);
        let loaded = load();
        // SAFETY: malloc_trim may be called at any time.
        unsafe { libc::malloc_trim(0) };
        hold(RUNNING);
        loaded
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    load()
}
