/// Learning rate of each step: a linear warm-up, then half a cosine down to zero (Loshchilov &
/// Hutter 2017, arXiv 1608.03983, eq. 5), sized to the real number of steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WarmupCosine {
    pub peak: f64,
    pub warmup: usize,
    pub steps: usize,
}

impl WarmupCosine {
    /// A tenth of the steps warms up.
    pub fn new(peak: f64, steps: usize) -> Self {
        WarmupCosine {
            peak,
            warmup: steps / 10,
            steps,
        }
    }

    pub fn rate(&self, step: usize) -> f64 {
        if step < self.warmup {
            return self.peak * (step + 1) as f64 / self.warmup as f64;
        }
        let done = (step - self.warmup) as f64 / (self.steps - self.warmup).max(1) as f64;
        self.peak * 0.5 * (1.0 + (std::f64::consts::PI * done.min(1.0)).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::WarmupCosine;

    #[test]
    fn rises_falls_and_ends() {
        let schedule = WarmupCosine::new(1.0, 100);
        assert!((schedule.rate(0) - 0.1).abs() < 1e-12);
        assert!((schedule.rate(9) - 1.0).abs() < 1e-12);
        assert!((schedule.rate(55) - 0.5).abs() < 1e-12);
        assert!(schedule.rate(99) < 1e-3);
        assert!(schedule.rate(99) > 0.0);
        assert!(WarmupCosine::new(1.0, 1).rate(0) > 0.0);
    }
}
