//! Figures of a GPU while a model ran on it.

use edgefit_device::Reading;
use edgefit_device::gpu::Sample;
use indexmap::IndexMap;
use serde::Serialize;

/// A GPU while a model ran on it.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct GpuFigures {
    /// How often it was read.
    pub samples: usize,
    /// Power of the whole GPU.
    pub power_milliwatts: Option<Range<u64>>,
    /// Clock of its cores.
    pub graphics_clock_hz: Option<Range<u64>>,
    /// Clock of its memory.
    pub memory_clock_hz: Option<Range<u64>>,
    /// Temperature.
    pub temperature_celsius: Option<Range<i64>>,
    /// Memory in use by all processes.
    pub memory_used_bytes: Option<Range<u64>>,
    /// Memory in use by the process that ran the model.
    pub process_memory_bytes: Option<Range<u64>>,
    /// What held the clocks down at any time.
    pub throttle_reasons: Option<Vec<String>>,
    /// Why a figure is missing.
    pub missing: IndexMap<&'static str, String>,
}

/// The least and the most that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range<T> {
    /// Least.
    pub min: T,
    /// Most.
    pub max: T,
}

impl GpuFigures {
    /// Sums up `samples`; `None` of nothing.
    pub fn of(samples: &[&Sample]) -> Option<Self> {
        samples.first()?;
        let mut missing = IndexMap::new();
        let mut range = Ranges {
            samples,
            missing: &mut missing,
        };
        let power_milliwatts = range.of("power_milliwatts", |one| &one.power_milliwatts);
        let graphics_clock_hz = range.of("graphics_clock_hz", |one| &one.graphics_clock_hz);
        let memory_clock_hz = range.of("memory_clock_hz", |one| &one.memory_clock_hz);
        let temperature_celsius = range.of("temperature_celsius", |one| &one.temperature_celsius);
        let memory_used_bytes = range.of("memory_used_bytes", |one| &one.memory_used_bytes);
        let process_memory_bytes =
            range.of("process_memory_bytes", |one| &one.process_memory_bytes);
        let reasons = range.values("throttle_reasons", |one| &one.throttle_reasons);
        let throttle_reasons = (!reasons.is_empty()).then(|| {
            let mut all: Vec<String> = reasons.into_iter().flatten().cloned().collect();
            all.sort();
            all.dedup();
            all
        });
        Some(GpuFigures {
            samples: samples.len(),
            power_milliwatts,
            graphics_clock_hz,
            memory_clock_hz,
            temperature_celsius,
            memory_used_bytes,
            process_memory_bytes,
            throttle_reasons,
            missing,
        })
    }
}

struct Ranges<'a> {
    samples: &'a [&'a Sample],
    missing: &'a mut IndexMap<&'static str, String>,
}

impl<'a> Ranges<'a> {
    /// The values that there are; the reason is kept where there are none.
    fn values<T: 'a>(
        &mut self,
        name: &'static str,
        reading: impl Fn(&'a Sample) -> &'a Reading<T>,
    ) -> Vec<&'a T> {
        let values: Vec<&T> = self
            .samples
            .iter()
            .filter_map(|sample| reading(sample).value())
            .collect();
        if let (true, Some(Reading::Missing(reason))) = (
            values.is_empty(),
            self.samples.last().map(|one| reading(one)),
        ) {
            self.missing.insert(name, reason.clone());
        }
        values
    }

    fn of<T: Ord + Copy + 'a>(
        &mut self,
        name: &'static str,
        reading: impl Fn(&'a Sample) -> &'a Reading<T>,
    ) -> Option<Range<T>> {
        let values = self.values(name, reading);
        let min = values.iter().copied().min().copied()?;
        let max = values.into_iter().max().copied()?;
        Some(Range { min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_keeps_its_reason() {
        let sample = |watts| Sample {
            power_milliwatts: Reading::Value(watts),
            energy_millijoules: Reading::Value(1),
            graphics_clock_hz: Reading::Value(7),
            memory_clock_hz: Reading::Value(7),
            temperature_celsius: Reading::Value(50),
            throttle_reasons: Reading::Value(vec!["sw_power_cap".into()]),
            memory_used_bytes: Reading::Value(9),
            process_memory_bytes: Reading::Missing("not here".into()),
        };
        let (low, high) = (sample(3), sample(5));
        let figures = GpuFigures::of(&[&low, &high]).unwrap();
        assert_eq!(figures.power_milliwatts, Some(Range { min: 3, max: 5 }));
        assert_eq!(figures.throttle_reasons, Some(vec!["sw_power_cap".into()]));
        assert_eq!(figures.process_memory_bytes, None);
        assert_eq!(figures.missing["process_memory_bytes"], "not here");
        assert_eq!(GpuFigures::of(&[]), None);
    }
}
