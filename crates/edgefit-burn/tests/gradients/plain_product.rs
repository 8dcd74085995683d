//! Matrix products and their gradients against the definition, of matrices as they lie and of transposed ones.

use edgefit_burn::burn::optim::GradientsParams;

use crate::case::{Case, slopes, wave};

/// Row-major, or column-major where it is read as transposed.
fn place([rows, columns]: [usize; 2], is_transposed: bool, row: usize, column: usize) -> usize {
    if is_transposed {
        column * rows + row
    } else {
        row * columns + column
    }
}

fn check([rows, inner, columns]: [usize; 3], [left, right]: [bool; 2]) {
    let dims = |[rows, columns]: [usize; 2], is_transposed: bool| {
        if is_transposed {
            [columns, rows]
        } else {
            [rows, columns]
        }
    };
    let case = Case::new("Gemm", &dims([rows, inner], left))
        .weight("k", &dims([inner, columns], right))
        .int("transA", left.into())
        .int("transB", right.into());
    let graph = case.graph();
    let stored = |name: &str| -> Vec<f64> {
        let values = graph.initializers[name].to_f32().unwrap();
        values.into_iter().map(f64::from).collect()
    };
    let (a, b) = (stored("w"), stored("k"));
    // What the loss multiplies the results with.
    let gradient = wave(rows * columns, 0.6, 0.1);
    let mut loss = 0.0;
    let (mut of_a, mut of_b) = (vec![0.0; a.len()], vec![0.0; b.len()]);
    for (at, &gradient) in gradient.iter().enumerate() {
        let (row, column, gradient) = (at / columns, at % columns, f64::from(gradient));
        for element in 0..inner {
            let first = place([rows, inner], left, row, element);
            let second = place([inner, columns], right, element, column);
            loss += gradient * a[first] * b[second];
            of_a[first] += gradient * b[second];
            of_b[second] += gradient * a[first];
        }
    }

    let mut module = case.module(&graph);
    let made = case.loss(&mut module);
    let gradients = GradientsParams::from_grads(made.backward(), &module);
    let near = |made: f64, wanted: f64| (made - wanted).abs() <= 1e-9 * wanted.abs().max(1.0);
    let made = made.into_scalar::<f64>();
    assert!(near(made, loss), "{made} {loss}");
    for (name, parameter) in module.parameters() {
        let wanted = if name == "w" { &of_a } else { &of_b };
        let made = slopes(&gradients, parameter).unwrap();
        assert_eq!(made.len(), wanted.len());
        for (at, (&made, &wanted)) in made.iter().zip(wanted).enumerate() {
            assert!(near(made, wanted), "{name}[{at}]: {made} {wanted}");
        }
    }
}

#[test]
fn products_are_those_of_the_definition() {
    for transposed in [[false, false], [false, true], [true, false], [true, true]] {
        check([3, 2, 5], transposed);
        check([67, 130, 71], transposed);
    }
}
