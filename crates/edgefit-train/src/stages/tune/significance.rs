//! Whether one loss is lower than another by more than chance.

use edgefit_burn::Value;
use edgefit_burn::burn::tensor::Device;

use crate::error::{Error, Result};
use crate::prepare::targets::Targets;

/// Standard errors by which a loss has to be lower.
const ERRORS: f64 = 2.0;

/// The weighted loss of each sample for `outputs` (samples × outputs, row-major).
///
/// # Errors
/// There are not as many outputs as targets.
pub(super) fn losses(targets: &Targets, outputs: &[f32]) -> Result<Vec<f64>> {
    let device = Device::flex();
    let rows = outputs.chunks(targets.outputs.max(1)).enumerate();
    rows.map(|(row, made)| {
        let made = Value::new(made.to_vec(), &[1, targets.outputs], &device);
        let made = made.and_then(TryInto::try_into).map_err(Error::Stopped)?;
        let loss = targets.rows(&[row]).loss(made, &device)?;
        Ok(f64::from(loss.into_scalar::<f32>()))
    })
    .collect()
}

/// Whether the mean of `other` is below that of `own` by more than two standard errors of the mean of
/// their differences, sample by sample. On few samples, the best of many candidates looks better than it
/// is (as in the choice of a tree, Breiman et al. 1984, section 3.4.3, which takes the simplest within one).
pub(super) fn significantly_lower(own: &[f64], other: &[f64]) -> bool {
    let differences: Vec<f64> = own
        .iter()
        .zip(other)
        .map(|(own, other)| own - other)
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
    fn losses_add_up_to_that_of_all() {
        let targets = Targets::of_classes(&[0, 1, 1], &[3.0, 0.5]);
        let outputs = [1.0, 0.0, 0.3, 0.2, -1.0, 2.0];
        let each = losses(&targets, &outputs).unwrap();
        let device = Device::flex();
        let all = Value::new(outputs.to_vec(), &[3, 2], &device).unwrap();
        let sum = targets.loss(all.try_into().unwrap(), &device).unwrap();
        let sum = f64::from(sum.into_scalar::<f32>());
        assert!((each.iter().sum::<f64>() - sum).abs() < 1e-5);
        assert!((each[1] - 0.5 * (1.0 + 0.1f64.exp()).ln()).abs() < 1e-6);
    }

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
        assert!(significantly_lower(&[f64::NAN, 1.0], &[5.0, 5.0]));
        assert!(!significantly_lower(&[1.0, 1.0], &[f64::NAN, 0.0]));
    }
}
