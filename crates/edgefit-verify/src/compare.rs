//! Two results compared, element by element.

use edgefit_base::statistics::argmax;
use edgefit_engine::{Array, EngineName};
use serde::Serialize;

use crate::tolerance::{STEPS, Tolerance};

/// The outputs of two engines on the same inputs.
#[derive(Debug, Clone, Serialize)]
pub struct Pair {
    /// One engine.
    pub a: EngineName,
    /// The other, taken as the reference.
    pub b: EngineName,
    /// Largest difference of two elements; NaN (`null` in JSON) where one is not finite.
    pub max_abs: f32,
    /// Mean difference of two elements; NaN as above.
    pub mean_abs: f64,
    /// Largest |b|.
    #[serde(skip)]
    pub scale: f64,
    /// ‖a − b‖ / ‖b‖.
    pub rel_l2: f64,
    /// Cosine of the angle between a and b; 1 where both are 0.
    pub cosine: f64,
    /// Share of samples whose largest output is the same.
    pub top1_agree: f64,
    /// Elements of a and of b that are NaN.
    pub nan: [usize; 2],
    /// Elements of a and of b that are infinite.
    pub infinite: [usize; 2],
    /// Index of the element that takes most of its tolerance; empty where the shapes differ.
    pub worst: Vec<usize>,
    /// The share of its tolerance that it takes; infinite (`null` in JSON) where none would do.
    pub tolerance_used: f64,
    /// Whether all is within the tolerance.
    pub within: bool,
    /// The tolerance.
    pub tolerance: Tolerance,
}

/// Compares two results of shape (samples, …); another shape is never within tolerance, and a NaN only
/// where the tolerance allows one.
///
/// ```
/// use edgefit_engine::{Array, EngineName};
/// use edgefit_verify::{Tolerance, compare};
///
/// let of = |values: [f32; 2]| Array { dims: vec![1, 2], values: values.to_vec() };
/// let (a, b) = (of([0.1, 2.0]), of([0.1, 2.0001]));
/// let pair = compare(
///     (EngineName::Tract, &a),
///     (EngineName::OnnxRuntime, &b),
///     Tolerance::F32,
/// );
/// assert!(pair.within);
/// assert_eq!(pair.worst, [0, 1]);
/// ```
pub fn compare(a: (EngineName, &Array), b: (EngineName, &Array), tolerance: Tolerance) -> Pair {
    let ((name_a, a), (name_b, b)) = (a, b);
    let same_shape = a.dims == b.dims;
    let finite = b.values.iter().filter(|value| value.is_finite());
    let largest = finite.fold(0f32, |max, value| max.max(value.abs()));
    let floor = tolerance.atol * largest.max(1.0);
    let (mut max_abs, mut sum_abs, mut used, mut worst) = (0f32, 0f64, 0f64, 0);
    let (mut difference, mut dot, mut norm_a, mut norm_b) = (0f64, 0f64, 0f64, 0f64);
    for (index, (&x, &y)) in a.values.iter().zip(&b.values).enumerate() {
        // Infinities have to be the same ones.
        let same = x == y || (tolerance.nan_is_nan && x.is_nan() && y.is_nan());
        let apart = if same { 0.0 } else { (x - y).abs() };
        let share = share(apart, floor + tolerance.rtol * y.abs());
        if share > used {
            (used, worst) = (share, index);
        }
        max_abs = if apart.is_finite() && !max_abs.is_nan() {
            max_abs.max(apart)
        } else {
            f32::NAN
        };
        sum_abs += f64::from(apart);
        if same && !x.is_finite() {
            continue;
        }
        let (x, y) = (f64::from(x), f64::from(y));
        difference += (x - y) * (x - y);
        dot += x * y;
        norm_a += x * x;
        norm_b += y * y;
    }
    let cosine = if norm_a == 0.0 && norm_b == 0.0 {
        1.0
    } else {
        dot / (norm_a * norm_b).sqrt().max(f64::MIN_POSITIVE)
    };
    if let Some(least) = tolerance.cosine {
        let share = if cosine.is_nan() {
            f64::INFINITY
        } else {
            (1.0 - cosine) / (1.0 - least)
        };
        used = used.max(share);
    }
    if let Some(step) = tolerance.step {
        // Of NaN it makes no less.
        used = used.min(f64::from(max_abs / (STEPS * step)));
    }
    let count = |of: &Array, what: fn(f32) -> bool| {
        let values = of.values.iter();
        values.filter(|value| what(**value)).count()
    };
    Pair {
        a: name_a,
        b: name_b,
        max_abs,
        mean_abs: sum_abs / b.values.len().max(1) as f64,
        scale: f64::from(largest),
        rel_l2: (difference / norm_b.max(f64::MIN_POSITIVE)).sqrt(),
        cosine,
        top1_agree: if same_shape { top1_agree(a, b) } else { 0.0 },
        nan: [a, b].map(|of| count(of, f32::is_nan)),
        infinite: [a, b].map(|of| count(of, f32::is_infinite)),
        worst: if same_shape {
            coordinates(worst, &b.dims)
        } else {
            Vec::new()
        },
        tolerance_used: if same_shape { used } else { f64::INFINITY },
        within: same_shape && used <= 1.0,
        tolerance,
    }
}

/// The share of what is `allowed` that a difference takes.
fn share(apart: f32, allowed: f32) -> f64 {
    match apart {
        0.0 => 0.0,
        _ if !apart.is_finite() => f64::INFINITY,
        _ if allowed == 0.0 => f64::INFINITY,
        _ => f64::from(apart) / f64::from(allowed),
    }
}

fn top1_agree(a: &Array, b: &Array) -> f64 {
    let samples = b.dims.first().copied().unwrap_or(0);
    if samples == 0 {
        return 0.0;
    }
    let width = (b.values.len() / samples).max(1);
    let rows = a.values.chunks(width).zip(b.values.chunks(width));
    rows.filter(|(a, b)| argmax(a) == argmax(b)).count() as f64 / samples as f64
}

/// The index of an element in each dimension, from its index in all of them.
fn coordinates(mut index: usize, dims: &[usize]) -> Vec<usize> {
    let mut coordinates: Vec<usize> = dims
        .iter()
        .rev()
        .map(|&size| {
            let at = index % size.max(1);
            index /= size.max(1);
            at
        })
        .collect();
    coordinates.reverse();
    coordinates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(values: &[f32]) -> Array {
        Array {
            dims: vec![values.len() / 2, 2],
            values: values.to_vec(),
        }
    }

    fn by(tolerance: Tolerance, a: &[f32], b: &[f32]) -> Pair {
        let (a, b) = (array(a), array(b));
        compare(
            (EngineName::Tract, &a),
            (EngineName::OnnxRuntime, &b),
            tolerance,
        )
    }

    fn pair(a: &[f32], b: &[f32]) -> Pair {
        by(Tolerance::F32, a, b)
    }

    #[test]
    fn small_differences_are_within_and_large_ones_are_not() {
        let reference = [1.0, -2.0, 3.0, 40.0];
        assert!(pair(&reference, &reference).within);
        assert!(pair(&[1.003, -2.0, 3.0, 40.0], &reference).within);
        assert!(!pair(&[1.01, -2.0, 3.0, 40.0], &reference).within);
        let not_a_number = pair(&[f32::NAN, -2.0, 3.0, 40.0], &reference);
        assert!(!not_a_number.within && not_a_number.max_abs.is_nan());
        let endless = [f32::INFINITY, 5.0];
        assert!(pair(&endless, &endless).within);
        assert!(!pair(&[1e30, 1000.0], &endless).within);
        assert!(!pair(&[f32::INFINITY, 6.0], &endless).within);
        assert!(!pair(&[1.0, -2.0], &reference).within);
        let swapped = pair(&[-2.0, 1.0, 3.0, 40.0], &reference);
        assert_eq!((swapped.max_abs, swapped.top1_agree), (3.0, 0.5));
        assert!((pair(&[2.0, -4.0, 6.0, 80.0], &reference).cosine - 1.0).abs() < 1e-12);
        assert!(pair(&[0.0, 0.0], &[0.0, 0.0]).within);
    }

    #[test]
    fn the_worst_element_is_the_one_that_takes_most_of_its_tolerance() {
        // 0.02 of 40 is less than 0.01 of 0.
        let apart = pair(&[0.0, 1.0, 0.01, 40.02], &[0.0, 1.0, 0.0, 40.0]);
        assert_eq!(apart.worst, [1, 0]);
        assert!((apart.tolerance_used - 0.01 / (1e-4 * 40.0)).abs() < 1e-3);
        assert!((apart.mean_abs - 0.03 / 4.0).abs() < 1e-6);
        let mut broken = pair(&[f32::NAN, 1.0], &[f32::INFINITY, 1.0]);
        assert_eq!((broken.nan, broken.infinite), ([1, 0], [0, 1]));
        broken = pair(&[f32::NAN, 1.0], &[f32::NAN, 1.0]);
        assert!(!broken.within);
        let overflowing = Tolerance {
            nan_is_nan: true,
            ..Tolerance::F32
        };
        assert!(by(overflowing, &[f32::NAN, 1.0], &[f32::NAN, 1.0]).within);
        assert!(!by(overflowing, &[f32::NAN, 1.0], &[1.0, 1.0]).within);
    }

    #[test]
    fn quantised_results_are_held_by_their_direction() {
        let reference = [1.0, -2.0, 3.0, 40.0];
        assert!(by(Tolerance::INT8, &[1.3, -2.0, 3.3, 40.0], &reference).within);
        assert!(!by(Tolerance::INT8, &[40.0, -2.0, 3.0, 1.0], &reference).within);
        assert!(!by(Tolerance::INT8, &[f32::NAN, -2.0, 3.0, 40.0], &reference).within);
        let stepped = Tolerance {
            step: Some(0.5),
            ..Tolerance::INT8
        };
        // A few steps around 0 have any direction.
        assert!(by(stepped, &[0.5, 0.0, -0.5, 0.5], &[-0.5, 0.5, 0.5, 0.0]).within);
        assert!(!by(stepped, &[0.5, 0.0, -0.5, 1.0], &[-0.5, 0.5, 0.5, -0.5]).within);
        assert!(!by(stepped, &[f32::NAN, 0.0], &[0.5, 0.0]).within);
        assert!(by(Tolerance::EXACT, &reference, &reference).within);
        assert!(!by(Tolerance::EXACT, &[1.0, -2.0, 3.0, 40.00001], &reference).within);
    }
}
