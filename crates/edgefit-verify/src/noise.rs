//! The difference of a quantised result from the float one as noise: how large it is, and which answers
//! noise of that size changes by itself.

use edgefit_base::statistics::{argmax, normal_tail};
use edgefit_engine::Array;

/// Standard deviations that a number of changed answers may be above what is expected.
const DEVIATIONS: f64 = 3.0;

/// The difference of two results.
pub(crate) struct Noise {
    /// Cosine of the angle between them; 1 where both are 0.
    pub cosine: f64,
    signal: f64,
    noise: f64,
}

/// Answers that are the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Top1 {
    /// Their share.
    pub agree: f64,
    /// The share that is expected of noise of this size.
    pub expected: f64,
    /// The least share that is explained by it.
    pub least: f64,
}

impl Noise {
    /// That of `quantized`; `None` where the shapes differ.
    pub(crate) fn of(float: &Array, quantized: &Array) -> Option<Self> {
        if float.dims != quantized.dims {
            return None;
        }
        let (mut signal, mut noise, mut dot, mut other) = (0f64, 0f64, 0f64, 0f64);
        for (&x, &y) in float.values.iter().zip(&quantized.values) {
            let (x, y) = (f64::from(x), f64::from(y));
            signal += x * x;
            other += y * y;
            dot += x * y;
            noise += (x - y) * (x - y);
        }
        let cosine = if signal == 0.0 && other == 0.0 {
            1.0
        } else {
            dot / (signal * other).sqrt().max(f64::MIN_POSITIVE)
        };
        Some(Noise {
            cosine,
            signal,
            noise,
        })
    }

    /// Signal to noise in decibels; `None` without noise, and of what is no number.
    pub(crate) fn sqnr_db(&self) -> Option<f64> {
        let decibels = 10.0 * (self.signal / self.noise).log10();
        decibels.is_finite().then_some(decibels)
    }

    /// Length of the noise by that of the signal.
    pub(crate) fn relative(&self) -> f64 {
        (self.noise / self.signal.max(f64::MIN_POSITIVE)).sqrt()
    }

    /// Answers that are the same, of results with a row of several elements for each sample.
    ///
    /// The noise of a row less its mean is taken as normal and independent, with one deviation σ for all
    /// rows and classes. Then the class in front is overtaken by one that is a margin m behind with
    /// probability Q(m / (σ√2)), and by any with the sum of these at most. The number of changed answers
    /// is explained up to three standard deviations, and one, above its expectation.
    pub(super) fn top1(&self, float: &Array, quantized: &Array) -> Option<Top1> {
        let &[samples, classes] = float.dims.as_slice() else {
            return None;
        };
        if samples == 0 || classes < 2 {
            return None;
        }
        let rows = || {
            float
                .values
                .chunks(classes)
                .zip(quantized.values.chunks(classes))
        };
        let spread = (rows().map(|(x, y)| variance(x, y)).sum::<f64>() / samples as f64).sqrt();
        let same = rows().filter(|(x, y)| argmax(x) == argmax(y)).count();
        let (mut expected, mut variance) = (0.0, 0.0);
        for (row, _) in rows() {
            let first = argmax(row);
            let overtaken = |(class, value): (usize, &f32)| {
                let margin = f64::from(row[first] - value);
                if class == first || spread == 0.0 {
                    return 0.0;
                }
                normal_tail(margin / (spread * 2f64.sqrt()))
            };
            let changed: f64 = row.iter().enumerate().map(overtaken).sum();
            let changed = changed.min(1.0);
            expected += changed;
            variance += changed * (1.0 - changed);
        }
        let share = |changed: f64| (1.0 - changed / samples as f64).clamp(0.0, 1.0);
        Some(Top1 {
            agree: same as f64 / samples as f64,
            expected: share(expected),
            least: share(expected + DEVIATIONS * variance.sqrt() + 1.0),
        })
    }
}

/// Mean square of the noise of a row less its mean.
fn variance(x: &[f32], y: &[f32]) -> f64 {
    let noise = || x.iter().zip(y).map(|(x, y)| f64::from(x - y));
    let mean = noise().sum::<f64>() / x.len() as f64;
    noise().map(|off| (off - mean) * (off - mean)).sum::<f64>() / x.len() as f64
}
