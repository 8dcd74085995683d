//! Two classifiers compared on the same samples.

use statrs::distribution::{Binomial, DiscreteCDF};

/// What a test has to be as rare as by chance to count.
const LEVEL: f64 = 0.05;

/// The quantile of the normal distribution that goes with [`LEVEL`], on one side.
const ONE_SIDED: f64 = 1.645;

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

    /// Probability that so many or more are lost among those that differ, if loss and gain are as likely:
    /// the exact sign test.
    pub fn by_chance(&self) -> f64 {
        let apart = (self.lost + self.gained) as u64;
        match (Binomial::new(0.5, apart), self.lost.checked_sub(1)) {
            (Ok(chance), Some(less)) => chance.sf(less as u64),
            _ => 1.0,
        }
    }

    /// Whether more than the share `allowed` is lost, and that is no chance: by the sign test, and by the
    /// lower 95 % limit of the loss.
    pub fn exceeds(&self, allowed: f64) -> bool {
        let least = self.loss() - ONE_SIDED * self.standard_error();
        least > allowed && self.by_chance() < LEVEL
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
        assert_eq!(paired(0, 5).by_chance(), 1.0);
        assert!((paired(3, 0).by_chance() - 0.125).abs() < 1e-9);
        let none = Paired::default();
        assert!(!none.exceeds(0.0) && none.loss() == 0.0);
    }
}
