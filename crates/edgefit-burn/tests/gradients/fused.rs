//! Chains of nodes that one kernel computes.

use crate::case::{Case, check_all, wave};

const BIAS: [f32; 5] = [0.3, -0.2, 0.1, 0.4, -0.5];

fn conv(x: &[usize], weight: &[usize]) -> Case {
    Case::new("Conv", x)
        .weight("v", weight)
        .weight("c", &weight[..1])
}

/// A pointwise convolution of large images, one of small ones, a depthwise one and two dense ones.
fn convolutions() -> Vec<(&'static str, Case)> {
    vec![
        ("tiles", conv(&[3, 2, 5, 3], &[3, 2, 1, 1])),
        ("many images", conv(&[19, 1, 2, 3], &[2, 1, 1, 1])),
        ("side by side", conv(&[2, 5, 1, 2], &[4, 5, 1, 1])),
        (
            "depthwise",
            conv(&[2, 3, 5, 4], &[3, 1, 3, 2])
                .int("group", 3)
                .ints("strides", &[2, 1])
                .ints("pads", &[1, 0, 1, 1]),
        ),
        (
            "dense, in transformed tiles",
            conv(&[3, 16, 9, 11], &[16, 16, 3, 3])
                .ints("pads", &[1, 0, 2, 1])
                .some(),
        ),
        ("dense", conv(&[2, 2, 4, 3], &[3, 2, 2, 3])),
        (
            "dense, one image",
            conv(&[1, 2, 5, 3], &[2, 2, 3, 1]).ints("pads", &[1, 0, 0, 0]),
        ),
    ]
}

#[test]
fn convolution_and_activation() {
    for activation in ["Relu", "Sigmoid", "HardSigmoid", "HardSwish", "Gelu"] {
        for (what, case) in convolutions() {
            case.then("a", activation, &["a"])
                .check(&format!("{what}, {activation}"));
        }
    }
}

#[test]
fn convolution_normalisation_and_activation() {
    let names = ["a", "g", "b", "m", "s"];
    for frozen in [&["g", "b"][..], &["g"], &[]] {
        for (what, case) in convolutions() {
            // The statistics of the batch take more than one value.
            let channels = case.others[0].1.dims()[0];
            let values = |phase: f32| wave(channels, phase, 0.25);
            let variance: Vec<f32> = values(0.7).into_iter().map(f32::abs).collect();
            case.constant("g", &[channels], &values(0.1))
                .constant("b", &[channels], &values(0.3))
                .constant("m", &[channels], &values(0.5))
                .constant("s", &[channels], &variance)
                .then("a", "BatchNormalization", &names)
                .then("n", "HardSwish", &["n"])
                .freeze(frozen)
                .check(&format!("{what}, frozen: {frozen:?}"));
        }
    }
}

#[test]
fn linear_layers() {
    let gelu = |case: Case| {
        case.constant("root", &[], &[std::f32::consts::SQRT_2])
            .constant("one", &[], &[1.0])
            .constant("half", &[], &[0.5])
    };
    let product = |x: &[usize]| {
        Case::new("MatMul", x)
            .weight("v", &[4, 5])
            .constant("c", &[5], &BIAS)
            .then("p", "Add", &["c", "p"])
    };
    let halved_last = gelu(product(&[2, 3, 4]))
        .then("s", "Div", &["s", "root"])
        .then("d", "Erf", &["d"])
        .then("e", "Add", &["e", "one"])
        .then("f", "Mul", &["s", "f"])
        .then("g", "Mul", &["g", "half"]);
    let halved_first = gelu(product(&[3, 4]))
        .then("s", "Mul", &["half", "s"])
        .then("h", "Div", &["s", "root"])
        .then("d", "Erf", &["d"])
        .then("e", "Add", &["one", "e"])
        .then("f", "Mul", &["h", "f"]);
    let silu = product(&[520, 4])
        .then("s", "Sigmoid", &["s"])
        .then("t", "Mul", &["t", "s"])
        .freeze(&["w"]);
    let gemm = Case::new("Gemm", &[3, 4])
        .weight("v", &[5, 4])
        .weight("c", &[5])
        .int("transB", 1);
    check_all(vec![
        ("gelu, halved last", halved_last),
        ("gelu, halved first", halved_first),
        ("silu, in tiles", silu),
        ("bias alone", product(&[7, 4]).freeze(&["v"])),
        ("Gemm", gemm.then("s", "Relu", &["s"])),
    ]);
}

#[test]
fn attention() {
    let scaled = |case: Case| case.constant("scale", &[], &[0.7]);
    let apart = scaled(Case::new("Identity", &[2, 3, 4, 5]))
        .constant("k", &[2, 3, 5, 6], &wave(180, 0.2, 0.1))
        .constant("v", &[2, 3, 6, 5], &wave(180, 0.5, 0.1))
        .then("q", "Mul", &["q", "scale"])
        .then("r", "MatMul", &["r", "k"])
        .then("t", "Softmax", &["t"])
        .then("p", "MatMul", &["p", "v"]);
    let mut packed = scaled(Case::new("Transpose", &[2, 3, 3, 2, 5]))
        .ints("perm", &[2, 0, 3, 1, 4])
        .constant("x", &[], &[1.0])
        .then("all", "Gather", &["all", "zero_"])
        .then("q", "Gather", &["all", "one_"])
        .then("k", "Transpose", &["k"])
        .ints("perm", &[0, 1, 3, 2])
        .then("kt", "Gather", &["all", "two_"])
        .then("v", "MatMul", &["q", "kt"])
        .then("s", "Div", &["s", "scale"])
        .then("r", "Softmax", &["r"])
        .then("p", "MatMul", &["p", "v"]);
    for (name, index) in [("zero_", 0i64), ("one_", 1), ("two_", 2)] {
        let index = edgefit_graph::Tensor::from_values(vec![], &[index]);
        packed.others.push((name, index));
    }
    check_all(vec![("apart", apart), ("packed", packed)]);
}
