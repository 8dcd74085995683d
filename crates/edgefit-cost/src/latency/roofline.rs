//! Time from data-sheet peaks, for devices that no probe has run on.

use edgefit_device::ElementType;
use edgefit_device::profile::Class;

use super::node_latency::Bound;
use super::target::Target;

/// Highest rates of a device: the roofline of Williams, Waterman & Patterson 2009 («Roofline: an
/// insightful visual performance model for multicore architectures»).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Roofline {
    macs_per_second: f64,
    /// None where the profile does not know it: then, memory is taken to keep up.
    bytes_per_second: Option<f64>,
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
        let macs_per_second = match accelerator {
            Some(peak) if !on_cpu => peak.value as f64,
            _ => {
                let cores = profile.cpu.cores.value.max(1);
                let used = u64::from(threads).clamp(1, cores);
                cpu.as_ref()?.value as f64 * used as f64 / cores as f64
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
        })
    }

    /// Nanoseconds of an op and what bounds it; its bytes are `width` times as many as the model
    /// stores.
    pub fn ns(&self, macs: u64, bytes: u64, width: f64) -> (u64, Bound) {
        let compute = macs as f64 / self.macs_per_second;
        let memory = self
            .bytes_per_second
            .map_or(0.0, |rate| bytes as f64 * width / rate);
        let ns = (compute.max(memory) * 1e9).ceil() as u64;
        let bound = match (macs, bytes) {
            (0, 0) => Bound::Overhead,
            _ if compute > memory => Bound::Compute,
            _ => Bound::Memory,
        };
        (ns, bound)
    }
}
