//! A GPU that is sampled while something runs on it.

use std::path::Path;

use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::Clock;
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use serde::{Deserialize, Serialize};

use super::nvml::{
    MEGAHERTZ, MILLIWATTS, Opened, figure, memory, reason, temperature, throttle_reasons,
};
use super::reading::Reading;

/// A GPU that is looked at again and again while something runs on it.
pub struct Watch {
    nvml: Opened,
    gpu: Index,
}

enum Index {
    Number(u32),
    Uuid(String),
}

/// A GPU at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Power drawn now.
    pub power_milliwatts: Reading<u64>,
    /// Energy since the driver was loaded.
    pub energy_millijoules: Reading<u64>,
    /// Clock of the cores.
    pub graphics_clock_hz: Reading<u64>,
    /// Clock of the memory.
    pub memory_clock_hz: Reading<u64>,
    /// Temperature of the chip.
    pub temperature_celsius: Reading<i64>,
    /// What holds the clocks down now, in NVML's words.
    pub throttle_reasons: Reading<Vec<String>>,
    /// Memory that is in use by anybody.
    pub memory_used_bytes: Reading<u64>,
    /// Memory of the process that is watched.
    pub process_memory_bytes: Reading<u64>,
}

impl Watch {
    /// Opens NVML (`library`, or the system's) for the first GPU that `visible` names, in the form of
    /// `CUDA_VISIBLE_DEVICES`; the first of all if it is empty. CUDA counts as NVML does where
    /// `CUDA_DEVICE_ORDER` is `PCI_BUS_ID`.
    ///
    /// # Errors
    /// NVML cannot be used, or knows no such GPU; the text says why, with the fix.
    pub fn open(library: Option<&Path>, visible: &str) -> Result<Self, String> {
        let first = visible.split(',').next().unwrap_or_default().trim();
        let gpu = match (first, first.parse()) {
            ("", _) => Index::Number(0),
            (_, Ok(number)) => Index::Number(number),
            (uuid, Err(_)) => Index::Uuid(uuid.to_owned()),
        };
        let watch = Watch {
            nvml: Opened::open(library)?,
            gpu,
        };
        match watch.device() {
            Ok(_) => Ok(watch),
            Err(error) => Err(format!("NVML does not show the GPU: {}", reason(error))),
        }
    }

    fn device(&self) -> Result<Device<'_>, NvmlError> {
        match &self.gpu {
            Index::Number(number) => self.nvml.device_by_index(*number),
            Index::Uuid(uuid) => self.nvml.device_by_uuid(uuid.as_str()),
        }
    }

    /// The GPU now, and the memory that the process of number `process` has there.
    pub fn now(&self, process: u32) -> Sample {
        let device = match self.device() {
            Ok(device) => device,
            Err(error) => return Sample::unknown(&reason(error)),
        };
        let clock = |of| figure(device.clock_info(of).map_err(reason), &MEGAHERTZ);
        Sample {
            power_milliwatts: figure(device.power_usage().map_err(reason), &MILLIWATTS),
            energy_millijoules: device.total_energy_consumption().map_err(reason).into(),
            graphics_clock_hz: clock(Clock::Graphics),
            memory_clock_hz: clock(Clock::Memory),
            temperature_celsius: temperature(&device).into(),
            throttle_reasons: throttle_reasons(&device).into(),
            memory_used_bytes: memory(&device).map(|memory| memory.used).into(),
            process_memory_bytes: of_process(&device, process).into(),
        }
    }
}

impl Sample {
    fn unknown(reason: &str) -> Self {
        Sample {
            power_milliwatts: Reading::missing(reason),
            energy_millijoules: Reading::missing(reason),
            graphics_clock_hz: Reading::missing(reason),
            memory_clock_hz: Reading::missing(reason),
            temperature_celsius: Reading::missing(reason),
            throttle_reasons: Reading::missing(reason),
            memory_used_bytes: Reading::missing(reason),
            process_memory_bytes: Reading::missing(reason),
        }
    }
}

fn of_process(device: &Device, process: u32) -> Result<u64, String> {
    let running = device.running_compute_processes().map_err(reason)?;
    let found = running.iter().find(|running| running.pid == process);
    match found.map(|found| &found.used_gpu_memory) {
        Some(UsedGpuMemory::Used(bytes)) => Ok(*bytes),
        Some(UsedGpuMemory::Unavailable) => {
            Err("the driver does not give it on this system".into())
        }
        None => Err(format!(
            "NVML does not list process {process}: in a container it counts as the host does; see \
             memory_used_bytes"
        )),
    }
}
