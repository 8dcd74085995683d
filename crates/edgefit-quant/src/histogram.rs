//! [`Histogram`]: how often a value takes which size, in memory that does not grow with the samples.

/// Bins on each side of 0.
const BINS: usize = 2048;

/// How often a value was how large: bins on either side of 0, whose width doubles when a value lies
/// beyond them. 0 is the edge of two bins, so a range that ends there ends exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Upper edge of the outermost bins.
    limit: f32,
    negative: Vec<u64>,
    positive: Vec<u64>,
    low: f32,
    high: f32,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            limit: 0.0,
            negative: vec![0; BINS],
            positive: vec![0; BINS],
            low: 0.0,
            high: 0.0,
        }
    }
}

impl Histogram {
    /// Counts finite `values`.
    pub fn add(&mut self, values: &[f32]) {
        let most = values
            .iter()
            .fold(0f32, |most, value| most.max(value.abs()));
        self.widen(most);
        if self.limit == 0.0 {
            // Nothing but zeros so far.
            self.positive[0] += values.len() as u64;
            return;
        }
        let per_bin = BINS as f32 / self.limit;
        for &value in values {
            let bin = ((value.abs() * per_bin) as usize).min(BINS - 1);
            if value < 0.0 {
                self.negative[bin] += 1;
            } else {
                self.positive[bin] += 1;
            }
        }
        let ends = (self.low, self.high);
        let ends = values.iter().fold(ends, |(low, high), &value| {
            (low.min(value), high.max(value))
        });
        (self.low, self.high) = ends;
    }

    /// Makes room for values as large as `most`, by joining pairs of bins.
    fn widen(&mut self, most: f32) {
        if self.limit == 0.0 {
            self.limit = most;
            return;
        }
        while self.limit < most {
            for side in [&mut self.negative, &mut self.positive] {
                for bin in 0..BINS {
                    side[bin] = if bin < BINS / 2 {
                        side[2 * bin] + side[2 * bin + 1]
                    } else {
                        0
                    };
                }
            }
            self.limit *= 2.0;
        }
    }

    /// Counts what `other` counted, too.
    pub fn merge(&mut self, other: &Histogram) {
        let mut other = other.clone();
        self.widen(other.limit);
        other.widen(self.limit);
        // Doubled from different starts, the limits may differ by less than a factor of 2; the bins are
        // then read by their middles.
        for (value, count) in other.bins() {
            let bin = ((value.abs() * BINS as f32 / self.limit.max(f32::MIN_POSITIVE)) as usize)
                .min(BINS - 1);
            let side = if value < 0.0 {
                &mut self.negative
            } else {
                &mut self.positive
            };
            side[bin] += count;
        }
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
    }

    /// Smallest and largest value, and 0.
    pub fn range(&self) -> (f32, f32) {
        (self.low, self.high)
    }

    /// Middle of each bin that holds something, and how many.
    pub fn bins(&self) -> impl Iterator<Item = (f32, u64)> {
        let width = self.limit / BINS as f32;
        let side = move |side: &'_ [u64], sign: f32| -> Vec<(f32, u64)> {
            let bins = side.iter().enumerate().filter(|(_, count)| **count > 0);
            bins.map(|(bin, &count)| (sign * (bin as f32 + 0.5) * width, count))
                .collect()
        };
        let negative = side(&self.negative, -1.0);
        let positive = side(&self.positive, 1.0);
        negative.into_iter().chain(positive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_double_and_lose_nothing() {
        let mut histogram = Histogram::default();
        histogram.add(&[0.0, 0.0]);
        histogram.add(&[0.5, -0.25, 1.0]);
        histogram.add(&[-7.9]);
        assert_eq!(histogram.range(), (-7.9, 1.0));
        assert_eq!(histogram.bins().map(|(_, count)| count).sum::<u64>(), 6);
        let near = |value: f32| {
            let mut bins = histogram.bins();
            bins.any(|(middle, _)| (middle - value).abs() < 8.0 / BINS as f32)
        };
        assert!(near(0.5) && near(-0.25) && near(1.0) && near(-7.9));
    }

    #[test]
    fn merged_histograms_hold_both() {
        let (mut a, mut b) = (Histogram::default(), Histogram::default());
        a.add(&[0.1, 0.2]);
        b.add(&[-3.0, 5.0]);
        a.merge(&b);
        assert_eq!(a.range(), (-3.0, 5.0));
        assert_eq!(a.bins().map(|(_, count)| count).sum::<u64>(), 4);
    }
}
