//! Intervals of a proportion.

/// Standard normal quantile of 97.5 %.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's score interval (Brown, Cai & DasGupta 2001, section 3.1.1) at 95 %.
pub(super) fn wilson(successes: f64, trials: f64) -> [f64; 2] {
    if trials == 0.0 {
        return [0.0, 1.0];
    }
    let share = successes / trials;
    let centre = (share + Z * Z / (2.0 * trials)) / (1.0 + Z * Z / trials);
    let spread = Z / (1.0 + Z * Z / trials)
        * (share * (1.0 - share) / trials + Z * Z / (4.0 * trials * trials)).sqrt();
    [(centre - spread).max(0.0), (centre + spread).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // With no successes it is [0, z² / (n + z²)], with nothing but successes its mirror image,
        // and around one half it is symmetric.
        let bound = Z * Z / (10.0 + Z * Z);
        let [low, high] = wilson(0.0, 10.0);
        assert!(low == 0.0 && (high - bound).abs() < 1e-12);
        let [low, high] = wilson(10.0, 10.0);
        assert!((low - (1.0 - bound)).abs() < 1e-12 && (high - 1.0).abs() < 1e-12);
        let [low, high] = wilson(20.0, 40.0);
        assert!((low + high - 1.0).abs() < 1e-12 && low > 0.35 && low < 0.36);
        assert_eq!(wilson(0.0, 0.0), [0.0, 1.0]);
    }
}
