//! What glibc does with memory that is freed: choices of a program, which it makes at its start.
//!
//! glibc raises the size above which a block is mapped on its own (`M_MMAP_THRESHOLD`) to that of the
//! largest such block that was freed, up to 32 MiB; from then on, such blocks lie in a heap that only
//! shrinks from its top. Other C libraries are left as they are.

use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes above which a block is mapped on its own while a model is loaded.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LOADING: libc::c_int = 128 << 10;

/// The same while it runs: the most that glibc would raise it to.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const RUNNING: libc::c_int = 32 << 20;

/// Most blocks that are mapped on their own, as glibc has it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_BLOCKS: libc::c_int = 65_536;

/// Whether [`return_memory_after_loading`] was called.
static RETURNS_MEMORY: AtomicBool = AtomicBool::new(false);

/// Whether [`keep_one_heap`] was called.
static KEEPS_HEAP: AtomicBool = AtomicBool::new(false);

/// From now on, what loading a model frees goes back to the system, and the threshold stays at its
/// maximum after it, so that activations are not mapped anew in every run.
///
/// Loading a model frees about as much as it keeps: the file's contents, and weights in the layout of
/// the file. What `edgefit check` predicts of a process's memory presumes this call, and every process
/// of the binary makes it. Without it a process keeps up to that much more. It concerns the
/// allocator of the whole process, so a library does not call it on its own.
pub fn return_memory_after_loading() {
    RETURNS_MEMORY.store(true, Ordering::Relaxed);
}

/// Runs `load`, with the threshold held low if the program chose [`return_memory_after_loading`].
pub(crate) fn while_loading<T>(load: impl FnOnce() -> T) -> T {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if RETURNS_MEMORY.load(Ordering::Relaxed) {
        hold(LOADING);
        let loaded = load();
        // SAFETY: malloc_trim may be called at any time.
        unsafe { libc::malloc_trim(0) };
        hold(RUNNING);
        return loaded;
    }
    load()
}

/// Keeps one heap for the tensors of all threads from now on, and the threshold where it is.
///
/// A training step frees its tensors on other threads than it made them on; with a heap for each
/// thread, the gaps of one are of no use to the others. What is predicted of the memory of a training
/// presumes this call. Call it before threads are started: those that have a heap keep it.
pub fn keep_one_heap() {
    KEEPS_HEAP.store(true, Ordering::Relaxed);
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: as in `hold`.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
        hold(RUNNING);
    }
}

/// Runs `train`, which does steps alike, if the program chose [`keep_one_heap`] with all in the heap that it frees: what
/// one step frees the next one takes again, and given back to the system in between, each page of it
/// would be mapped and cleared anew. What is then free goes back.
pub fn while_training<T>(train: impl FnOnce() -> T) -> T {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if KEEPS_HEAP.load(Ordering::Relaxed) {
        // SAFETY: as in `hold`.
        unsafe {
            libc::mallopt(libc::M_MMAP_MAX, 0);
            libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
        }
        let trained = train();
        hold(RUNNING);
        // SAFETY: malloc_trim may be called at any time.
        unsafe {
            libc::mallopt(libc::M_MMAP_MAX, MAPPED_BLOCKS);
            libc::malloc_trim(0);
        }
        return trained;
    }
    train()
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn hold(threshold: libc::c_int) {
    // SAFETY: mallopt may be called at any time and takes plain numbers. A refusal leaves the
    // parameter as it was.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, threshold);
        libc::mallopt(libc::M_TRIM_THRESHOLD, threshold.saturating_mul(2));
    }
}
