//! GPUs through the NVIDIA Management Library.

use std::ffi::{c_char, c_uint};
use std::fmt::Display;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::path::Path;

use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::error::{Bits, NvmlError, nvml_try};
use nvml_wrapper::struct_wrappers::device::MemoryInfo;
use nvml_wrapper::{Device, Nvml};

use super::gpus::{ComputeCapability, Gpu, Gpus, Source};
use super::reading::{Reading, believed, printable};

/// Name under which the system's folders are searched.
const SYSTEM_LIBRARY: &str = "libnvidia-ml.so.1";

/// Most GPUs that are asked, whatever the library counts.
const MAX_GPUS: u32 = 64;

/// Longest text that NVML gives, in bytes, its NUL included.
const MAX_TEXT: usize = 96;

/// Largest memory that is believed, in bytes.
const MAX_MEMORY: u64 = 1 << 50;

/// Temperatures that are believed, in degrees Celsius.
const TEMPERATURES: std::ops::RangeInclusive<i64> = 0..=1_000;

/// How NVML counts a figure, and the largest that is believed.
pub(super) struct Unit {
    name: &'static str,
    max: u32,
    /// Factor to the unit that the field's name ends in.
    scale: u64,
}

pub(super) const MEGAHERTZ: Unit = Unit {
    name: "MHz",
    max: 100_000,
    scale: 1_000_000,
};
pub(super) const MILLIWATTS: Unit = unit("mW", 100_000_000);
const PERCENT: Unit = unit("%", 100);
const CORES: Unit = unit("cores", 10_000_000);
const GENERATIONS: Unit = unit("as the PCIe generation", 100);
const LANES: Unit = unit("PCIe lanes", 1_000);

const fn unit(name: &'static str, max: u32) -> Unit {
    Unit {
        name,
        max,
        scale: 1,
    }
}

/// Every GPU that NVML counts.
///
/// # Errors
/// NVML cannot be used; the text says why, with the fix.
pub(super) fn read(library: Option<&Path>) -> Result<Gpus, String> {
    ask(&Opened::open(library)?.0, library)
}

/// NVML, started.
pub(super) struct Opened(ManuallyDrop<Nvml>);

impl Opened {
    /// Loads `library`, or the system's.
    ///
    /// # Errors
    /// NVML cannot be used; the text says why, with the fix.
    pub fn open(library: Option<&Path>) -> Result<Self, String> {
        open(library).map(|nvml| Opened(ManuallyDrop::new(nvml)))
    }
}

impl Deref for Opened {
    type Target = Nvml;

    fn deref(&self) -> &Nvml {
        &self.0
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // Dropping `Nvml` calls `nvmlShutdown` and panics where the library has none.
        if self.0.lib().nvmlShutdown.is_ok() {
            // SAFETY: it is dropped here only, and never used again.
            unsafe { ManuallyDrop::drop(&mut self.0) };
        }
    }
}

fn open(library: Option<&Path>) -> Result<Nvml, String> {
    let Some(path) = library else {
        return Nvml::init().map_err(|error| match error {
            NvmlError::LibloadingError(error) => printable(format!(
                "NVML does not load: {error}; install the NVIDIA driver, or name its library with \
                 --nvml-lib"
            )),
            error => format!("NVML does not start: {}", reason(error)),
        });
    };
    let fail = |problem| printable(format!("--nvml-lib {}: {problem}", path.display()));
    let fix =
        format!("name the driver's {SYSTEM_LIBRARY}, or leave the flag out to use the system's");
    // The loader would search the system's folders for a name without a slash.
    let file = std::path::absolute(path)
        .ok()
        .filter(|file| file.is_file())
        .ok_or_else(|| fail(format!("there is no such file; {fix}")))?;
    let opened = Nvml::builder().lib_path(file.as_os_str()).init();
    opened.map_err(|error| {
        fail(match error {
            NvmlError::LibloadingError(error) => format!("it does not load: {error}; {fix}"),
            NvmlError::FailedToLoadSymbol(_) => {
                format!("it is not NVML, for it lacks nvmlInit_v2; {fix}")
            }
            error => format!("NVML does not start: {}", reason(error)),
        })
    })
}

fn ask(nvml: &Nvml, library: Option<&Path>) -> Result<Gpus, String> {
    let count = nvml
        .device_count()
        .map_err(|error| format!("NVML does not count the GPUs: {}", reason(error)))?;
    let gpus = (0..count.min(MAX_GPUS))
        .map(|index| match nvml.device_by_index(index) {
            Ok(device) => gpu(nvml, &device),
            Err(error) => Gpu::unknown(&reason(error)),
        })
        .collect();
    let lib = nvml.lib();
    Ok(Gpus {
        source: Some(Source::Nvml),
        library: Some(library.map_or(SYSTEM_LIBRARY.to_owned(), |path| {
            printable(path.display().to_string())
        })),
        driver: text(
            lib.nvmlSystemGetDriverVersion.as_ref(),
            // SAFETY: NVML writes at most the length it is given.
            |function, room, length| unsafe { function(room, length) },
        ),
        nvml: text(
            lib.nvmlSystemGetNVMLVersion.as_ref(),
            // SAFETY: as above.
            |function, room, length| unsafe { function(room, length) },
        ),
        gpus,
        reason: (count > MAX_GPUS)
            .then(|| format!("NVML counts {count} GPUs; the first {MAX_GPUS} were asked")),
    })
}

fn gpu(nvml: &Nvml, device: &Device) -> Gpu {
    let lib = nvml.lib();
    // SAFETY: the handle is used only while `device`, and so NVML, lives.
    let handle = unsafe { device.handle() };
    let memory = memory(device);
    let load = device.utilization_rates().map_err(reason);
    let clock = |of| figure(device.clock_info(of).map_err(reason), &MEGAHERTZ);
    let max_clock = |of| figure(device.max_clock_info(of).map_err(reason), &MEGAHERTZ);
    Gpu {
        name: text(
            lib.nvmlDeviceGetName.as_ref(),
            // SAFETY: the handle is NVML's, which writes at most the length it is given.
            |function, room, length| unsafe { function(handle, room, length) },
        ),
        uuid: text(
            lib.nvmlDeviceGetUUID.as_ref(),
            // SAFETY: as above.
            |function, room, length| unsafe { function(handle, room, length) },
        ),
        compute_capability: compute_capability(device).into(),
        cores: figure(device.num_cores().map_err(reason), &CORES),
        memory_total_bytes: part(&memory, |memory| memory.total).into(),
        memory_free_bytes: part(&memory, |memory| memory.free).into(),
        memory_used_bytes: part(&memory, |memory| memory.used).into(),
        graphics_clock_hz: clock(Clock::Graphics),
        memory_clock_hz: clock(Clock::Memory),
        max_graphics_clock_hz: max_clock(Clock::Graphics),
        max_memory_clock_hz: max_clock(Clock::Memory),
        governor: Reading::missing("NVML knows no governors; see throttle_reasons"),
        throttle_reasons: throttle_reasons(device).into(),
        power_milliwatts: figure(device.power_usage().map_err(reason), &MILLIWATTS),
        power_limit_milliwatts: figure(device.enforced_power_limit().map_err(reason), &MILLIWATTS),
        temperature_celsius: temperature(device).into(),
        utilization_percent: figure(part(&load, |load| load.gpu), &PERCENT),
        memory_utilization_percent: figure(part(&load, |load| load.memory), &PERCENT),
        pcie_generation: figure(device.current_pcie_link_gen().map_err(reason), &GENERATIONS),
        pcie_lanes: figure(device.current_pcie_link_width().map_err(reason), &LANES),
        max_pcie_generation: figure(device.max_pcie_link_gen().map_err(reason), &GENERATIONS),
        max_pcie_lanes: figure(device.max_pcie_link_width().map_err(reason), &LANES),
    }
}

pub(super) fn memory(device: &Device) -> Result<MemoryInfo, String> {
    let memory = device.memory_info().map_err(reason)?;
    let (total, free, used) = (memory.total, memory.free, memory.used);
    if total <= MAX_MEMORY && free <= total && used <= total {
        Ok(memory)
    } else {
        Err(format!(
            "the driver says {total} bytes, {free} free and {used} used, which cannot be"
        ))
    }
}

pub(super) fn temperature(device: &Device) -> Result<i64, String> {
    let celsius = device.temperature(TemperatureSensor::Gpu).map_err(reason)?;
    believed(i64::from(celsius), TEMPERATURES, "°C")
}

fn compute_capability(device: &Device) -> Result<ComputeCapability, String> {
    let version = device.cuda_compute_capability().map_err(reason)?;
    let number = |version: i32| {
        let version = believed(version, 0..=1_000, "as the compute capability")?;
        u32::try_from(version).map_err(|error| error.to_string())
    };
    Ok(ComputeCapability {
        major: number(version.major)?,
        minor: number(version.minor)?,
    })
}

pub(super) fn throttle_reasons(device: &Device) -> Result<Vec<String>, String> {
    let bits = match device.current_throttle_reasons_strict() {
        Ok(known) => known,
        Err(NvmlError::IncorrectBits(Bits::U64(bits))) => ThrottleReasons::from_bits_retain(bits),
        Err(error) => return Err(reason(error)),
    };
    let mut known = bits.iter_names();
    let mut names: Vec<_> = known
        .by_ref()
        .map(|(name, _)| name.to_lowercase())
        .collect();
    let unknown = known.remaining().bits();
    if unknown != 0 {
        names.push(format!("{unknown:#x}"));
    }
    Ok(names)
}

fn part<W, T>(whole: &Result<W, String>, part: impl FnOnce(&W) -> T) -> Result<T, String> {
    whole.as_ref().map(part).map_err(String::clone)
}

pub(super) fn figure(answer: Result<u32, String>, unit: &Unit) -> Reading<u64> {
    answer
        .and_then(|figure| believed(figure, 0..=unit.max, unit.name))
        .map(|figure| u64::from(figure) * unit.scale)
        .into()
}

/// A text that `call` has NVML write.
///
/// The crate's own methods read on to the next NUL, even past their buffer; here it ends in one
/// whatever the library writes, and a text that is not UTF-8 is not lost.
fn text<F, E: Display>(
    symbol: Result<&F, &E>,
    call: impl FnOnce(&F, *mut c_char, c_uint) -> c_uint,
) -> Reading<String> {
    let mut buffer = [0_u8; MAX_TEXT + 1];
    symbol
        .map_err(|error| NvmlError::FailedToLoadSymbol(error.to_string()))
        .and_then(|function| {
            nvml_try(call(
                function,
                buffer.as_mut_ptr().cast(),
                MAX_TEXT as c_uint,
            ))
        })
        .map_err(reason)
        .and_then(|()| match printable(buffer) {
            text if text.is_empty() => Err("the driver gives an empty text".to_owned()),
            text => Ok(text),
        })
        .into()
}

/// Why NVML gives no answer, with the fix.
pub(super) fn reason(error: NvmlError) -> String {
    let fix = match &error {
        NvmlError::NotSupported => {
            return "NotSupported: the driver does not give it on this board".into();
        }
        NvmlError::FailedToLoadSymbol(_) => "the driver is older than this; update it",
        NvmlError::LibraryNotFound => "use the driver's library, not the CUDA toolkit's stub",
        NvmlError::NoPermission => "run as a user who may open /dev/nvidia*",
        NvmlError::DriverNotLoaded => "load it with `modprobe nvidia`, or install it",
        NvmlError::LibRmVersionMismatch => {
            "the driver was updated while it ran; restart the machine"
        }
        NvmlError::GpuLost | NvmlError::ResetRequired => {
            "restart the machine; `dmesg | grep Xid` says more"
        }
        NvmlError::InsufficientPower => "attach the GPU's power cables",
        NvmlError::OperatingSystem => "give this container or control group the GPU",
        _ => return printable(error.to_string()),
    };
    printable(format!("{error}; {fix}"))
}
