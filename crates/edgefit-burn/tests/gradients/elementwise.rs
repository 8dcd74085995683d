//! Functions of one element, and of several that are broadcast.

use edgefit_graph::Tensor as Stored;

use crate::case::{Case, check_all, wave};

#[test]
fn functions_of_one_element() {
    let x = &[2, 3, 5];
    let mut cases: Vec<(&str, Case)> = [
        "Identity",
        "Relu",
        "LeakyRelu",
        "Elu",
        "Sigmoid",
        "HardSigmoid",
        "HardSwish",
        "Tanh",
        "Softplus",
        "Mish",
        "Gelu",
        "Erf",
        "Exp",
        "Neg",
        "Abs",
        "Sin",
        "Cos",
    ]
    .into_iter()
    .map(|op| (op, Case::new(op, x)))
    .collect();
    for op in ["Sqrt", "Log", "Reciprocal"] {
        cases.push((op, Case::new(op, x).positive()));
    }
    cases.push((
        "Gelu, tanh",
        Case::new("Gelu", x).text("approximate", "tanh"),
    ));
    let limit = |value: f32| Stored::from_values(vec![], &[value]);
    cases.push((
        "Clip",
        Case::new("Clip", x)
            .stored("lo", limit(-0.501))
            .stored("hi", limit(0.601)),
    ));
    check_all(cases);
}

#[test]
fn elu_has_a_slope_where_the_exponential_overflows_and_one_at_0() {
    let case = Case::new("Elu", &[3]).float("alpha", 0.5);
    let mut graph = case.graph();
    let x = Stored::from_values(vec![3], &[1000f32, 0.0, -1.0]);
    graph.initializers.insert("w".into(), x);
    // What the loss multiplies the results with.
    let readers = wave(3, 0.6, 0.1);
    let by: Vec<f64> = readers.into_iter().map(f64::from).collect();
    let power = (-1f64).exp();
    let loss = 1000.0 * by[0] + 0.5 * (power - 1.0) * by[2];
    case.holds(
        &graph,
        loss,
        &[("w", &[by[0], 0.5 * by[1], 0.5 * power * by[2]])],
    );
}

#[test]
fn steps_have_no_slope() {
    for op in ["Ceil", "Floor", "Round", "Sign"] {
        Case::new(op, &[7]).check(op);
    }
}

#[test]
fn functions_of_several_elements() {
    let mut cases = Vec::new();
    // Broadcast from the left, from the right, and both ways at once.
    for op in ["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean"] {
        cases.push((op, Case::new(op, &[2, 3, 5]).weight("v", &[5])));
        cases.push((op, Case::new(op, &[3, 1]).weight("v", &[2, 1, 4])));
        cases.push((op, Case::new(op, &[2, 3]).weight("v", &[2, 3])));
    }
    let planes = || Case::new("Mul", &[2, 3, 4, 5]).weight("v", &[2, 3, 1, 1]);
    let mut swapped = planes();
    swapped.node.inputs.reverse();
    cases.push(("a gate for each plane", planes()));
    cases.push(("a gate for each plane, first", swapped));
    cases.push((
        "Pow",
        Case::new("Pow", &[2, 3]).positive().weight("v", &[3]),
    ));
    for exponent in [2.0, 3.0, 0.5, -1.5] {
        let exponent = Stored::from_values(vec![], &[exponent]);
        cases.push((
            "Pow",
            Case::new("Pow", &[2, 3]).positive().stored("e", exponent),
        ));
    }
    let square = Stored::from_values(vec![], &[2f32]);
    cases.push(("Pow, signed", Case::new("Pow", &[2, 3]).stored("e", square)));
    cases.push((
        "Mod",
        Case::new("Mod", &[7]).int("fmod", 1).scale("v", &[1]),
    ));
    cases.push(("PRelu", Case::new("PRelu", &[2, 3, 4]).weight("v", &[3, 1])));
    let mask: Vec<u8> = vec![1, 0, 1];
    let mask = Stored::from_values(vec![3, 1], &mask);
    let mask = Stored::new(
        edgefit_graph::DataType::Bool,
        vec![3, 1],
        mask.bytes().clone(),
    );
    let mut choice = Case::new("Where", &[2, 3, 4]).weight("v", &[4]);
    choice.node.inputs.insert(0, "mask".into());
    choice.others.push(("mask", mask.unwrap()));
    cases.push(("Where", choice));
    check_all(cases);
}
