//! How many times as long one candidate takes as another, and whether that is a difference.

use edgefit_base::statistics::{Mean, median, student};
use serde::{Deserialize, Serialize};

/// Ratios closer to 1 than this are no difference, however sure they are: where a process lies
/// in memory makes as much.
pub const NEGLIGIBLE: f64 = 0.005;

/// How many times as long one takes as the other, with a 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Best estimate.
    pub ratio: f64,
    /// Lower end of the interval; `None` where one launch cannot tell.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// What the interval says.
    pub verdict: Verdict,
}

/// What an interval says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It takes less time.
    Faster,
    /// It takes more time.
    Slower,
    /// The interval does not lie wholly more than [`NEGLIGIBLE`] away from 1.
    NoDifference,
    /// There is no interval.
    Unknown,
}

/// The ratio of two candidates that were measured in turns: for each launch, the times of both, round
/// by round.
///
/// A round is short, so both of its times belong to the same state of the machine. The ratio of a
/// launch is the median of its rounds'; the launches, which differ in where a process lies in
/// memory, make the interval (Kalibera & Jones 2013: repeat at the level that varies), by Student's
/// distribution of the logarithms.
///
/// ```
/// use edgefit_bench::ratio::{Verdict, paired};
/// // Two launches of two rounds, in nanoseconds; the second candidate takes a tenth longer.
/// let launches = [vec![(100, 110), (200, 220)], vec![(100, 110), (120, 132)]];
/// let ratio = paired(&launches).unwrap();
/// assert!((ratio.ratio - 1.1).abs() < 1e-9);
/// assert_eq!(ratio.verdict, Verdict::Slower);
/// ```
pub fn paired(launches: &[Vec<(u64, u64)>]) -> Option<Ratio> {
    let logs: Vec<f64> = launches
        .iter()
        .filter_map(|rounds| {
            let ratios = rounds.iter().filter(|(a, b)| *a > 0 && *b > 0);
            median(ratios.map(|&(a, b)| (b as f64 / a as f64).ln()))
        })
        .collect();
    let mean = Mean::of(&logs)?;
    Some(Ratio::of(mean.mean, mean.half_interval()))
}

/// The ratio of two candidates that were not measured in turns, from the medians of their launches,
/// by Welch's interval of the logarithms. Whatever the machine did in between is in it.
pub fn unpaired(a: &[u64], b: &[u64]) -> Option<Ratio> {
    let logs = |times: &[u64]| -> Vec<f64> {
        let sound = times.iter().filter(|&&time| time > 0);
        sound.map(|&time| (time as f64).ln()).collect()
    };
    let (a, b) = (logs(a), logs(b));
    let (of_a, of_b) = (Mean::of(&a)?, Mean::of(&b)?);
    let half = of_a.variance.zip(of_b.variance).map(|(var_a, var_b)| {
        let (n_a, n_b) = (a.len() as f64, b.len() as f64);
        let (share_a, share_b) = (var_a / n_a, var_b / n_b);
        let sum = share_a + share_b;
        let spread = share_a.powi(2) / (n_a - 1.0) + share_b.powi(2) / (n_b - 1.0);
        if sum > 0.0 {
            student(sum.powi(2) / spread) * sum.sqrt()
        } else {
            0.0
        }
    });
    Some(Ratio::of(of_b.mean - of_a.mean, half))
}

impl Ratio {
    fn of(log: f64, half: Option<f64>) -> Self {
        let low = half.map(|half| (log - half).exp());
        let high = half.map(|half| (log + half).exp());
        let verdict = match (low, high) {
            (Some(low), _) if low > 1.0 + NEGLIGIBLE => Verdict::Slower,
            (_, Some(high)) if high < 1.0 - NEGLIGIBLE => Verdict::Faster,
            (Some(_), Some(_)) => Verdict::NoDifference,
            _ => Verdict::Unknown,
        };
        Ratio {
            ratio: log.exp(),
            low,
            high,
            verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Launches of rounds in which the machine slows down steadily and `b` takes `factor` times as
    /// long as `a`, give or take what `noise` says.
    fn drifting(factor: f64, noise: f64) -> Vec<Vec<(u64, u64)>> {
        let round = |launch: u32, round: u32| {
            let speed = 1e6 * (1.0 + f64::from(launch * 10 + round) / 20.0);
            let wave = noise * f64::from((launch * 7 + round * 3) % 5).mul_add(0.5, -1.0);
            (speed as u64, (speed * factor * (1.0 + wave)) as u64)
        };
        (0..5)
            .map(|launch| (0..10).map(|at| round(launch, at)).collect())
            .collect()
    }

    #[test]
    fn a_drift_of_the_machine_cancels_out() {
        let ratio = paired(&drifting(1.05, 0.01)).unwrap();
        assert!((ratio.ratio - 1.05).abs() < 0.01, "{ratio:?}");
        assert_eq!(ratio.verdict, Verdict::Slower);
        let same = paired(&drifting(1.0, 0.01)).unwrap();
        assert_eq!(same.verdict, Verdict::NoDifference);
        let faster = paired(&drifting(0.9, 0.01)).unwrap();
        assert_eq!(faster.verdict, Verdict::Faster);
    }

    #[test]
    fn one_launch_has_no_interval_and_nothing_no_ratio() {
        let one = paired(&[vec![(100, 200)]]).unwrap();
        assert_eq!((one.low, one.verdict), (None, Verdict::Unknown));
        assert!((one.ratio - 2.0).abs() < 1e-9);
        assert_eq!(paired(&[vec![]]), None);
    }

    #[test]
    fn welch_needs_no_pairs() {
        let ratio = unpaired(&[100, 101, 99], &[120, 121, 119, 120]).unwrap();
        assert!((ratio.ratio - 1.2).abs() < 0.01);
        assert_eq!(ratio.verdict, Verdict::Slower);
        let noisy = unpaired(&[100, 150, 80], &[110, 140, 90]).unwrap();
        assert_eq!(noisy.verdict, Verdict::NoDifference);
    }
}
