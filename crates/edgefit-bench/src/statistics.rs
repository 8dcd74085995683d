//! What a set of times says, and how sure it is.

use edgefit_base::statistics;
use serde::{Deserialize, Serialize};

/// Samples from which on a quantile is given: so many that one of them lies above it with a probability
/// of 769 in 770, the bound behind the query counts of MLPerf's LoadGen.
pub const P50_SAMPLES: usize = 10;
/// See [`P50_SAMPLES`].
pub const P90_SAMPLES: usize = 64;
/// See [`P50_SAMPLES`].
pub const P99_SAMPLES: usize = 662;

/// Modified z-score above which a time is an outlier (Iglewicz & Hoaglin 1993).
const OUTLIER: f64 = 3.5;

/// Times in nanoseconds, summed up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of times.
    pub samples: usize,
    /// Half stay below; `None` of fewer than [`P50_SAMPLES`].
    pub p50_ns: Option<u64>,
    /// Nine of ten stay below; `None` of fewer than [`P90_SAMPLES`].
    pub p90_ns: Option<u64>,
    /// 99 of 100 stay below; `None` of fewer than [`P99_SAMPLES`].
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
    /// Sums up `times` in nanoseconds; `None` where there are none.
    ///
    /// ```
    /// use edgefit_bench::statistics::Summary;
    /// let times: Vec<u64> = (1..=100).collect();
    /// let summary = Summary::of(&times).unwrap();
    /// assert_eq!((summary.p50_ns, summary.p90_ns), (Some(50), Some(90)));
    /// // 99 of 100 stay below a p99: it takes more than 100 times.
    /// assert_eq!(summary.p99_ns, None);
    /// ```
    pub fn of(times: &[u64]) -> Option<Self> {
        let sorted = sorted(times);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let if_enough = |q, samples| (sorted.len() >= samples).then(|| quantile(&sorted, q));
        let sum: u128 = times.iter().map(|&time| u128::from(time)).sum();
        Some(Summary {
            samples: times.len(),
            p50_ns: if_enough(0.5, P50_SAMPLES),
            p90_ns: if_enough(0.9, P90_SAMPLES),
            p99_ns: if_enough(0.99, P99_SAMPLES),
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

/// The median of however few values; 0 of none.
pub fn median(values: &[u64]) -> u64 {
    quantile(&sorted(values), 0.5)
}

/// A 95 % interval for the quantile `q` of what `times` were drawn from; see
/// [`statistics::quantile_interval`].
pub fn quantile_interval(times: &[u64], q: f64) -> Option<(u64, u64)> {
    statistics::quantile_interval(&sorted(times), q)
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

/// The quantile `q` of sorted values, for the median the mean of the two middle ones; 0 of nothing.
fn quantile(sorted: &[u64], q: f64) -> u64 {
    let middle = sorted.len() / 2;
    if q == 0.5 && !sorted.is_empty() && sorted.len().is_multiple_of(2) {
        return sorted[middle - 1].midpoint(sorted[middle]);
    }
    statistics::quantile(sorted, q).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_given_only_where_they_are_if_enough() {
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
    fn each_quantile_has_the_same_bound() {
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
}
