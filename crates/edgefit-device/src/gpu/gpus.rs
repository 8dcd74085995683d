//! What is known of the GPUs of a machine.

use serde::{Deserialize, Serialize};

use super::reading::Reading;

/// The GPUs of this machine and where their figures come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gpus {
    /// Where the figures come from; none where neither NVML nor sysfs shows a GPU.
    pub source: Option<Source>,
    /// NVML library that answered: the path that was asked for, or the name that the system found.
    pub library: Option<String>,
    /// Version of the driver.
    pub driver: Reading<String>,
    /// Version of the NVML library.
    pub nvml: Reading<String>,
    /// GPUs in NVML's order; one that is lost keeps its place.
    pub gpus: Vec<Gpu>,
    /// Why there are no GPUs, why the figures are not NVML's, or why some GPUs are left out, with
    /// the fix.
    pub reason: Option<String>,
}

/// Where the figures of GPUs come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The NVIDIA Management Library.
    Nvml,
    /// The kernel's files under `/sys`, as on a Jetson.
    Sysfs,
}

/// One GPU, as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gpu {
    /// Human-readable name.
    pub name: Reading<String>,
    /// Identifier that stays with the GPU.
    pub uuid: Reading<String>,
    /// CUDA compute capability.
    pub compute_capability: Reading<ComputeCapability>,
    /// CUDA cores.
    pub cores: Reading<u64>,
    /// Memory of its own.
    pub memory_total_bytes: Reading<u64>,
    /// Memory that is free now.
    pub memory_free_bytes: Reading<u64>,
    /// Memory that is in use now.
    pub memory_used_bytes: Reading<u64>,
    /// Clock of the cores.
    pub graphics_clock_hz: Reading<u64>,
    /// Clock of the memory.
    pub memory_clock_hz: Reading<u64>,
    /// Highest clock of the cores; from sysfs, the highest that the power mode allows.
    pub max_graphics_clock_hz: Reading<u64>,
    /// Highest clock of the memory.
    pub max_memory_clock_hz: Reading<u64>,
    /// Policy that sets the clock of the cores, such as `nvhost_podgov`.
    pub governor: Reading<String>,
    /// What holds the clocks down now, in NVML's words; a bit without a name as hexadecimal.
    pub throttle_reasons: Reading<Vec<String>>,
    /// Power drawn now.
    pub power_milliwatts: Reading<u64>,
    /// Power that the driver enforces as the limit.
    pub power_limit_milliwatts: Reading<u64>,
    /// Temperature of the chip.
    pub temperature_celsius: Reading<i64>,
    /// Share of the last moment in which the cores were at work.
    pub utilization_percent: Reading<u64>,
    /// Share of the last moment in which the memory was read or written.
    pub memory_utilization_percent: Reading<u64>,
    /// Generation of the PCIe link now; an idle GPU lowers it.
    pub pcie_generation: Reading<u64>,
    /// Lanes of the PCIe link now.
    pub pcie_lanes: Reading<u64>,
    /// Highest generation of PCIe that GPU and slot share.
    pub max_pcie_generation: Reading<u64>,
    /// Most lanes that GPU and slot share.
    pub max_pcie_lanes: Reading<u64>,
}

/// What a GPU can run, as CUDA counts it: 8.7 is major 8, minor 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ComputeCapability {
    pub major: u32,
    pub minor: u32,
}

impl Gpus {
    /// No GPU, and no NVML for `reason`.
    pub(super) fn none(reason: &str) -> Self {
        Gpus {
            source: None,
            library: None,
            driver: Reading::missing(reason),
            nvml: Reading::missing(reason),
            gpus: Vec::new(),
            reason: None,
        }
    }
}

impl Gpu {
    /// A GPU of which nothing is known, for one `reason`.
    pub(super) fn unknown(reason: &str) -> Self {
        Gpu {
            name: Reading::missing(reason),
            uuid: Reading::missing(reason),
            compute_capability: Reading::missing(reason),
            cores: Reading::missing(reason),
            memory_total_bytes: Reading::missing(reason),
            memory_free_bytes: Reading::missing(reason),
            memory_used_bytes: Reading::missing(reason),
            graphics_clock_hz: Reading::missing(reason),
            memory_clock_hz: Reading::missing(reason),
            max_graphics_clock_hz: Reading::missing(reason),
            max_memory_clock_hz: Reading::missing(reason),
            governor: Reading::missing(reason),
            throttle_reasons: Reading::missing(reason),
            power_milliwatts: Reading::missing(reason),
            power_limit_milliwatts: Reading::missing(reason),
            temperature_celsius: Reading::missing(reason),
            utilization_percent: Reading::missing(reason),
            memory_utilization_percent: Reading::missing(reason),
            pcie_generation: Reading::missing(reason),
            pcie_lanes: Reading::missing(reason),
            max_pcie_generation: Reading::missing(reason),
            max_pcie_lanes: Reading::missing(reason),
        }
    }

    /// Whether NVML measures it; on Jetsons it gives a name, and on some of them a load.
    pub(super) fn is_measured(&self) -> bool {
        [
            &self.memory_total_bytes,
            &self.graphics_clock_hz,
            &self.power_milliwatts,
        ]
        .iter()
        .any(|reading| reading.value().is_some())
    }
}
