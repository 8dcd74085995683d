//! The state of the machine around a measurement. What the system does not say is `None`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::sysfs::number;

/// What the firmware or the hypervisor of a virtual machine calls it.
const VIRTUAL: [&str; 9] = [
    "QEMU",
    "KVM",
    "VMware",
    "VirtualBox",
    "Virtual Machine",
    "BHYVE",
    "HVM domU",
    "Google Compute Engine",
    "OpenStack",
];

/// The machine before and after a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Instruction set that edgefit was built for.
    pub arch: String,
    /// What the processor calls itself.
    pub cpu: Option<String>,
    /// Cores that this process may use.
    pub cores: usize,
    /// Policy that sets the clock, such as `performance`.
    pub governor: Option<String>,
    /// Whether a hypervisor was detected; `None` where none could be.
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
    /// How often heat has lowered the clocks since the machine started.
    pub throttled: Option<u64>,
    /// Whether heat or a weak supply lowers the clocks now.
    pub held_down: Option<bool>,
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
            cpu: files
                .cpuinfo_field("model name")
                .or_else(|| files.text("proc/device-tree/model")),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            governor: files.text("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            virtual_machine: files.virtual_machine(),
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
            held_down: files.held_down(),
            load_average: load.and_then(|text| text.split(' ').next()?.parse().ok()),
        }
    }
}

/// The emulator that runs this program, if one does and can be detected. The system may not start it by
/// itself for other programs of the same architecture.
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

    /// What the first line of that name says.
    fn cpuinfo_field(&self, name: &str) -> Option<String> {
        let text = self.cpuinfo()?;
        let mut fields = text.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = fields.find(|(field, _)| field.trim() == name)?;
        Some(value.trim().replace(char::is_control, "\u{fffd}"))
    }

    fn virtual_machine(&self) -> Option<bool> {
        let flags = self.cpuinfo_field("flags");
        let flagged = flags.map(|flags| flags.split(' ').any(|flag| flag == "hypervisor"));
        let named = self.text("sys/class/dmi/id/product_name");
        let named = named.map(|name| VIRTUAL.iter().any(|mark| name.contains(mark)));
        let hypervisor_files = [
            "sys/hypervisor/type",
            "proc/device-tree/hypervisor/compatible",
        ];
        let shown = hypervisor_files
            .iter()
            .any(|file| self.text(file).is_some());
        if shown {
            return Some(true);
        }
        flagged.into_iter().chain(named).reduce(|a, b| a || b)
    }

    /// Whether a cooling device lowers a processor's clock, or the firmware of a Raspberry Pi does, whose
    /// four lowest bits say so.
    fn held_down(&self) -> Option<bool> {
        let cooling = self
            .folder("sys/class/thermal")
            .into_iter()
            .filter_map(|device| {
                let kind = std::fs::read_to_string(device.join("type")).ok()?;
                let of_processor = kind.contains("cpufreq") || kind.starts_with("Processor");
                of_processor.then(|| number(&device.join("cur_state")))?
            });
        let pi = self.text("sys/devices/platform/soc/soc:firmware/get_throttled");
        let pi = pi.and_then(|bits| u64::from_str_radix(&bits, 16).ok());
        let held = cooling.map(|state| state > 0);
        held.chain(pi.map(|bits| bits & 0xf != 0))
            .reduce(|a, b| a || b)
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
        let megahertz: f64 = self.cpuinfo_field("cpu MHz")?.parse().ok()?;
        Some((megahertz * 1e6) as u64)
    }

    /// An emulator of user programs is detected by the executable of a thread, the kernel's architecture
    /// or the fields of `cpuinfo`, which it does not emulate.
    fn emulator(&self, arch: &str) -> Option<String> {
        if let Some(program) = self.emulator_program() {
            let name = program.file_name().unwrap_or_default().to_string_lossy();
            return Some(name.into_owned());
        }
        let kernel = self.text("proc/sys/kernel/arch");
        let of_x86 = self
            .cpuinfo_field("vendor_id")
            .filter(|vendor| ["GenuineIntel", "AuthenticAMD"].contains(&vendor.as_str()))
            .map(|_| "x86_64".to_owned());
        let host = kernel.or(of_x86)?;
        (family(&host) != family(arch)).then(|| format!("an emulator on {host}"))
    }

    fn emulator_program(&self) -> Option<PathBuf> {
        let threads = self.folder("proc/self/task").into_iter();
        let mut programs = threads.filter_map(|thread| std::fs::read_link(thread.join("exe")).ok());
        programs.find(|program| {
            let name = program.file_name().unwrap_or_default();
            name.as_encoded_bytes().starts_with(b"qemu-")
        })
    }

    /// Batteries of what is connected, such as a mouse, are none of the machine.
    fn on_battery(&self) -> Option<bool> {
        let supplies = self.folder("sys/class/power_supply").into_iter();
        let states = supplies.filter_map(|supply| {
            let scope = std::fs::read_to_string(supply.join("scope")).unwrap_or_default();
            let status = std::fs::read_to_string(supply.join("status")).ok()?;
            (scope.trim() != "Device").then(|| status.trim() == "Discharging")
        });
        states.reduce(|a, b| a || b)
    }
}

/// A processor runs the programs of all architectures of its family.
fn family(arch: &str) -> &str {
    match arch {
        "x86" | "i386" | "i586" | "i686" | "x86_64" => "x86",
        "arm" | "armv6l" | "armv7l" | "armv8l" | "aarch64" => "arm",
        other => other,
    }
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
    fn the_state_of_a_board_is_read() {
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
            (
                "sys/class/thermal/cooling_device0/type",
                "thermal-cpufreq-0\n",
            ),
            ("sys/class/thermal/cooling_device0/cur_state", "2\n"),
            ("proc/device-tree/model", "Raspberry Pi 4 Model B\n"),
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
        assert_eq!(context.before.held_down, Some(true));
        assert_eq!(context.cpu.as_deref(), Some("Raspberry Pi 4 Model B"));
        assert_eq!(context.virtual_machine, None);
    }

    #[test]
    fn batteries_of_the_machine_alone_count() {
        let on_battery = |batteries: &[(&str, &str)]| {
            let folder = "sys/class/power_supply";
            let files = batteries.iter().flat_map(|(name, status)| {
                let scope = if *name == "mouse" { "Device" } else { "System" };
                [("scope", scope), ("status", *status)]
                    .map(|(file, text)| (format!("{folder}/{name}/{file}"), text))
            });
            let files: Vec<(String, &str)> = files.collect();
            let files: Vec<(&str, &str)> =
                files.iter().map(|(name, text)| (&**name, *text)).collect();
            Files(root(&files).path()).on_battery()
        };
        assert_eq!(on_battery(&[("mouse", "Discharging\n")]), None);
        let both = [("mouse", "Discharging\n"), ("BAT0", "Full\n")];
        assert_eq!(on_battery(&both), Some(false));
        let two = [("BAT0", "Full\n"), ("BAT1", "Discharging\n")];
        assert_eq!(on_battery(&two), Some(true));
    }

    #[test]
    fn an_emulator_is_detected() {
        let intel = root(&[(
            "proc/cpuinfo",
            "vendor_id : GenuineIntel\nflags : fpu hypervisor\n",
        )]);
        assert!(Files(intel.path()).emulator("aarch64").is_some());
        assert_eq!(Files(intel.path()).emulator("x86_64"), None);
        assert_eq!(Context::read(intel.path()).virtual_machine, Some(true));
        let kernel = root(&[("proc/sys/kernel/arch", "x86_64\n")]);
        assert!(Files(kernel.path()).emulator("aarch64").is_some());
        assert_eq!(Files(kernel.path()).emulator("x86"), None);
    }

    #[test]
    fn a_board_that_is_held_down_or_virtual_says_so() {
        let throttled = "sys/devices/platform/soc/soc:firmware/get_throttled";
        for (bits, held) in [("50005", true), ("50000", false)] {
            let root = root(&[(throttled, bits)]);
            assert_eq!(Moment::read(root.path()).held_down, Some(held));
        }
        let root = root(&[("sys/class/dmi/id/product_name", "QEMU Virtual Machine\n")]);
        assert_eq!(Context::read(root.path()).virtual_machine, Some(true));
        let board = self::root(&[("sys/class/dmi/id/product_name", "Board\n")]);
        assert_eq!(Context::read(board.path()).virtual_machine, Some(false));
    }
}
