//! What a set of times says, and how sure it is.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

/// Samples that a quantile takes: as many as make it all but certain (1 in 770 is not) that one of
/// them lies above it, the bound behind the query counts of MLPerf's LoadGen.
pub const P50_SAMPLES: usize = 10;
/// See [`P50_SAMPLES`].
pub const P90_SAMPLES: usize = 64;
/// See [`P50_SAMPLES`].
pub const P99_SAMPLES: usize = 662;

/// Modified z-score above which a time is an outlier (Iglewicz & Hoaglin 1993).
const OUTLIER: f64 = 3.5;

/// What a 95 % interval leaves out at each end.
const TAIL: f64 = 0.025;

/// Times in nanoseconds, summed up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of times.
    pub samples: usize,
    /// Half stay below; `None` below [`P50_SAMPLES`].
    pub p50_ns: Option<u64>,
    /// Nine of ten stay below; `None` below [`P90_SAMPLES`].
    pub p90_ns: Option<u64>,
    /// 99 of 100 stay below; `None` below [`P99_SAMPLES`].
    pub p99_ns: Option<u64>,
    /// Mean.
    pub mean_ns: u64,
    /// Shortest.
    pub min_ns: u64,
    /// Longest.
    pub max_ns: u64,
    /// Median distance from the median.
    pub mad_ns: u64,
    /// Number of [`outliers`](outliers()). They are counted in every other figure.
    pub outliers: usize,
}

impl Summary {
    /// Sums up `times`; `None` where there are none.
    pub fn of(times: &[u64]) -> Option<Self> {
        let sorted = sorted(times);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let earned = |q, samples| (sorted.len() >= samples).then(|| quantile(&sorted, q));
        let sum: u128 = times.iter().map(|&time| u128::from(time)).sum();
        Some(Summary {
            samples: times.len(),
            p50_ns: earned(0.5, P50_SAMPLES),
            p90_ns: earned(0.9, P90_SAMPLES),
            p99_ns: earned(0.99, P99_SAMPLES),
            mean_ns: (sum / times.len() as u128) as u64,
            min_ns: min,
            max_ns: max,
            mad_ns: median(&distances(times)),
            outliers: outliers(times).len(),
        })
    }
}

/// Places in `times` of those that lie far from the median, by the modified z-score of their distance.
pub fn outliers(times: &[u64]) -> Vec<usize> {
    let distances = distances(times);
    let mad = median(&distances);
    // 0.6745 makes the distance comparable with a standard deviation.
    let far = |distance: u64| 0.6745 * distance as f64 > OUTLIER * mad as f64;
    let places = distances.iter().enumerate();
    places
        .filter(|(_, distance)| far(**distance))
        .map(|(place, _)| place)
        .collect()
}

/// The median, earned or not; 0 of nothing.
pub fn median(values: &[u64]) -> u64 {
    quantile(&sorted(values), 0.5)
}

/// A 95 % interval for the quantile `q` of what `times` were drawn from, by the binomial distribution
/// of the ranks (Conover 1999, 3.2).
pub fn quantile_interval(times: &[u64], q: f64) -> Option<(u64, u64)> {
    let sorted = sorted(times);
    let last = sorted.len().checked_sub(1)?;
    let ranks = Binomial::new(q, sorted.len() as u64).ok()?;
    let low = ranks.inverse_cdf(TAIL).saturating_sub(1) as usize;
    let high = ranks.inverse_cdf(1.0 - TAIL) as usize;
    Some((sorted[low.min(last)], sorted[high.min(last)]))
}

/// A mean and how far values lie from it.
#[derive(Debug, Clone, Copy)]
pub struct Mean {
    values: f64,
    /// Sum by number.
    pub mean: f64,
    /// Of the values; `None` of one.
    pub variance: Option<f64>,
}

impl Mean {
    /// That of `values`; `None` of nothing.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Mean {
            values: n,
            mean,
            variance: (values.len() > 1).then(|| squares / (n - 1.0)),
        })
    }

    /// Half of its 95 % interval, by Student's distribution.
    pub fn half_interval(&self) -> Option<f64> {
        let variance = self.variance?;
        Some(student(self.values - 1.0) * (variance / self.values).sqrt())
    }
}

/// The 97.5 % quantile of Student's distribution.
pub(crate) fn student(freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |t| t.inverse_cdf(1.0 - TAIL))
}

/// How far each time lies from the median.
fn distances(times: &[u64]) -> Vec<u64> {
    let median = median(times);
    times.iter().map(|time| time.abs_diff(median)).collect()
}

fn sorted(values: &[u64]) -> Vec<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted
}

/// The smallest value that a share `q` of the sorted values does not exceed; between the two middle
/// ones for the median.
fn quantile(sorted: &[u64], q: f64) -> u64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0;
    };
    let middle = sorted.len() / 2;
    if q == 0.5 && sorted.len().is_multiple_of(2) {
        return sorted[middle - 1].midpoint(sorted[middle]);
    }
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted[rank.saturating_sub(1).min(last)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_given_only_where_they_are_earned() {
        let times = |n: u64| (1..=n).collect::<Vec<_>>();
        let few = Summary::of(&times(9)).unwrap();
        assert_eq!((few.p50_ns, few.p90_ns, few.p99_ns), (None, None, None));
        let more = Summary::of(&times(100)).unwrap();
        assert_eq!(
            (more.p50_ns, more.p90_ns, more.p99_ns),
            (Some(50), Some(90), None)
        );
        assert_eq!(Summary::of(&times(1000)).unwrap().p99_ns, Some(990));
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn each_quantile_is_earned_by_the_same_bound() {
        for (q, samples) in [(0.5, P50_SAMPLES), (0.9, P90_SAMPLES), (0.99, P99_SAMPLES)] {
            let missed = |n: usize| f64::powi(q, n as i32);
            assert!(
                missed(samples) <= 0.0013 && missed(samples - 1) > 0.0013,
                "{q}"
            );
        }
    }

    #[test]
    fn one_time_far_off_is_an_outlier() {
        let mut times = vec![100, 101, 99, 100, 102, 98, 100, 101, 99, 100];
        assert_eq!(Summary::of(&times).unwrap().outliers, 0);
        times.push(150);
        let summary = Summary::of(&times).unwrap();
        assert_eq!(
            (summary.outliers, summary.max_ns, summary.mad_ns),
            (1, 150, 1)
        );
        assert_eq!(outliers(&times), [10]);
    }

    #[test]
    fn the_interval_of_a_quantile_narrows_with_samples() {
        let width = |n: u64| {
            let times: Vec<u64> = (0..n).map(|at| at * 10_000 / n).collect();
            let (low, high) = quantile_interval(&times, 0.9).unwrap();
            assert!(low <= 9_000 && 9_000 <= high, "{low} {high}");
            high - low
        };
        assert!(width(1_000) < width(100));
        assert_eq!(quantile_interval(&[], 0.5), None);
    }
}
