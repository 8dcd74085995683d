//! The binomial distribution.

use statrs::distribution::{Binomial, DiscreteCDF};

/// How likely at least `count` of `samples` are hit if each is by a `chance` of its own: the upper tail of
/// the binomial distribution.
///
/// ```
/// use edgefit_base::statistics::binomial_tail;
///
/// assert!((binomial_tail(1, 2, 0.5) - 0.75).abs() < 1e-12);
/// assert_eq!(binomial_tail(0, 2, 0.5), 1.0);
/// ```
pub fn binomial_tail(count: usize, samples: usize, chance: f64) -> f64 {
    let Some(fewer) = count.checked_sub(1) else {
        return 1.0;
    };
    let distribution = Binomial::new(chance.clamp(0.0, 1.0), samples as u64);
    distribution.map_or(f64::NAN, |distribution| distribution.sf(fewer as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_that_of_the_binomial_distribution() {
        assert!((binomial_tail(2, 3, 0.5) - 0.5).abs() < 1e-12);
        assert!((binomial_tail(3, 3, 0.5) - 0.125).abs() < 1e-12);
        assert!(binomial_tail(4, 3, 0.5).abs() < 1e-12);
        assert!((binomial_tail(1, 1000, 0.001) - 0.632).abs() < 1e-3);
    }
}
