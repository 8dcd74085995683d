//! Whether one loss is lower than another by more than chance.

/// Standard errors by which a loss has to be lower.
const ERRORS: f64 = 2.0;

/// Whether the mean of `other` is below that of `own` by more than two standard errors of the mean of
/// their differences, sample by sample. On few samples, the best of many candidates looks better than it
/// is (as in the choice of a tree, Breiman et al. 1984, section 3.4.3, which takes the simplest within one).
pub(super) fn significantly_lower(own: &[f32], other: &[f32]) -> bool {
    let differences: Vec<f64> = own
        .iter()
        .zip(other)
        .map(|(own, other)| f64::from(own - other))
        .collect();
    let count = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / count;
    let squares: f64 = differences.iter().map(|by| (by - mean).powi(2)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    // A non-finite loss is never lower, and any finite one is lower than it.
    if own.iter().all(|loss| loss.is_finite()) {
        mean > ERRORS * error
    } else {
        other.iter().all(|loss| loss.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lower_loss_counts_where_most_samples_have_it() {
        let own = [1.0, 2.0, 0.5, 1.5, 0.8, 1.2];
        let all_lower = own.map(|loss| 0.8 * loss);
        assert!(significantly_lower(&own, &all_lower));
        assert!(!significantly_lower(&all_lower, &own));
        assert!(!significantly_lower(&own, &own));
        // The mean is lower by as much, but only because of one sample.
        let one_lower = [1.0, 0.6, 0.5, 1.5, 0.8, 1.2];
        assert!(!significantly_lower(&own, &one_lower));
        assert!(!significantly_lower(&[1.0], &[0.1]));
        assert!(significantly_lower(&[f32::NAN, 1.0], &[5.0, 5.0]));
        assert!(!significantly_lower(&[1.0, 1.0], &[f32::NAN, 0.0]));
    }
}
