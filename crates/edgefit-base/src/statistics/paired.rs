//! Two classifiers compared on the same samples.

use serde::Serialize;

use super::binomial::binomial_tail;

/// What a test has to be as rare as by chance to count.
const LEVEL: f64 = 0.05;

/// If none of n samples shows something, fewer than this by n do, at [`LEVEL`]: −ln 0.05.
const NONE_SEEN: f64 = 3.0;

/// What the samples say of a limit for a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// More is lost, beyond chance.
    Exceeded,
    /// Less is lost, beyond chance.
    Kept,
    /// There are too few samples to tell.
    Open,
}

/// How two classifiers fare on the same samples. Those that both get correct, or both wrong, say nothing of
/// their difference (McNemar 1947).
///
/// ```
/// use edgefit_base::statistics::Paired;
///
/// let paired = Paired { samples: 1000, lost: 40, gained: 10 };
/// assert_eq!(paired.loss(), 0.03);
/// assert!(paired.exceeds(0.005));
/// // Three of 44 may be chance.
/// assert!(!Paired { samples: 44, lost: 3, gained: 0 }.exceeds(0.005));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paired {
    /// All samples.
    pub samples: usize,
    /// Those that only the first gets correct.
    pub lost: usize,
    /// Those that only the second gets correct.
    pub gained: usize,
}

impl Paired {
    /// Share of the samples that the second loses, less what it gains.
    pub fn loss(&self) -> f64 {
        (self.lost as f64 - self.gained as f64) / self.samples.max(1) as f64
    }

    /// Standard error of that share.
    pub fn standard_error(&self) -> f64 {
        let (all, loss) = (self.samples.max(1) as f64, self.loss());
        let apart = (self.lost + self.gained) as f64 / all;
        ((apart - loss * loss).max(0.0) / all).sqrt()
    }

    /// Whether more than the share `allowed` is lost, at 5 %. If that share is, then of the samples on which
    /// the two differ the number that is lost is binomial, with a chance that is above one half by as much:
    /// McNemar's exact test, with a margin.
    ///
    /// ```
    /// use edgefit_base::statistics::{Decision, Paired};
    ///
    /// let decide = |samples, lost, gained| Paired { samples, lost, gained }.decide(0.005);
    /// assert_eq!(decide(10_000, 900, 467), Decision::Exceeded);
    /// assert_eq!(decide(10_000, 150, 136), Decision::Kept);
    /// // One of 44 may be chance, and 44 cannot show that less than 0.5 % is lost.
    /// assert_eq!(decide(44, 1, 0), Decision::Open);
    /// assert_eq!(decide(44, 0, 0), Decision::Open);
    /// ```
    pub fn decide(&self, allowed: f64) -> Decision {
        let apart = self.lost + self.gained;
        let expected = allowed * self.samples as f64;
        let chance = if apart > 0 {
            (1.0 + expected / apart as f64) / 2.0
        } else {
            1.0
        };
        if chance < 1.0 {
            if binomial_tail(self.lost, apart, chance) < LEVEL {
                Decision::Exceeded
            } else if binomial_tail(self.gained, apart, 1.0 - chance) < LEVEL {
                Decision::Kept
            } else {
                Decision::Open
            }
        } else {
            // Even if all that differ were lost it would be less; but they may be few by chance.
            let most = apart as f64 + 2.0 * (apart as f64).sqrt() + NONE_SEEN;
            if expected >= most {
                Decision::Kept
            } else {
                Decision::Open
            }
        }
    }

    /// Whether one of the two gets more correct than the other, and that is no chance: McNemar's exact test,
    /// two-sided at 5 %.
    ///
    /// ```
    /// use edgefit_base::statistics::Paired;
    ///
    /// // So far apart or further they are by chance with 9.2 %, in one direction or the other.
    /// assert!(!Paired { samples: 1000, lost: 10, gained: 3 }.differ());
    /// assert!(Paired { samples: 1000, lost: 2, gained: 11 }.differ());
    /// ```
    pub fn differ(&self) -> bool {
        let more = self.lost.max(self.gained);
        2.0 * binomial_tail(more, self.lost + self.gained, 0.5) < LEVEL
    }

    /// Whether more than the share `allowed` is lost, and that is no chance.
    pub fn exceeds(&self, allowed: f64) -> bool {
        self.decide(allowed) == Decision::Exceeded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_samples_that_differ_count() {
        let paired = |lost, gained| Paired {
            samples: 10_000,
            lost,
            gained,
        };
        assert!((paired(60, 46).loss() - 0.0014).abs() < 1e-12);
        assert!((paired(60, 46).standard_error() - 0.00103).abs() < 1e-5);
        assert!(!paired(60, 46).exceeds(0.0) && !paired(180, 120).exceeds(0.005));
        assert!(paired(500, 67).exceeds(0.005));
        assert_eq!(paired(150, 136).decide(0.001), Decision::Open);
        assert_eq!(paired(900, 467).decide(0.06), Decision::Kept);
        let none = Paired::default();
        assert!(!none.exceeds(0.0) && !none.differ() && none.loss() == 0.0);
    }
}
