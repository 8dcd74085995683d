//! Time from data-sheet peaks, for devices that no probe has run on.

use edgefit_device::ElementType;
use edgefit_device::profile::Class;

use super::node_latency::Bound;
use super::target::Target;

/// How far above the roofline a run may take. Engines reach from nearly all of a processor's peak,
/// in large dense convolutions, down to a tenth, in depthwise ones and in reference kernels.
const SLOWEST: f64 = 10.0;

/// Highest rates of a device: the roofline of Williams, Waterman & Patterson 2009 («Roofline: an
/// insightful visual performance model for multicore architectures»).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Roofline {
    macs_per_second: f64,
    /// None where the profile does not know it.
    bytes_per_second: Option<f64>,
    /// What the smallest kernel takes, launch and all: 0 on a processor, `None` where it is not known.
    kernel_ns: Option<u64>,
}

/// Between what an op takes.
pub(crate) struct TimeRange {
    /// At best.
    pub low_ns: u64,
    /// At worst; `None` where something that takes time is not known.
    pub high_ns: Option<u64>,
    /// What keeps it from being faster, as far as that is known.
    pub bound: Bound,
}

impl TimeRange {
    /// The middle of the two ends, as factors.
    pub fn likely_ns(&self) -> Option<u64> {
        let high = self.high_ns?;
        Some((self.low_ns as f64 * high as f64).sqrt() as u64)
    }
}

impl Roofline {
    /// That of `target`; `None` without a peak.
    pub fn of(target: Target) -> Option<Roofline> {
        let Target {
            profile,
            engine,
            element_type,
            threads,
        } = target;
        let peak = &profile.peak;
        let (cpu, accelerator) = match element_type {
            ElementType::F32 => (
                &peak.cpu_f32_macs_per_second,
                &peak.accelerator_f32_macs_per_second,
            ),
            ElementType::F16 => (
                &peak.cpu_f16_macs_per_second,
                &peak.accelerator_f16_macs_per_second,
            ),
            ElementType::Int8 => (
                &peak.cpu_int8_macs_per_second,
                &peak.accelerator_int8_macs_per_second,
            ),
        };
        let on_cpu =
            profile.class != Class::Gpu && engine.is_none_or(|engine| engine.name.is_cpu_only());
        let (macs_per_second, kernel_ns) = match accelerator {
            Some(peak) if !on_cpu => {
                let kernel = profile.accelerator.as_ref()?.kernel_ns.as_ref();
                (peak.value as f64, kernel.map(|figure| figure.value))
            }
            _ => {
                let cores = profile.cpu.cores.value.max(1);
                let used = u64::from(threads).clamp(1, cores);
                (
                    cpu.as_ref()?.value as f64 * used as f64 / cores as f64,
                    Some(0),
                )
            }
        };
        let memory = &profile.memory;
        let bandwidth = memory
            .measured_bandwidth_bytes_per_second
            .as_ref()
            .or(memory.bandwidth_bytes_per_second.as_ref());
        Some(Roofline {
            macs_per_second,
            bytes_per_second: bandwidth.map(|figure| figure.value as f64),
            kernel_ns,
        })
    }

    /// What an op takes and what bounds it; its bytes are `width` times as many as the model stores.
    /// `nodes` of the graph run in it, which are one kernel at best, and one each at worst.
    pub fn range(&self, macs: u64, bytes: u64, width: f64, nodes: usize) -> TimeRange {
        let compute = macs as f64 / self.macs_per_second;
        let memory = self
            .bytes_per_second
            .map_or(0.0, |rate| bytes as f64 * width / rate);
        let work = (compute.max(memory) * 1e9).ceil() as u64;
        let kernel = self.kernel_ns.unwrap_or(0);
        let bound = match (macs, bytes) {
            (0, 0) => Bound::Overhead,
            _ if kernel > work => Bound::Overhead,
            _ if compute > memory => Bound::Compute,
            _ => Bound::Memory,
        };
        let most = work.max(kernel.saturating_mul(nodes as u64));
        let known = self.bytes_per_second.is_some() && self.kernel_ns.is_some();
        TimeRange {
            low_ns: work.max(kernel),
            high_ns: known.then_some((most as f64 * SLOWEST) as u64),
            bound,
        }
    }
}
