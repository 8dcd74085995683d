//! Statistics of a value, NaN and infinite elements counted separately.

use serde::Serialize;

/// What a value looks like. Figures are over its finite elements.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    /// Name of the value.
    pub name: String,
    /// Shape.
    pub dims: Vec<usize>,
    /// Smallest element.
    pub min: f32,
    /// Largest element.
    pub max: f32,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub std: f64,
    /// Elements that are NaN.
    pub nan: usize,
    /// Elements that are infinite.
    pub infinite: usize,
}

impl Statistics {
    /// Those of the value `name`.
    pub fn of(name: &str, dims: &[usize], values: &[f32]) -> Self {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let count = finite().count().max(1) as f64;
        let mean = finite().map(f64::from).sum::<f64>() / count;
        let square = |value: f32| (f64::from(value) - mean).powi(2);
        let (first, count_of) = (finite().next().unwrap_or(0.0), |what: fn(f32) -> bool| {
            values.iter().filter(|value| what(**value)).count()
        });
        Statistics {
            name: name.to_owned(),
            dims: dims.to_vec(),
            min: finite().fold(first, f32::min),
            max: finite().fold(first, f32::max),
            mean,
            std: (finite().map(square).sum::<f64>() / count).sqrt(),
            nan: count_of(f32::is_nan),
            infinite: count_of(f32::is_infinite),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_counted_apart() {
        let found = Statistics::of("x", &[5], &[3.0, f32::NAN, 5.0, f32::INFINITY, 1.0]);
        assert_eq!((found.min, found.max, found.mean), (1.0, 5.0, 3.0));
        assert!((found.std - (8f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!((found.nan, found.infinite), (1, 1));
        assert_eq!(Statistics::of("x", &[0], &[]).max, 0.0);
    }
}
