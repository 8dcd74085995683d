//! Fits what standardises arrays to mean 0 and standard deviation 1.

use edgefit_graph::StandardScaler;

/// Mean and standard deviation of every channel of `samples`, each of the shape `dims`: the
/// samples of the train split, because a scaler fitted to the others would leak them.
///
/// The deviation is that of the population, as in scikit-learn; a channel that is constant up to
/// rounding has a deviation of 1. `None` if there is no sample.
pub fn fit_scaler<'a>(
    samples: impl Iterator<Item = &'a [f32]> + Clone,
    dims: &[usize],
) -> Option<StandardScaler> {
    let channels = *dims.first()?;
    let per_channel = dims[1..].iter().product::<usize>().max(1);
    let count = (samples.clone().count() * per_channel) as f64;
    if count == 0.0 {
        return None;
    }
    let mean_of = |term: &dyn Fn(usize, f64) -> f64| {
        let mut sums = vec![0f64; channels];
        for sample in samples.clone() {
            for (channel, values) in sample.chunks(per_channel).enumerate().take(channels) {
                let terms = values.iter().map(|&value| term(channel, f64::from(value)));
                sums[channel] += terms.sum::<f64>();
            }
        }
        sums.iter().map(|sum| sum / count).collect::<Vec<f64>>()
    };
    let mean = mean_of(&|_, value| value);
    let variance = mean_of(&|channel, value| (value - mean[channel]).powi(2));
    let std = mean.iter().zip(variance).map(|(mean, variance)| {
        let std = variance.sqrt() as f32;
        let rounding = mean.abs() as f32 * f32::EPSILON;
        if std <= rounding.max(f32::MIN_POSITIVE) {
            1.0
        } else {
            std
        }
    });
    Some(StandardScaler {
        dims: dims.to_vec(),
        std: std.collect(),
        mean: mean.iter().map(|mean| *mean as f32).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_it_was_fitted_to_become_standard() {
        // Two channels of four values, far from zero and of very different spread.
        let mut values: Vec<f32> = (0..96u16)
            .map(|index| match (index / 4) % 2 {
                0 => 1000.0 + f32::from(index * 37 % 11),
                _ => 1e-3 * f32::from(index * 53 % 17),
            })
            .collect();
        let scaler = fit_scaler(values.chunks(8), &[2, 4]).unwrap();
        scaler.apply(&mut values);
        let again = fit_scaler(values.chunks(8), &[2, 4]).unwrap();
        for channel in 0..2 {
            assert!(again.mean[channel].abs() < 1e-4, "{again:?}");
            assert!((again.std[channel] - 1.0).abs() < 1e-4, "{again:?}");
        }
    }

    #[test]
    fn features_have_their_own_figures_and_constants_are_left_alone() {
        let values = [1.0, 0.1, -7.0, 3.0, 0.1, -7.0, 5.0, 0.1, -7.0f32];
        let scaler = fit_scaler(values.chunks(3), &[3]).unwrap();
        assert_eq!(scaler.mean, [3.0, 0.1, -7.0]);
        assert_eq!(scaler.std, [(8.0f32 / 3.0).sqrt(), 1.0, 1.0]);
    }

    #[test]
    fn nothing_has_no_scaler() {
        assert_eq!(fit_scaler([].into_iter(), &[3]), None);
    }
}
