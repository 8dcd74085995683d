//! NVML through stand-in libraries built from `tests/nvml_stand_in.c`.

mod stand_in;
mod watch;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Gpus, Source, read_under};
use stand_in::StandIn;

/// What NVML's functions are called, and the fields that are missing without each.
const QUERIES: [(&str, &[&str]); 16] = [
    ("nvmlDeviceGetName", &["name"]),
    ("nvmlDeviceGetUUID", &["uuid"]),
    (
        "nvmlDeviceGetCudaComputeCapability",
        &["compute_capability"],
    ),
    ("nvmlDeviceGetNumGpuCores", &["cores"]),
    (
        "nvmlDeviceGetMemoryInfo_v2",
        &[
            "memory_total_bytes",
            "memory_free_bytes",
            "memory_used_bytes",
        ],
    ),
    (
        "nvmlDeviceGetClockInfo",
        &["graphics_clock_hz", "memory_clock_hz"],
    ),
    (
        "nvmlDeviceGetMaxClockInfo",
        &["max_graphics_clock_hz", "max_memory_clock_hz"],
    ),
    (
        "nvmlDeviceGetCurrentClocksThrottleReasons",
        &["throttle_reasons"],
    ),
    ("nvmlDeviceGetPowerUsage", &["power_milliwatts"]),
    (
        "nvmlDeviceGetEnforcedPowerLimit",
        &["power_limit_milliwatts"],
    ),
    ("nvmlDeviceGetTemperature", &["temperature_celsius"]),
    (
        "nvmlDeviceGetUtilizationRates",
        &["utilization_percent", "memory_utilization_percent"],
    ),
    ("nvmlDeviceGetCurrPcieLinkGeneration", &["pcie_generation"]),
    ("nvmlDeviceGetCurrPcieLinkWidth", &["pcie_lanes"]),
    (
        "nvmlDeviceGetMaxPcieLinkGeneration",
        &["max_pcie_generation"],
    ),
    ("nvmlDeviceGetMaxPcieLinkWidth", &["max_pcie_lanes"]),
];

fn read(defines: &[&str]) -> Gpus {
    StandIn::build(defines).read()
}

fn fields(gpus: &Gpus, index: usize) -> serde_json::Map<String, Value> {
    let gpu = serde_json::to_value(&gpus.gpus[index]).unwrap();
    gpu.as_object().unwrap().clone()
}

/// Names of the fields that are missing, besides the governor that NVML never has.
fn missing(gpus: &Gpus, index: usize) -> BTreeSet<String> {
    let fields = fields(gpus, index).into_iter();
    fields
        .filter(|(name, reading)| name != "governor" && reading.get("missing").is_some())
        .map(|(name, _)| name)
        .collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn every_field_of_a_sound_gpu_is_read() {
    let stand_in = StandIn::build(&[]);
    let gpus = serde_json::to_value(stand_in.read()).unwrap();
    let value = |value: Value| json!({ "value": value });
    assert_eq!(
        gpus,
        json!({
            "source": "nvml",
            "library": stand_in.path().to_str().unwrap(),
            "driver": value(json!("580.82.07")),
            "nvml": value(json!("13.580.82.07")),
            "reason": null,
            "gpus": [{
                "name": value(json!("NVIDIA Stand-In")),
                "uuid": value(json!("GPU-00000000-1111-2222-3333-444444444444")),
                "compute_capability": value(json!({ "major": 8, "minor": 7 })),
                "cores": value(json!(1024)),
                "memory_total_bytes": value(json!(8_000_000_000_u64)),
                "memory_free_bytes": value(json!(5_000_000_000_u64)),
                "memory_used_bytes": value(json!(3_000_000_000_u64)),
                "graphics_clock_hz": value(json!(1_410_000_000_u64)),
                "memory_clock_hz": value(json!(5_001_000_000_u64)),
                "max_graphics_clock_hz": value(json!(1_980_000_000_u64)),
                "max_memory_clock_hz": value(json!(7_001_000_000_u64)),
                "governor": { "missing": "NVML knows no governors; see throttle_reasons" },
                "throttle_reasons": value(json!(["sw_power_cap", "hw_thermal_slowdown"])),
                "power_milliwatts": value(json!(123_456)),
                "power_limit_milliwatts": value(json!(250_000)),
                "temperature_celsius": value(json!(61)),
                "utilization_percent": value(json!(42)),
                "memory_utilization_percent": value(json!(17)),
                "pcie_generation": value(json!(3)),
                "pcie_lanes": value(json!(8)),
                "max_pcie_generation": value(json!(4)),
                "max_pcie_lanes": value(json!(16)),
            }],
        })
    );
}

#[test]
fn a_query_that_fails_or_is_not_there_takes_only_its_own_fields() {
    let listed: usize = QUERIES.iter().map(|(_, fields)| fields.len()).sum();
    assert_eq!(fields(&read(&[]), 0).len(), listed + 1);
    for (query, expected) in QUERIES {
        let fails = format!("FAIL_IN=\"{query}\"");
        let absent = format!("{query}=absent");
        for (defines, reason) in [
            (vec![&*fails, "FAIL_WITH=15"], "dmesg"),
            (vec![&*absent], query),
        ] {
            let gpus = read(&defines);
            assert_eq!((gpus.source, &gpus.reason), (Some(Source::Nvml), &None));
            assert_eq!(missing(&gpus, 0), names(expected), "{defines:?}");
            for field in expected {
                let text = fields(&gpus, 0)[*field]["missing"].to_string();
                assert!(text.contains(reason), "{defines:?}: {text}");
            }
        }
    }
}

#[test]
fn every_failure_has_a_reason() {
    for (code, expected) in [
        ("1", "not first initialized"),
        (
            "3",
            "NotSupported: the driver does not give it on this board",
        ),
        ("4", "run as a user who may open /dev/nvidia*"),
        ("8", "attach the GPU's power cables"),
        ("9", "modprobe nvidia"),
        ("15", "restart the machine"),
        ("16", "restart the machine"),
        ("17", "control group"),
        ("18", "restart the machine"),
        ("999", "an internal driver error occurred"),
        ("12345", "12345"),
    ] {
        let with = format!("FAIL_WITH={code}");
        let gpus = read(&["FAIL_IN=\"nvmlDeviceGetPowerUsage\"", &with]);
        let reason = fields(&gpus, 0)["power_milliwatts"]["missing"].to_string();
        assert!(reason.contains(expected), "{code}: {reason}");
    }
}

#[test]
fn a_lost_gpu_does_not_hide_the_others() {
    for function in ["nvmlDeviceGet", "nvmlDeviceGetHandleByIndex_v2"] {
        let fails = format!("FAIL_IN=\"{function}\"");
        let gpus = read(&["GPUS=2", &fails, "FAIL_GPU=0", "FAIL_WITH=15"]);
        assert_eq!(gpus.gpus.len(), 2);
        assert!(gpus.gpus[0].name.value().is_none());
        assert_eq!(missing(&gpus, 0).len(), fields(&gpus, 0).len() - 1);
        assert!(missing(&gpus, 1).is_empty());
        assert_eq!(gpus.reason, None);
    }
}

#[test]
fn nvml_that_cannot_be_used_says_why_and_what_to_do() {
    for (defines, expected) in [
        (["FAIL_IN=\"nvmlInit\"", "FAIL_WITH=9"], "modprobe nvidia"),
        (["FAIL_IN=\"nvmlInit\"", "FAIL_WITH=18"], "restart"),
        (["FAIL_IN=\"nvmlInit\"", "FAIL_WITH=4"], "/dev/nvidia*"),
        (["FAIL_IN=\"nvmlInit\"", "FAIL_WITH=12"], "toolkit's stub"),
        (["nvmlInit_v2=absent", "GPUS=1"], "lacks nvmlInit_v2"),
        (
            ["FAIL_IN=\"nvmlDeviceGetCount_v2\"", "FAIL_WITH=999"],
            "does not count the GPUs: an internal driver error",
        ),
        (["nvmlDeviceGetCount_v2=absent", "GPUS=1"], "update it"),
        (["GPUS=0", "FAIL_WITH=1"], "NVML counts no GPU"),
    ] {
        let gpus = read(&defines);
        assert!(gpus.gpus.is_empty(), "{defines:?}");
        let reason = gpus.reason.unwrap();
        assert!(reason.contains(expected), "{defines:?}: {reason}");
        assert!(reason.contains("sysfs shows no GPU either"), "{reason}");
    }
}

#[test]
fn a_library_that_does_not_load_is_named_with_the_fix() {
    let empty = TempDir::new().unwrap();
    let empty = empty.path().join("empty.c");
    std::fs::write(&empty, "").unwrap();
    for (stand_in, expected) in [
        (StandIn::folder(), "there is no such file"),
        (StandIn::holding(b"not a library\n"), "it does not load"),
        (StandIn::holding(b""), "it does not load"),
        (StandIn::compile(&empty, &[]), "it is not NVML"),
    ] {
        let gpus = stand_in.read();
        assert_eq!((gpus.source, &gpus.library), (None, &None));
        let reason = gpus.reason.unwrap();
        assert!(reason.contains(expected), "{reason}");
        let named = format!("--nvml-lib {}: ", stand_in.path().display());
        assert!(reason.starts_with(&named), "{reason}");
        assert!(
            reason.contains("name the driver's libnvidia-ml.so.1"),
            "{reason}"
        );
        assert_eq!(
            gpus.driver,
            super::Reading::missing(reason.split("; sysfs").next().unwrap())
        );
    }
    for path in ["", ".", "libc.so.6", "a\nb.so"] {
        let gpus = read_under(Some(Path::new(path)), Path::new("no/such/root"));
        let reason = gpus.reason.unwrap();
        assert!(reason.contains("there is no such file"), "{reason}");
        assert!(!reason.contains(char::is_control), "{reason}");
    }
}

#[test]
fn a_library_without_its_system_functions_still_gives_gpus() {
    let gpus = read(&["FAIL_IN=\"nvmlSystem\"", "FAIL_WITH=999"]);
    assert!(gpus.driver.value().is_none() && gpus.nvml.value().is_none());
    assert!(missing(&gpus, 0).is_empty());
    for define in ["nvmlShutdown=absent", "FAIL_IN=\"nvmlShutdown\""] {
        assert!(missing(&read(&[define]), 0).is_empty());
    }
}

#[test]
fn figures_that_cannot_be_are_not_believed() {
    for number in ["-1", "0x7fffffff"] {
        let gpus = read(&[&format!("EVERY_NUMBER={number}"), "FREE_BYTES=1"]);
        let believed = fields(&gpus, 0)
            .into_iter()
            .filter(|(_, it)| it.get("value").is_some());
        let believed: Vec<_> = believed.map(|(name, _)| name).collect();
        let memory: &[&str] = match number {
            "-1" => &[],
            _ => &[
                "memory_free_bytes",
                "memory_total_bytes",
                "memory_used_bytes",
            ],
        };
        let expected = [memory, &["name", "throttle_reasons", "uuid"]].concat();
        assert_eq!(names(&expected), believed.into_iter().collect());
    }
    let gpus = read(&["FREE_BYTES=8000000001"]);
    let memory = QUERIES
        .iter()
        .find(|(query, _)| query.contains("Memory"))
        .unwrap();
    assert_eq!(missing(&gpus, 0), names(memory.1));
}

#[test]
fn texts_end_and_can_be_printed() {
    let gpu = |defines: &[&str]| fields(&read(defines), 0);
    assert_eq!(
        gpu(&["NAME=\"a\\033[31m\\n\\377b \""])["name"]["value"],
        "a\u{fffd}[31m\u{fffd}\u{fffd}b"
    );
    assert_eq!(gpu(&["FILL='x'"])["name"]["value"], "x".repeat(96));
    assert_eq!(gpu(&["FILL=255"])["uuid"]["value"], "\u{fffd}".repeat(96));
    assert_eq!(
        gpu(&["FILL=0"])["uuid"]["missing"],
        "the driver gives an empty text"
    );
}

#[test]
fn bits_without_a_name_are_kept() {
    for (bits, expected) in [
        ("0", json!([])),
        (
            "0x8000000000000001",
            json!(["gpu_idle", "0x8000000000000000"]),
        ),
    ] {
        let gpus = read(&[&format!("REASONS={bits}ull")]);
        assert_eq!(fields(&gpus, 0)["throttle_reasons"]["value"], expected);
    }
}

#[test]
fn a_huge_count_is_bounded() {
    let gpus = read(&["GPUS=4294967295"]);
    assert_eq!(gpus.gpus.len(), 64);
    let reason = gpus.reason.unwrap();
    assert!(reason.contains("4294967295 GPUs; the first 64"), "{reason}");
}

#[test]
fn a_board_on_which_nvml_refuses_everything_is_read_from_sysfs() {
    let root = TempDir::new().unwrap();
    let device = root.path().join("sys/class/devfreq/17000000.ga10b");
    std::fs::create_dir_all(&device).unwrap();
    std::fs::write(device.join("cur_freq"), "306000000\n").unwrap();
    let refuses = StandIn::build(&["FAIL_IN=\"nvmlDeviceGet\"", "FAIL_WITH=3"]);
    let uninstalled = StandIn::folder();
    for (stand_in, driver, why) in [
        (
            &refuses,
            true,
            "the figures come from sysfs: NVML gives neither memory",
        ),
        (
            &uninstalled,
            false,
            "the figures come from sysfs: --nvml-lib ",
        ),
    ] {
        let gpus = read_under(Some(&stand_in.path()), root.path());
        assert_eq!(gpus.source, Some(Source::Sysfs));
        assert_eq!(gpus.driver.value().is_some(), driver);
        assert_eq!(gpus.gpus.len(), 1);
        assert_eq!(
            gpus.gpus[0].graphics_clock_hz,
            super::Reading::Value(306_000_000)
        );
        let reason = gpus.reason.unwrap();
        assert!(reason.starts_with(why), "{reason}");
    }
    // A sound GPU in the same machine is NVML's.
    let sound = StandIn::build(&[]);
    assert_eq!(
        read_under(Some(&sound.path()), root.path()).source,
        Some(Source::Nvml)
    );
    // Without sysfs the GPU stays, and each field says why it is missing.
    let gpus = refuses.read();
    assert_eq!(gpus.source, Some(Source::Nvml));
    assert_eq!(missing(&gpus, 0).len(), fields(&gpus, 0).len() - 1);
    let name = fields(&gpus, 0)["name"]["missing"].to_string();
    assert!(name.contains("NotSupported"), "{name}");
    let reason = gpus.reason.unwrap();
    assert!(
        reason.ends_with("each field says why; sysfs shows no GPU either"),
        "{reason}"
    );
}
