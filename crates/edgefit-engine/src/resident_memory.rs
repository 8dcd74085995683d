//! Resident memory of this process.

use serde::{Deserialize, Serialize};

/// Resident memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resident {
    /// Now.
    pub now_bytes: u64,
    /// The most so far, or since [`restart_peak_rss`].
    pub peak_bytes: u64,
}

impl Resident {
    /// That of this process, where the system says: `VmRSS` and `VmHWM` in Linux's
    /// `/proc/self/status`, since `getrusage` starts from what the parent had at the fork.
    pub fn of_process() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let bytes = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kibibytes * 1024)
        };
        Some(Resident {
            now_bytes: bytes("VmRSS:")?,
            peak_bytes: bytes("VmHWM:")?,
        })
    }
}

/// Most memory that this process has had resident since [`restart_peak_rss`], or ever, in bytes; see
/// [`Resident::of_process`].
pub fn peak_rss_bytes() -> Option<u64> {
    Resident::of_process().map(|resident| resident.peak_bytes)
}

/// Takes what is resident now for the peak, where the system can (Linux's `/proc/self/clear_refs`): what follows is
/// measured by itself.
pub fn restart_peak_rss() {
    // Where it is refused, the peak stays that of the whole process.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_forgotten() {
        const LARGE: usize = 256 << 20;
        drop(std::hint::black_box(vec![1u8; LARGE]));
        let before = peak_rss_bytes().unwrap();
        restart_peak_rss();
        let after = peak_rss_bytes().unwrap();
        assert!(after + (LARGE as u64) / 2 < before, "{after} {before}");
    }
}
