//! Energy counters of the processor and power sensors of the board.

use std::path::{Path, PathBuf};

use crate::sysfs::number;

/// Where the energy of a board can be read. It counts everything that runs meanwhile.
pub(crate) enum Meter {
    /// Counters of the processor's packages in microjoules, each with the value at which it wraps
    /// around: <https://docs.kernel.org/power/powercap/powercap.html>
    Counters(Vec<(PathBuf, u64)>),
    /// Sensors of what the whole board draws: <https://docs.kernel.org/hwmon/sysfs-interface.html>
    Sensors(Vec<Sensor>),
    /// Neither; the reason.
    None(String),
}

/// A sensor of power.
pub(crate) enum Sensor {
    /// Microwatts.
    Power(PathBuf),
    /// Millivolts and milliamperes.
    Product(PathBuf, PathBuf),
}

impl Sensor {
    fn microwatts(&self) -> Option<u64> {
        match self {
            Sensor::Power(file) => number(file),
            Sensor::Product(volts, amperes) => number(volts)?.checked_mul(number(amperes)?),
        }
    }
}

impl Meter {
    /// What there is under `/sys/class/powercap` and `/sys/class/hwmon` of `root`.
    pub fn of(root: &Path) -> Self {
        let (counters, reason) = counters(root);
        if !counters.is_empty() {
            return Meter::Counters(counters);
        }
        let sensors = sensors(root);
        if !sensors.is_empty() {
            return Meter::Sensors(sensors);
        }
        Meter::None(reason.unwrap_or_else(|| {
            "this machine shows neither an energy counter of its processor (RAPL) nor a sensor of \
             the board's power; measure at the plug"
                .into()
        }))
    }

    /// What it is called, or why there is none.
    pub fn source(&self) -> Result<&'static str, String> {
        match self {
            Meter::Counters(_) => Ok("RAPL"),
            Meter::Sensors(_) => Ok("power sensor"),
            Meter::None(reason) => Err(reason.clone()),
        }
    }

    /// Microjoules of each counter now, for [`used_uj`](Meter::used_uj).
    pub fn read(&self) -> Option<Vec<u64>> {
        match self {
            Meter::Counters(counters) => counters.iter().map(|(file, _)| number(file)).collect(),
            _ => None,
        }
    }

    /// Microjoules that the counters have counted since `before`.
    pub fn used_uj(&self, before: Option<Vec<u64>>) -> Option<u64> {
        let Meter::Counters(counters) = self else {
            return None;
        };
        let pairs = before?.into_iter().zip(self.read()?).zip(counters);
        let used = pairs.map(
            |((before, now), (_, range))| match now.checked_sub(before) {
                Some(used) => used,
                // The counter wrapped around.
                None => range.saturating_sub(before).saturating_add(now),
            },
        );
        Some(used.sum())
    }

    /// What the sensors say now.
    pub fn microwatts(&self) -> Option<u64> {
        match self {
            Meter::Sensors(sensors) => sensors.iter().map(Sensor::microwatts).sum(),
            _ => None,
        }
    }
}

/// The packages' counters, or why one of them cannot be used.
fn counters(root: &Path) -> (Vec<(PathBuf, u64)>, Option<String>) {
    let folder = root.join("sys/class/powercap");
    let (mut found, mut reason) = (Vec::new(), None);
    for domain in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        let of_rapl = domain
            .file_name()
            .as_encoded_bytes()
            .starts_with(b"intel-rapl:");
        let name = std::fs::read_to_string(domain.path().join("name")).unwrap_or_default();
        // A package counts the domains within it, too, and `psys` counts the packages.
        if !of_rapl || !name.starts_with("package") {
            continue;
        }
        let file = domain.path().join("energy_uj");
        let range = number(&domain.path().join("max_energy_range_uj"));
        match (std::fs::read_to_string(&file), range) {
            (Ok(_), Some(range)) => found.push((file, range)),
            (Err(error), _) => {
                reason = Some(format!(
                    "{} cannot be read: {error}; run as root, or let your user read it",
                    file.display()
                ));
            }
            (Ok(_), None) => reason = Some(format!("{} has no range", file.display())),
        }
    }
    (found, reason)
}

/// Sensors of what comes in: the channel of an INA3221 that a Jetson's device tree calls `VDD_IN` or
/// the like, or an INA2xx, which has one channel.
fn sensors(root: &Path) -> Vec<Sensor> {
    let chips = std::fs::read_dir(root.join("sys/class/hwmon"));
    let mut found = Vec::new();
    for chip in chips.into_iter().flatten().flatten() {
        let chip = chip.path();
        let text = |file: &str| std::fs::read_to_string(chip.join(file)).unwrap_or_default();
        let name = text("name");
        let name = name.trim();
        let file = |file: String| chip.join(file);
        if name == "ina3221" {
            let incoming = (1..=3).filter(|channel| {
                let label = text(&format!("in{channel}_label"));
                label.trim().ends_with("_IN")
            });
            found.extend(incoming.map(|channel| {
                Sensor::Product(
                    file(format!("in{channel}_input")),
                    file(format!("curr{channel}_input")),
                )
            }));
        } else if name.starts_with("ina2") {
            found.push(Sensor::Power(file("power1_input".into())));
        }
    }
    found.retain(|sensor| sensor.microwatts().is_some());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_wraps_around_is_followed() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("sys/class/powercap");
        for (domain, name) in [("0", "package-0"), ("0:0", "core"), ("1", "psys")] {
            let domain = folder.join(format!("intel-rapl:{domain}"));
            std::fs::create_dir_all(&domain).unwrap();
            std::fs::write(domain.join("name"), format!("{name}\n")).unwrap();
            std::fs::write(domain.join("energy_uj"), "900\n").unwrap();
            std::fs::write(domain.join("max_energy_range_uj"), "1000\n").unwrap();
        }
        let counter = folder.join("intel-rapl:0/energy_uj");
        let write = |value: &str| std::fs::write(&counter, value).unwrap();
        let meter = Meter::of(root.path());
        assert_eq!(meter.source(), Ok("RAPL"));
        let before = meter.read();
        assert_eq!(before, Some(vec![900]), "the package alone");
        write("950\n");
        assert_eq!(meter.used_uj(before.clone()), Some(50));
        write("20\n");
        assert_eq!(meter.used_uj(before), Some(120));
    }

    #[test]
    fn a_boards_sensor_gives_its_power() {
        let root = tempfile::tempdir().unwrap();
        let chip = root.path().join("sys/class/hwmon/hwmon1");
        std::fs::create_dir_all(&chip).unwrap();
        for (name, text) in [
            ("name", "ina3221\n"),
            ("in1_label", "VDD_IN\n"),
            ("in1_input", "5000\n"),
            ("curr1_input", "1200\n"),
            ("in2_label", "VDD_CPU_GPU_CV\n"),
            ("in2_input", "5000\n"),
            ("curr2_input", "700\n"),
        ] {
            std::fs::write(chip.join(name), text).unwrap();
        }
        let meter = Meter::of(root.path());
        assert_eq!(meter.source(), Ok("power sensor"));
        assert_eq!(meter.microwatts(), Some(6_000_000));
        assert_eq!(meter.read(), None);
    }

    #[test]
    fn a_machine_without_either_says_so() {
        let nothing = tempfile::tempdir().unwrap();
        let reason = Meter::of(nothing.path()).source().unwrap_err();
        assert!(reason.contains("at the plug"), "{reason}");
    }
}
