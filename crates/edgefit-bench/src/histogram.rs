//! A histogram of times.

use serde::{Deserialize, Serialize};

/// Most bars of a histogram.
const BARS: usize = 20;

/// Times of one range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// Shortest time that counts.
    pub from_ns: u64,
    /// Shortest time that does not any more; of the last bar, the longest time of all.
    pub to_ns: u64,
    /// How many there are.
    pub count: usize,
}

/// Bars of equal width from the shortest time to p99; what is longer counts in the last one. Their
/// width is by Freedman & Diaconis (1981), up to twenty of them.
pub(crate) fn histogram(times: &[u64]) -> Vec<Bar> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else {
        return Vec::new();
    };
    let at = |q: f64| sorted[((sorted.len() - 1) as f64 * q) as usize];
    let range = (at(0.99) - min).max(1);
    let width = 2.0 * (at(0.75) - at(0.25)) as f64 / (sorted.len() as f64).cbrt();
    let bars = (range as f64 / width.max(1.0))
        .ceil()
        .clamp(1.0, BARS as f64) as usize;
    let width = range.div_ceil(bars as u64).max(1);
    let mut found: Vec<Bar> = (0..bars as u64)
        .map(|bar| Bar {
            from_ns: min + bar * width,
            to_ns: min + (bar + 1) * width,
            count: 0,
        })
        .collect();
    for time in sorted {
        found[(((time - min) / width) as usize).min(bars - 1)].count += 1;
    }
    if let Some(last) = found.last_mut() {
        last.to_ns = last.to_ns.max(max);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_in_one_bar() {
        for times in [
            vec![5],
            vec![7; 30],
            (0..500).map(|i| 1_000 + i % 97).collect(),
        ] {
            let bars = histogram(&times);
            assert!((1..=BARS).contains(&bars.len()));
            assert_eq!(bars.iter().map(|bar| bar.count).sum::<usize>(), times.len());
            for pair in bars.windows(2) {
                assert_eq!(pair[0].to_ns, pair[1].from_ns);
            }
        }
        assert_eq!(histogram(&[]), []);
    }

    #[test]
    fn a_straggler_does_not_flatten_the_rest() {
        let mut times: Vec<u64> = (0..400).map(|i| 1_000 + i % 40).collect();
        times.push(1_000_000);
        let bars = histogram(&times);
        assert!(bars.len() > 3);
        assert_eq!(bars.last().unwrap().to_ns, 1_000_000);
    }
}
