//! Matrix products and their gradients against the definition, of matrices as they lie and of transposed ones.

use crate::case::{Case, wave};

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

    case.holds(&graph, loss, &[("w", &of_a), ("k", &of_b)]);
}

#[test]
fn products_are_those_of_the_definition() {
    for transposed in [[false, false], [false, true], [true, false], [true, true]] {
        check([3, 2, 5], transposed);
        check([67, 130, 71], transposed);
    }
}
