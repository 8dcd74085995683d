//! Synthetic inputs: random ones, one sample of them, and edge cases.

use edgefit_engine::{Array, random_arrays};
use edgefit_graph::{DataType, Graph, ValueInfo, ValueType};

use super::case::{Case, Source};
use crate::input_kind::InputKind;
use crate::samples::{count, fixed, inferred};

/// Samples of an edge-case input.
const EDGE_CASE_SAMPLES: usize = 2;

/// Random inputs of the given shapes, one sample of them if the model takes one, and edge cases; the same for the same
/// seed.
pub fn synthetic(graph: &Graph, shapes: &[Vec<usize>], seed: u64) -> Vec<Case> {
    let inputs: Vec<&ValueInfo> = graph.free_inputs().collect();
    let noise = random_arrays(shapes.to_vec(), seed);
    let case = |kind, noise: &[Array]| {
        let arrays = inputs.iter().zip(noise);
        let arrays = arrays.map(|(input, noise)| array(kind, index_count(graph, input), noise));
        Case {
            kind,
            source: Source::Arrays(arrays.collect()),
            labels: None,
        }
    };
    let mut cases = vec![case(InputKind::Random, &noise)];
    if let Some(one) = first(1, graph, &noise) {
        cases.push(case(InputKind::OneSample, &one));
    }
    let few = first(EDGE_CASE_SAMPLES, graph, &noise).unwrap_or_else(|| noise.clone());
    for kind in [
        InputKind::Zeros,
        InputKind::Ones,
        InputKind::Extremes,
        InputKind::Denormals,
    ] {
        cases.push(case(kind, &few));
    }
    cases
}

/// Noise made into an input of a kind. An input of integers has values below `index_count`.
fn array(kind: InputKind, index_count: Option<usize>, noise: &Array) -> Array {
    let value = |noise: f32| match kind {
        InputKind::Zeros => 0.0,
        InputKind::Ones => 1.0,
        InputKind::Extremes => 1e4f32.copysign(noise),
        InputKind::Denormals => noise * 1e-40,
        _ => noise,
    };
    let element = |&noise: &f32| match index_count {
        // Noise lies in −2 … 2.
        Some(count) => ((value(noise).clamp(-2.0, 1.999) / 4.0 + 0.5) * count as f32).floor(),
        None => value(noise),
    };
    Array {
        dims: noise.dims.clone(),
        values: noise.values.iter().map(element).collect(),
    }
}

/// The first `samples`, if there are more and the model takes any number.
fn first(samples: usize, graph: &Graph, noise: &[Array]) -> Option<Vec<Array>> {
    let is_cut = count(noise) > samples
        && fixed(graph).is_none()
        && inferred(noise, graph, samples).is_some();
    is_cut.then(|| noise.iter().map(|array| array.rows(0..samples)).collect())
}

/// How many values an input of integers may have: the rows of the table that it points into, else 2.
fn index_count(graph: &Graph, input: &ValueInfo) -> Option<usize> {
    let ValueType::Tensor { dtype, .. } = input.ty else {
        return None;
    };
    if dtype.is_float() {
        return None;
    }
    let reads = graph.nodes.iter().filter(|node| node.op == "Gather");
    let tables = reads.filter(|node| node.input(1) == Some(&input.name));
    let rows = tables.filter_map(|node| {
        let table = graph.initializers.get(node.input(0)?)?;
        let axis = node.int_or("axis", 0).ok()?;
        let axis = axis.rem_euclid(table.dims().len().max(1) as i64) as usize;
        table.dims().get(axis).copied()
    });
    let fewest = rows.min().filter(|_| dtype != DataType::Bool);
    Some(fewest.unwrap_or(2))
}

#[cfg(test)]
mod tests {
    use edgefit_graph::Dim;

    use super::*;

    #[test]
    fn each_kind_has_its_values() {
        let mut graph = Graph::new("g", 17);
        let dims = vec![Dim::Symbol("n".into()), Dim::Known(3)];
        graph.inputs.push(ValueInfo::f32("x", dims));
        let cases = synthetic(&graph, &[vec![4, 3]], 7);
        let of = |kind: InputKind| {
            let case = cases.iter().find(|case| case.kind == kind).unwrap();
            match &case.source {
                Source::Arrays(arrays) => arrays[0].clone(),
                Source::Images(_) => panic!("{kind}"),
            }
        };
        assert_eq!(of(InputKind::Random).dims, [4, 3]);
        assert_eq!(of(InputKind::OneSample).dims, [1, 3]);
        assert_eq!(of(InputKind::Ones).values, [1.0; 6]);
        let extremes = of(InputKind::Extremes).values;
        assert!(extremes.iter().all(|value| value.abs() == 1e4));
        let denormals = of(InputKind::Denormals).values;
        assert!(denormals.iter().all(|value| value.is_subnormal()));
    }
}
