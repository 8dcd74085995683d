//! Tests of what a quantised model keeps.

use edgefit_graph::Node;

use super::*;

fn array(classes: usize, values: &[f32]) -> Array {
    Array {
        dims: vec![values.len() / classes, classes],
        values: values.to_vec(),
    }
}

fn fidelity(float: &Array, quantized: &Array) -> OutputFidelity {
    let samples = float.dims[0];
    let of = (EngineName::Tract, "y".to_owned(), InputKind::Real, samples);
    OutputFidelity::of(of, float, quantized)
}

#[test]
fn noise_is_told_in_decibels_and_explains_close_calls() {
    // Half of the samples are close calls, that noise of 0.1 changes; the others are far from it.
    let float: Vec<f32> = (0..200)
        .flat_map(|at| {
            if at % 2 == 0 {
                [1.0, 0.99]
            } else {
                [9.0, -9.0]
            }
        })
        .collect();
    let noisy: Vec<f32> = float
        .chunks(2)
        .enumerate()
        .flat_map(|(at, row)| {
            let off = if (at / 2) % 2 == 0 { 0.1 } else { -0.1 };
            [row[0] - off, row[1] + off]
        })
        .collect();
    let (x, y) = (array(2, &float), array(2, &noisy));
    let found = fidelity(&x, &y);
    assert_eq!(found.top1_agree, Some(0.75));
    assert!(found.within, "{found:?}");
    assert!((found.sqnr_db.unwrap() - 36.1).abs() < 0.1, "{found:?}");
    // The same noise elsewhere, and as many answers changed that were far from it.
    let mut planted = float.clone();
    for row in planted.chunks_mut(2).skip(1).step_by(8) {
        row.swap(0, 1);
    }
    let found = fidelity(&x, &array(2, &planted));
    assert!(!found.within, "{found:?}");
    let same = fidelity(&x, &x);
    assert!(same.within && same.sqnr_db.is_none() && same.top1_expected == Some(1.0));
}

#[test]
fn what_is_no_number_or_has_another_shape_is_never_within() {
    let x = array(2, &[1.0, 2.0, 3.0, 4.0]);
    assert!(!fidelity(&x, &array(2, &[1.0, f32::NAN, 3.0, 4.0])).within);
    assert!(!fidelity(&x, &array(1, &[1.0, 2.0, 3.0, 4.0])).within);
    let twice = fidelity(&x, &array(2, &[2.0, 4.0, 6.0, 8.0]));
    assert!(!twice.within && twice.cosine > 0.999);
}

#[test]
fn a_loss_has_to_be_certain() {
    let right = vec![true; 400];
    let lost = |count: usize| -> Vec<bool> { (0..400).map(|at| at >= count).collect() };
    let few = PairedLoss::of(EngineName::Tract, &right, &lost(4));
    assert!(few.within && few.lost == 4 && few.lost_points == 1.0);
    assert!(!PairedLoss::of(EngineName::Tract, &right, &lost(20)).within);
    assert!(PairedLoss::of(EngineName::Tract, &lost(20), &right).within);
}

#[test]
fn exactly_one_of_the_two_is_quantised() {
    let float = Graph::new("float", 17);
    let mut integers = float.clone();
    let node = Node::new("QuantizeLinear", "q", &["x", "s"], &["y"]);
    integers.nodes.push(node);
    let side = |a: &Graph, b: &Graph| quantized_side(a, Some(b));
    assert_eq!(side(&integers, &float), Some(Quantized::Model));
    assert_eq!(side(&float, &integers), Some(Quantized::Against));
    assert_eq!(side(&integers, &integers), None);
    assert_eq!(quantized_side(&integers, None), None);
}
