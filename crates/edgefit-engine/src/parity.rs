//! Do two engines compute the same?

use std::collections::HashSet;

use edgefit_graph::rewrite::extract;
use edgefit_graph::{Graph, ValueInfo};
use serde::Serialize;

use crate::array::Array;
use crate::error::Result;
use crate::{EngineName, load};

/// How far two float32 results may be apart: `|a − b| ≤ atol · max(1, max |b|) + rtol · |b|` for
/// every element.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Tolerance {
    /// Share of the largest value.
    pub atol: f32,
    /// Share of the value itself.
    pub rtol: f32,
}

impl Tolerance {
    /// For float32 models.
    pub const F32: Tolerance = Tolerance {
        atol: 1e-4,
        rtol: 1e-3,
    };
}

/// The outputs of two engines on the same inputs.
#[derive(Debug, Clone, Serialize)]
pub struct Pair {
    /// One engine.
    pub a: EngineName,
    /// The other, taken as the reference.
    pub b: EngineName,
    /// Largest difference of two elements; NaN (`null` in JSON) where one is not finite.
    pub max_abs: f32,
    /// Largest |b|.
    #[serde(skip)]
    pub scale: f64,
    /// ‖a − b‖ / ‖b‖.
    pub rel_l2: f64,
    /// Cosine of the angle between a and b.
    pub cosine: f64,
    /// Share of samples whose largest output is the same.
    pub top1_agree: f64,
    /// Whether every element is within the tolerance.
    pub within: bool,
    /// The tolerance.
    pub tolerance: Tolerance,
}

/// Whether engines agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Verdict {
    Agree,
    Diverge,
}

impl Verdict {
    /// Agreement of all `pairs`.
    pub fn of(pairs: &[Pair]) -> Self {
        match pairs.iter().all(|pair| pair.within) {
            true => Verdict::Agree,
            false => Verdict::Diverge,
        }
    }
}

/// The node at which two engines part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// Name of the node, or of its output.
    pub node: String,
    /// Its operator.
    pub op: String,
}

/// Runs `graph` on `inputs` in every one of `engines` and compares the results, each two of them
/// and each output.
///
/// # Errors
/// An engine cannot load or run the model.
pub fn across(
    graph: &Graph,
    engines: &[EngineName],
    inputs: &[Array],
    threads: usize,
    tolerance: Tolerance,
) -> Result<Vec<Pair>> {
    let results = engines
        .iter()
        .map(|&engine| Ok((engine, load(engine, graph, threads)?.run(inputs)?)))
        .collect::<Result<Vec<_>>>()?;
    Ok(pairs(&results, tolerance))
}

/// Compares what several engines made of the same inputs, each two of them and each output.
pub fn pairs(results: &[(EngineName, Vec<Array>)], tolerance: Tolerance) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (index, (a, of_a)) in results.iter().enumerate() {
        for (b, of_b) in &results[index + 1..] {
            let outputs = of_a.iter().zip(of_b);
            pairs.extend(outputs.map(|(x, y)| compare((*a, x), (*b, y), tolerance)));
        }
    }
    pairs
}

/// The first node, in graph order, whose result differs between the engines `a` and `b` by more
/// than `tolerance`.
///
/// # Errors
/// An engine cannot load or run the model with its inner values as outputs.
pub fn first_divergence(
    graph: &Graph,
    (a, b): (EngineName, EngineName),
    inputs: &[Array],
    threads: usize,
    tolerance: Tolerance,
) -> Result<Option<Divergence>> {
    let nodes: Vec<_> = graph
        .nodes
        .iter()
        .filter(|node| node.op != "Constant")
        .collect();
    let mut seen = HashSet::new();
    let values: Vec<ValueInfo> = nodes
        .iter()
        .filter_map(|node| node.present_outputs().next())
        .filter(|name| seen.insert(*name))
        .map(ValueInfo::float)
        .collect();
    let opened = extract(graph, &graph.inputs, &values)?;
    let of_a = load(a, &opened, threads)?.run(inputs)?;
    let of_b = load(b, &opened, threads)?.run(inputs)?;
    let apart = of_a
        .iter()
        .zip(&of_b)
        .position(|(x, y)| !compare((a, x), (b, y), tolerance).within);
    Ok(apart.map(|index| Divergence {
        node: nodes[index].label().to_owned(),
        op: nodes[index].op.clone(),
    }))
}

/// Compares two results of shape (samples, …); a NaN or another shape is never within tolerance.
pub fn compare(a: (EngineName, &Array), b: (EngineName, &Array), tolerance: Tolerance) -> Pair {
    let ((name_a, a), (name_b, b)) = (a, b);
    let same_shape = a.dims == b.dims;
    let finite = b.values.iter().filter(|value| value.is_finite());
    let largest = finite.fold(0f32, |max, value| max.max(value.abs()));
    let floor = tolerance.atol * largest.max(1.0);
    let (mut max_abs, mut within) = (0f32, same_shape);
    let (mut difference, mut dot, mut norm_a, mut norm_b) = (0f64, 0f64, 0f64, 0f64);
    for (&x, &y) in a.values.iter().zip(&b.values) {
        // Infinities have to be the same ones; a NaN is never right.
        let apart = if x == y { 0.0 } else { (x - y).abs() };
        within &= apart.is_finite() && apart <= floor + tolerance.rtol * y.abs();
        max_abs = match apart.is_finite() {
            true if !max_abs.is_nan() => max_abs.max(apart),
            _ => f32::NAN,
        };
        let (x, y) = (f64::from(x), f64::from(y));
        difference += (x - y) * (x - y);
        dot += x * y;
        norm_a += x * x;
        norm_b += y * y;
    }
    let samples = b.dims.first().copied().unwrap_or(0);
    let agreeing = match (same_shape, samples) {
        (false, _) | (_, 0) => 0,
        _ => {
            let width = b.values.len() / samples;
            let rows = a
                .values
                .chunks(width.max(1))
                .zip(b.values.chunks(width.max(1)));
            rows.filter(|(a, b)| argmax(a) == argmax(b)).count()
        }
    };
    Pair {
        a: name_a,
        b: name_b,
        max_abs,
        scale: f64::from(largest),
        rel_l2: (difference / norm_b.max(f64::MIN_POSITIVE)).sqrt(),
        cosine: dot / (norm_a * norm_b).sqrt().max(f64::MIN_POSITIVE),
        top1_agree: agreeing as f64 / samples.max(1) as f64,
        within,
        tolerance,
    }
}

/// Index of the largest value; the first of equals, and 0 of none.
pub fn argmax(values: &[f32]) -> usize {
    let larger = |best: usize, index: usize| {
        if values[index] > values[best] {
            index
        } else {
            best
        }
    };
    (1..values.len()).fold(0, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(a: &[f32], b: &[f32]) -> Pair {
        let array = |values: &[f32]| Array {
            dims: vec![values.len() / 2, 2],
            values: values.to_vec(),
        };
        let (a, b) = (array(a), array(b));
        compare(
            (EngineName::Tract, &a),
            (EngineName::OnnxRuntime, &b),
            Tolerance::F32,
        )
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
    }
}
