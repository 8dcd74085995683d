//! The core that a process runs on.
//!
//! Cores differ in speed at any time: another program runs on a core's other hardware thread, or a
//! cluster is slower. The system leaves a process on its core, so a difference between cores would
//! look like one between candidates. Therefore all candidates of a round run on the same core.

/// Where this process may run, as it was started.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub struct Cores(Option<rustix::thread::CpuSet>);

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Cores {
    /// What the process may use now. Machines of more than 1024 cores are left alone.
    pub fn of_process() -> Self {
        Cores(rustix::thread::sched_getaffinity(None).ok())
    }

    /// Restricts all threads of this process to `core`. Without one, or if the system refuses, they may
    /// run wherever they could at its start.
    pub fn stay(&self, core: Option<usize>) {
        use rustix::thread::{CpuSet, Pid, sched_setaffinity};

        let Some(all) = &self.0 else { return };
        let set = match core {
            Some(core) if core < CpuSet::MAX_CPU && all.is_set(core) => {
                let mut one = CpuSet::new();
                one.set(core);
                one
            }
            _ => *all,
        };
        let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten();
        let numbers = threads
            .flatten()
            .filter_map(|thread| thread.file_name().to_str()?.parse().ok());
        for thread in numbers.filter_map(Pid::from_raw) {
            if sched_setaffinity(Some(thread), &set).is_err() {
                let _refused = sched_setaffinity(Some(thread), all);
            }
        }
    }

    /// The core that the calling thread runs on.
    pub fn current(&self) -> Option<usize> {
        self.0.is_some().then(rustix::thread::sched_getcpu)
    }
}

/// Where the system does not let a program choose.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub struct Cores;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Cores {
    pub fn of_process() -> Self {
        Cores
    }

    pub fn stay(&self, _: Option<usize>) {}

    pub fn current(&self) -> Option<usize> {
        None
    }
}

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;

    #[test]
    fn a_process_stays_on_its_core_until_it_is_released() {
        let cores = Cores::of_process();
        let now = cores.current().unwrap();
        cores.stay(Some(now));
        for _ in 0..100 {
            std::thread::yield_now();
            assert_eq!(cores.current(), Some(now));
        }
        cores.stay(None);
        assert_eq!(rustix::thread::sched_getaffinity(None).ok(), cores.0);
        // Not a core that this process may use: it is released instead.
        cores.stay(Some(1_000_000));
        assert_eq!(rustix::thread::sched_getaffinity(None).ok(), cores.0);
    }
}
