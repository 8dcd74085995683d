//! The state of the machine around a measurement. What the system does not say is `None`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The machine before and after a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Instruction set that edgefit was built for.
    pub arch: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Policy that sets the clock, such as `performance`.
    pub governor: Option<String>,
    /// The hypervisor's mark, on x86.
    pub virtual_machine: Option<bool>,
    /// Emulator that runs this process.
    pub emulator: Option<String>,
    /// Whether the machine runs on its battery.
    pub on_battery: Option<bool>,
    /// Before the first run.
    pub before: Moment,
    /// After the last one.
    pub after: Moment,
}

/// The machine at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Clock of the first core.
    pub clock_hz: Option<u64>,
    /// The hottest sensor.
    pub temperature_celsius: Option<f64>,
    /// How often heat has held the clocks down since the machine started.
    pub throttled: Option<u64>,
    /// Processes that wanted a core, over the last minute.
    pub load_average: Option<f64>,
}

impl Context {
    /// The machine now, its `/sys` and `/proc` under `root`.
    pub fn read(root: &Path) -> Self {
        let files = Files(root);
        let now = Moment::read(root);
        Context {
            arch: std::env::consts::ARCH.to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            governor: files.text("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            virtual_machine: files.cpuinfo().map(|text| {
                let mut flags = text.lines().filter(|line| line.starts_with("flags"));
                flags.any(|line| line.contains(" hypervisor"))
            }),
            emulator: files.emulator(std::env::consts::ARCH),
            on_battery: files.on_battery(),
            before: now.clone(),
            after: now,
        }
    }
}

impl Moment {
    /// The machine now, its `/sys` and `/proc` under `root`.
    pub fn read(root: &Path) -> Self {
        let files = Files(root);
        let zones = files.folder("sys/class/thermal");
        let temperatures = zones
            .iter()
            .filter_map(|zone| number(&zone.join("temp")))
            .map(|millidegrees| millidegrees as f64 / 1000.0)
            .filter(|celsius| (1.0..200.0).contains(celsius));
        let cores = files.folder("sys/devices/system/cpu");
        let throttled: Vec<u64> = cores
            .iter()
            .filter_map(|core| number(&core.join("thermal_throttle/core_throttle_count")))
            .collect();
        let load = files.text("proc/loadavg");
        Moment {
            clock_hz: files.clock_hz(),
            temperature_celsius: temperatures.reduce(f64::max),
            throttled: (!throttled.is_empty()).then(|| throttled.iter().sum()),
            load_average: load.and_then(|text| text.split(' ').next()?.parse().ok()),
        }
    }
}

/// The program that emulates the processor of this one, if there is one and it can be seen. The system
/// may not know by itself that it is needed for other programs of the same kind.
pub fn emulator_program() -> Option<PathBuf> {
    Files(Path::new("/")).emulator_program()
}

struct Files<'a>(&'a Path);

impl Files<'_> {
    fn text(&self, path: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.0.join(path)).ok()?;
        Some(text.trim().replace(char::is_control, "\u{fffd}"))
    }

    fn cpuinfo(&self) -> Option<String> {
        std::fs::read_to_string(self.0.join("proc/cpuinfo")).ok()
    }

    fn folder(&self, path: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.0.join(path)).into_iter().flatten();
        entries.flatten().map(|entry| entry.path()).collect()
    }

    fn clock_hz(&self) -> Option<u64> {
        let file = "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq";
        if let Some(kilohertz) = number(&self.0.join(file)) {
            return kilohertz.checked_mul(1000);
        }
        let text = self.cpuinfo()?;
        let line = text.lines().find(|line| line.starts_with("cpu MHz"))?;
        let megahertz: f64 = line.split(':').nth(1)?.trim().parse().ok()?;
        Some((megahertz * 1e6) as u64)
    }

    /// An emulator of user programs shows itself where it does not pretend: in the program of the
    /// thread, in the kernel's architecture, in the fields of `cpuinfo`.
    fn emulator(&self, arch: &str) -> Option<String> {
        if let Some(program) = self.emulator_program() {
            let name = program.file_name().unwrap_or_default().to_string_lossy();
            return Some(name.into_owned());
        }
        let kernel = self.text("proc/sys/kernel/arch");
        let intel = self
            .cpuinfo()
            .is_some_and(|text| text.contains("GenuineIntel"));
        match (arch, kernel.as_deref()) {
            ("aarch64" | "arm", Some("x86_64")) => Some("an emulator on x86_64".into()),
            ("aarch64" | "arm", _) if intel => Some("an emulator on x86_64".into()),
            ("x86_64", Some("aarch64")) => Some("an emulator on aarch64".into()),
            _ => None,
        }
    }

    fn emulator_program(&self) -> Option<PathBuf> {
        let threads = self.folder("proc/self/task").into_iter();
        let mut programs = threads.filter_map(|thread| std::fs::read_link(thread.join("exe")).ok());
        programs.find(|program| {
            let name = program.file_name().unwrap_or_default();
            name.as_encoded_bytes().starts_with(b"qemu-")
        })
    }

    fn on_battery(&self) -> Option<bool> {
        let supplies = self.folder("sys/class/power_supply");
        let status = supplies
            .iter()
            .find_map(|supply| std::fs::read_to_string(supply.join("status")).ok())?;
        Some(status.trim() == "Discharging")
    }
}

fn number(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn a_board_says_how_it_is() {
        let root = root(&[
            (
                "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
                "ondemand\n",
            ),
            (
                "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq",
                "1500000\n",
            ),
            ("sys/class/thermal/thermal_zone0/temp", "61234\n"),
            ("sys/class/power_supply/BAT0/status", "Discharging\n"),
            ("proc/loadavg", "0.52 0.3 0.1 1/200 9\n"),
        ]);
        let context = Context::read(root.path());
        assert_eq!(context.governor.as_deref(), Some("ondemand"));
        assert_eq!(context.on_battery, Some(true));
        assert_eq!(context.before.clock_hz, Some(1_500_000_000));
        assert_eq!(context.before.temperature_celsius, Some(61.234));
        assert_eq!(context.before.load_average, Some(0.52));
        assert_eq!(context.before.throttled, None);
    }

    #[test]
    fn an_emulator_gives_itself_away() {
        let intel = root(&[(
            "proc/cpuinfo",
            "vendor_id : GenuineIntel\nflags : fpu hypervisor\n",
        )]);
        assert!(Files(intel.path()).emulator("aarch64").is_some());
        assert_eq!(Files(intel.path()).emulator("x86_64"), None);
        assert_eq!(Context::read(intel.path()).virtual_machine, Some(true));
        let kernel = root(&[("proc/sys/kernel/arch", "x86_64\n")]);
        assert!(Files(kernel.path()).emulator("aarch64").is_some());
    }
}
