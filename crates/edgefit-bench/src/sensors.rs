//! Sensors that are read while a model runs: energy, and the GPU where it runs on one.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use edgefit_device::gpu::{Sample, Watch};
use edgefit_engine::Provider;
use serde::{Deserialize, Serialize};

use crate::energy::Meter;

/// Time between two samples.
const INTERVAL: Duration = Duration::from_millis(10);

/// Energy meters and a GPU, opened.
pub(crate) struct Sensors {
    meter: Meter,
    gpu: Option<Watch>,
    process: u32,
    /// Where energy comes from, and what there is none of.
    pub sources: Sources,
}

/// Where figures come from, or why there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// What counts the energy, such as `RAPL`; none where one of the parts that it is to be summed
    /// from cannot be read.
    pub energy: Option<String>,
    /// Why energy is missing.
    pub energy_missing: Option<String>,
    /// Why the GPU, if the model runs on one, cannot be watched.
    pub gpu_missing: Option<String>,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    /// Microjoules of everything that is counted.
    pub energy_uj: Option<u64>,
    /// The GPU, from moment to moment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpu: Vec<Sample>,
}

impl Sensors {
    /// Opens what the machine has; a GPU where the model runs on one.
    pub fn open(provider: Provider) -> Self {
        let visible = std::env::var("CUDA_VISIBLE_DEVICES").unwrap_or_default();
        let gpu = (provider == Provider::Cuda).then(|| Watch::open(None, &visible));
        Self::of(Meter::of(Path::new("/")), gpu)
    }

    fn of(meter: Meter, gpu: Option<Result<Watch, String>>) -> Self {
        let (gpu, gpu_missing) = match gpu {
            Some(Ok(watch)) => (Some(watch), None),
            Some(Err(reason)) => (None, Some(reason)),
            None => (None, None),
        };
        let (energy, energy_missing) = match (meter.source(), &gpu, &gpu_missing) {
            (_, _, Some(reason)) => (None, Some(reason.clone())),
            (Ok(source), None, None) => (Some(source.to_owned()), None),
            (Ok(source), Some(_), None) => (Some(format!("{source} and NVML")), None),
            (Err(_), Some(_), None) => (Some("NVML, the GPU alone".to_owned()), None),
            (Err(reason), None, None) => (None, Some(reason)),
        };
        Sensors {
            meter,
            gpu,
            process: std::process::id(),
            sources: Sources {
                energy,
                energy_missing,
                gpu_missing,
            },
        }
    }

    /// Does `work` and reads the sensors meanwhile. Those that need no sampling start no thread.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> (T, Readings) {
        let before = self.meter.read();
        let samples = matches!(self.meter, Meter::Sensors(_)) || self.gpu.is_some();
        let (done, mut readings) = if samples {
            self.sampled(work)
        } else {
            (work(), Readings::default())
        };
        if let Some(used) = self.meter.used_uj(before) {
            readings.energy_uj = Some(readings.energy_uj.unwrap_or(0) + used);
        }
        (done, readings)
    }

    fn sampled<T>(&self, work: impl FnOnce() -> T) -> (T, Readings) {
        let ended = AtomicBool::new(false);
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let sampler = scope.spawn(|| self.sample(begun, &ended));
            let done = work();
            ended.store(true, Ordering::Release);
            sampler.thread().unpark();
            (done, sampler.join().unwrap_or_default())
        })
    }

    fn sample(&self, begun: Instant, ended: &AtomicBool) -> Readings {
        let mut readings = Readings::default();
        // The energy of each in picojoules, which are microwatts by microseconds.
        let (mut of_board, mut of_gpu) = (Some(0), Some(0));
        let mut last = begun;
        loop {
            let is_last = ended.load(Ordering::Acquire);
            let now = Instant::now();
            let passed = now.duration_since(last).as_micros() as u64;
            last = now;
            let add = |sum: Option<u64>, microwatts: Option<u64>| {
                sum?.checked_add(microwatts?.checked_mul(passed)?)
            };
            if matches!(self.meter, Meter::Sensors(_)) {
                of_board = add(of_board, self.meter.microwatts());
            }
            if let Some(gpu) = &self.gpu {
                let sample = gpu.now(self.process);
                let milliwatts = sample.power_milliwatts.value();
                of_gpu = add(of_gpu, milliwatts.map(|milliwatts| milliwatts * 1000));
                readings.gpu.push(sample);
            }
            if is_last {
                readings.energy_uj = of_board.zip(of_gpu).map(|(a, b)| (a + b) / 1_000_000);
                return readings;
            }
            std::thread::park_timeout(INTERVAL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_power_of_a_board_is_summed_up_over_time() {
        let root = tempfile::tempdir().unwrap();
        let chip = root.path().join("sys/class/hwmon/hwmon0");
        std::fs::create_dir_all(&chip).unwrap();
        std::fs::write(chip.join("name"), "ina226\n").unwrap();
        std::fs::write(chip.join("power1_input"), "4000000\n").unwrap();
        let sensors = Sensors::of(Meter::of(root.path()), None);
        assert_eq!(sensors.sources.energy.as_deref(), Some("power sensor"));
        let begun = Instant::now();
        let (_, readings) = sensors.during(|| std::thread::sleep(Duration::from_millis(50)));
        let most = 4.0 * begun.elapsed().as_micros() as f64;
        let energy = readings.energy_uj.unwrap() as f64;
        assert!((4.0 * 50_000.0..=most).contains(&energy), "{energy} {most}");
    }

    #[test]
    fn a_gpu_that_cannot_be_watched_leaves_no_sum() {
        let nothing = tempfile::tempdir().unwrap();
        let sensors = Sensors::of(Meter::of(nothing.path()), Some(Err("no driver".into())));
        assert_eq!(sensors.sources.energy, None);
        assert_eq!(sensors.sources.gpu_missing.as_deref(), Some("no driver"));
        let (four, readings) = sensors.during(|| 4);
        assert_eq!((four, readings), (4, Readings::default()));
    }
}
