//! Boards as folders of files, in the layouts of JetPack 4, 5 and 6.

use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

const ORIN: [(&str, &str); 17] = [
    (
        "proc/device-tree/model",
        "NVIDIA Jetson Orin Nano Developer Kit\0",
    ),
    ("sys/class/devfreq/17000000.gpu/cur_freq", "306000000\n"),
    ("sys/class/devfreq/17000000.gpu/max_freq", "624750000\n"),
    ("sys/class/devfreq/17000000.gpu/governor", "nvhost_podgov\n"),
    ("sys/class/devfreq/17000000.gpu/device/load", "437\n"),
    (
        "sys/class/devfreq/17000000.gpu/device/of_node/compatible",
        "nvidia,ga10b\0nvidia,gpu\0",
    ),
    ("sys/class/devfreq/15480000.nvdec/cur_freq", "1\n"),
    ("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n"),
    ("sys/class/thermal/thermal_zone0/temp", "61000\n"),
    ("sys/class/thermal/thermal_zone1/type", "gpu-thermal\n"),
    ("sys/class/thermal/thermal_zone1/temp", "47812\n"),
    (
        "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon1/in1_label",
        "VDD_IN\n",
    ),
    (
        "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon1/in2_label",
        "VDD_CPU_GPU_CV\n",
    ),
    (
        "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon1/in2_input",
        "5000\n",
    ),
    (
        "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon1/curr2_input",
        "312\n",
    ),
    (
        "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon1/in3_label",
        "VDD_SOC\n",
    ),
    ("sys/bus/i2c/drivers/ina3221/uevent", ""),
];

const NANO: [(&str, &str); 9] = [
    (
        "proc/device-tree/model",
        "NVIDIA Jetson Nano Developer Kit\0",
    ),
    ("sys/class/devfreq/57000000.gpu/cur_freq", "921600000\n"),
    ("sys/class/devfreq/57000000.gpu/max_freq", "921600000\n"),
    (
        "sys/class/devfreq/57000000.gpu/device/of_node/compatible",
        "nvidia,tegra210-gm20b\0nvidia,gm20b\0",
    ),
    ("sys/devices/gpu.0/load", "1000\n"),
    ("sys/class/thermal/thermal_zone2/type", "GPU-therm\n"),
    ("sys/class/thermal/thermal_zone2/temp", "-4500\n"),
    (
        "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/rail_name_1",
        "POM_5V_GPU\n",
    ),
    (
        "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/in_power1_input",
        "1240\n",
    ),
];

fn board(files: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().unwrap();
    for (path, content) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    root
}

/// The fields of a board's only GPU.
fn fields(root: &Path) -> Value {
    let gpus = serde_json::to_value(read(root)).unwrap();
    assert_eq!(gpus.as_array().unwrap().len(), 1);
    gpus[0].clone()
}

#[test]
fn an_orin_is_read() {
    let value = |value: Value| json!({ "value": value });
    let missing = |reason: &str| json!({ "missing": reason });
    let shared = missing("the GPU shares the CPU's memory; see the figures of the machine");
    let absent = missing("sysfs does not give it");
    assert_eq!(
        fields(board(&ORIN).path()),
        json!({
            "name": value(json!("NVIDIA Jetson Orin Nano Developer Kit (17000000.gpu)")),
            "uuid": absent,
            "compute_capability": value(json!({ "major": 8, "minor": 7 })),
            "cores": absent,
            "memory_total_bytes": shared,
            "memory_free_bytes": shared,
            "memory_used_bytes": shared,
            "graphics_clock_hz": value(json!(306_000_000)),
            "memory_clock_hz": absent,
            "max_graphics_clock_hz": value(json!(624_750_000)),
            "max_memory_clock_hz": absent,
            "governor": value(json!("nvhost_podgov")),
            "throttle_reasons": absent,
            "power_milliwatts": missing(
                "the board measures the GPU only together with others: rail VDD_CPU_GPU_CV draws \
                 1560 mW"
            ),
            "power_limit_milliwatts": absent,
            "temperature_celsius": value(json!(47)),
            "utilization_percent": value(json!(43)),
            "memory_utilization_percent": absent,
            "pcie_generation": absent,
            "pcie_lanes": absent,
            "max_pcie_generation": absent,
            "max_pcie_lanes": absent,
        })
    );
}

#[test]
fn a_nano_is_read() {
    let nano = fields(board(&NANO).path());
    for (field, expected) in [
        ("compute_capability", json!({ "major": 5, "minor": 3 })),
        ("graphics_clock_hz", json!(921_600_000)),
        ("power_milliwatts", json!(1240)),
        ("temperature_celsius", json!(-4)),
        ("utilization_percent", json!(100)),
    ] {
        assert_eq!(nano[field]["value"], expected, "{field}");
    }
    let governor = nano["governor"]["missing"].to_string();
    assert!(governor.contains("57000000.gpu/governor: "), "{governor}");
}

#[test]
fn files_that_hold_nonsense_become_reasons() {
    let clock = "sys/class/devfreq/17000000.gpu/cur_freq";
    let long = "9".repeat(1 << 20);
    for (content, expected) in [
        ("", "is empty"),
        ("-1", "not hold a number in range"),
        ("18446744073709551615", "cannot be"),
        ("1\u{1b}[2J", "1\u{fffd}[2J"),
        (&*long, "not hold a number in range"),
    ] {
        let root = board(&ORIN);
        std::fs::write(root.path().join(clock), content).unwrap();
        let reason = fields(root.path())["graphics_clock_hz"]["missing"].clone();
        let reason = reason.as_str().unwrap();
        assert!(reason.starts_with(&format!("/{clock}: ")), "{reason}");
        assert!(reason.contains(expected) && reason.len() < 200, "{reason}");
    }
    let root = board(&[(&format!("{clock}/folder"), "")]);
    let reason = fields(root.path())["graphics_clock_hz"]["missing"].to_string();
    assert!(reason.contains("is not a file"), "{reason}");
}

#[test]
fn links_are_followed_within_sys_and_proc_only() {
    let root = board(&[
        ("sys/devices/platform/17000000.gpu/cur_freq", "306000000"),
        ("outside", "1"),
        ("sys/class/devfreq/readme", ""),
    ]);
    let at = |path: &str| root.path().join(path);
    symlink(
        "../../devices/platform/17000000.gpu",
        at("sys/class/devfreq/17000000.gpu"),
    )
    .unwrap();
    symlink(at("outside"), at("sys/class/devfreq/17000000.gpu/max_freq")).unwrap();
    symlink("governor", at("sys/class/devfreq/17000000.gpu/governor")).unwrap();
    let gpu = fields(root.path());
    assert_eq!(gpu["graphics_clock_hz"]["value"], 306_000_000);
    let reason = gpu["max_graphics_clock_hz"]["missing"].to_string();
    assert!(reason.contains("leads out of /sys and /proc"), "{reason}");
    assert!(gpu["governor"]["missing"].is_string());
}

#[test]
fn a_machine_without_an_integrated_gpu_has_none() {
    assert_eq!(read(TempDir::new().unwrap().path()), []);
    assert_eq!(read(Path::new("no/such/root")), []);
    assert_eq!(read(board(&[("sys/class/devfreq", "a file")]).path()), []);
}
