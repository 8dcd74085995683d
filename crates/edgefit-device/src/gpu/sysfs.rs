//! GPUs that share the chip and the memory of the CPU, as the kernel shows them: Jetsons and other
//! boards with a GPU under `/sys/class/devfreq`.
//!
//! Where the files lie: <https://docs.kernel.org/driver-api/devfreq.html>, and the power and
//! thermal chapters of NVIDIA's Jetson Linux developer guide.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::gpus::{ComputeCapability, Gpu};
use super::reading::{Reading, believed, printable};

/// Largest file that is read, in bytes; the kernel's have one page.
const MAX_FILE: u64 = 4096;

/// Most entries of a folder that are looked at.
const MAX_ENTRIES: usize = 256;

/// Largest clock that is believed, in Hz.
const MAX_HERTZ: u64 = 100_000_000_000;

/// NVIDIA's integrated GPUs by their name in the device tree, with their compute capability
/// (<https://developer.nvidia.com/cuda-gpus>).
const CHIPS: [(&str, u32, u32); 4] = [
    ("gm20b", 5, 3),
    ("gp10b", 6, 2),
    ("gv11b", 7, 2),
    ("ga10b", 8, 7),
];

/// The integrated GPUs of the machine whose `/sys` and `/proc` lie under `root`.
pub(super) fn read(root: &Path) -> Vec<Gpu> {
    let Ok(root) = root.canonicalize() else {
        return Vec::new();
    };
    let tree = Tree { root };
    let devices = tree.entries("sys/class/devfreq").into_iter();
    devices
        .filter(|device| {
            let kind = device.split_once('.').map_or("", |(_, kind)| kind);
            kind.starts_with("gpu") || CHIPS.iter().any(|(chip, ..)| kind == *chip)
        })
        .map(|device| gpu(&tree, &device))
        .collect()
}

fn gpu(tree: &Tree, device: &str) -> Gpu {
    let folder = format!("sys/class/devfreq/{device}");
    let clock = |file| {
        tree.number(&format!("{folder}/{file}"), 0..=MAX_HERTZ, "Hz")
            .into()
    };
    let model = tree.text("proc/device-tree/model");
    let shared = "the GPU shares the CPU's memory; see the figures of the machine";
    Gpu {
        name: Reading::Value(match model {
            Ok(model) => format!("{model} ({device})"),
            Err(_) => device.to_owned(),
        }),
        compute_capability: compute_capability(tree, device, &folder).into(),
        memory_total_bytes: Reading::missing(shared),
        memory_free_bytes: Reading::missing(shared),
        memory_used_bytes: Reading::missing(shared),
        graphics_clock_hz: clock("cur_freq"),
        max_graphics_clock_hz: clock("max_freq"),
        governor: tree.text(&format!("{folder}/governor")).into(),
        power_milliwatts: power(tree).into(),
        temperature_celsius: temperature(tree).into(),
        utilization_percent: load(tree, &folder).into(),
        ..Gpu::unknown("sysfs does not give it")
    }
}

fn compute_capability(
    tree: &Tree,
    device: &str,
    folder: &str,
) -> Result<ComputeCapability, String> {
    let compatible = tree.bytes(&format!("{folder}/device/of_node/compatible"));
    let compatible = compatible.unwrap_or_default();
    let compatible = String::from_utf8_lossy(&compatible);
    CHIPS
        .iter()
        .find(|(chip, ..)| compatible.contains(chip) || device.contains(chip))
        .map(|&(_, major, minor)| ComputeCapability { major, minor })
        .ok_or_else(|| format!("'{device}' is not a GPU whose compute capability is known here"))
}

/// Load in percent; the kernel counts in thousandths.
fn load(tree: &Tree, folder: &str) -> Result<u64, String> {
    let number = |path: &str| tree.number(path, 0..=1000, "thousandths");
    let thousandths =
        number("sys/devices/gpu.0/load").or_else(|_| number(&format!("{folder}/device/load")))?;
    Ok(thousandths / 10)
}

fn temperature(tree: &Tree) -> Result<i64, String> {
    let zones = tree.entries("sys/class/thermal").into_iter();
    let zone = zones
        .map(|zone| format!("sys/class/thermal/{zone}"))
        .find(|zone| {
            let kind = tree.text(&format!("{zone}/type")).unwrap_or_default();
            kind.to_lowercase().starts_with("gpu")
        })
        .ok_or("no thermal zone is the GPU's")?;
    let millidegrees = tree.number(&format!("{zone}/temp"), -273_000..=1_000_000, "m°C")?;
    Ok(millidegrees / 1000)
}

/// Power of the rail that feeds the GPU alone, in milliwatts.
fn power(tree: &Tree) -> Result<u64, String> {
    let mut reason = "no power sensor of the board is the GPU's".to_owned();
    for sensor in sensors(tree) {
        for channel in 1..=3 {
            let rail = tree
                .text(&format!("{sensor}/in{channel}_label"))
                .or_else(|_| tree.text(&format!("{sensor}/rail_name_{channel}")));
            let Ok(rail) = rail else { continue };
            let feeds = |part| rail.split('_').any(|it| it == part);
            if !feeds("GPU") {
                continue;
            }
            let power = channel_power(tree, &sensor, channel);
            // Orin boards feed others from the same rail: VDD_GPU_SOC, VDD_CPU_GPU_CV.
            if !["CPU", "SOC", "CV"].into_iter().any(feeds) {
                return power;
            }
            reason = match power {
                Ok(power) => format!(
                    "the board measures the GPU only together with others: rail {rail} draws \
                     {power} mW"
                ),
                Err(reason) => reason,
            };
        }
    }
    Err(reason)
}

/// Folders of INA3221 power sensors: `iio:device0` until JetPack 4, `hwmon/hwmon3` since.
fn sensors(tree: &Tree) -> Vec<String> {
    let below = |folder: &str| -> Vec<String> {
        let entries = tree.entries(folder).into_iter();
        entries.map(|entry| format!("{folder}/{entry}")).collect()
    };
    let drivers = below("sys/bus/i2c/drivers").into_iter();
    drivers
        .filter(|driver| driver.contains("/ina3221"))
        .flat_map(|driver| below(&driver))
        .flat_map(|device| {
            let mut folders = below(&format!("{device}/hwmon"));
            folders.extend(
                below(&device)
                    .into_iter()
                    .filter(|it| it.contains("/iio:device")),
            );
            folders
        })
        .take(MAX_ENTRIES)
        .collect()
}

fn channel_power(tree: &Tree, sensor: &str, channel: u32) -> Result<u64, String> {
    const MOST: u64 = 1_000_000;
    let number = |file: String, unit| tree.number(&format!("{sensor}/{file}"), 0..=MOST, unit);
    number(format!("in_power{channel}_input"), "mW").or_else(|_| {
        let millivolts = number(format!("in{channel}_input"), "mV")?;
        let milliamperes = number(format!("curr{channel}_input"), "mA")?;
        Ok(millivolts * milliamperes / 1000)
    })
}

/// `/sys` and `/proc` of a machine; paths are relative to its root.
struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Where `path` leads, if that is within `/sys` or `/proc`: both are full of links.
    fn locate(&self, path: &str) -> Result<PathBuf, String> {
        let place = self
            .root
            .join(path)
            .canonicalize()
            .map_err(|error| format!("/{path}: {error}"))?;
        if ["sys", "proc"]
            .iter()
            .any(|top| place.starts_with(self.root.join(top)))
        {
            Ok(place)
        } else {
            Err(format!("/{path}: leads out of /sys and /proc"))
        }
    }

    /// Names in a folder, in order; none if it cannot be read.
    fn entries(&self, path: &str) -> Vec<String> {
        let entries = self.locate(path).ok().and_then(|it| it.read_dir().ok());
        let mut names: Vec<_> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .take(MAX_ENTRIES)
            .collect();
        names.sort();
        names
    }

    fn bytes(&self, path: &str) -> Result<Vec<u8>, String> {
        let place = self.locate(path)?;
        if !place.is_file() {
            return Err(format!("/{path}: is not a file"));
        }
        let mut bytes = Vec::new();
        File::open(place)
            .and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes))
            .map_err(|error| format!("/{path}: {error}"))?;
        Ok(bytes)
    }

    fn text(&self, path: &str) -> Result<String, String> {
        match printable(self.bytes(path)?) {
            text if text.is_empty() => Err(format!("/{path}: is empty")),
            text => Ok(text),
        }
    }

    fn number<T>(
        &self,
        path: &str,
        range: std::ops::RangeInclusive<T>,
        unit: &str,
    ) -> Result<T, String>
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let text = self.text(path)?;
        let number = text
            .parse()
            .map_err(|_| format!("/{path}: does not hold a number in range, but '{text:.40}'"))?;
        believed(number, range, unit).map_err(|problem| format!("/{path}: {problem}"))
    }
}

#[cfg(test)]
mod tests;
