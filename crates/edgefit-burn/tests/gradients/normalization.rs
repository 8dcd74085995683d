//! Normalisations and matrix products.

use crate::case::{Case, check_all};

#[test]
fn normalisations() {
    let bn = |dims: &[usize]| {
        Case::new("BatchNormalization", dims)
            .weight("g", &[3])
            .weight("b", &[3])
            .weight("m", &[3])
            .scale("v", &[3])
    };
    check_all(vec![
        ("batch, two dimensions", bn(&[2, 3, 2, 3])),
        ("batch, none", bn(&[4, 3])),
        (
            "layer",
            Case::new("LayerNormalization", &[2, 3, 5])
                .weight("g", &[5])
                .weight("b", &[5]),
        ),
        (
            "layer, from the second dimension",
            Case::new("LayerNormalization", &[2, 3, 4])
                .int("axis", 1)
                .weight("g", &[3, 4])
                .outputs(3),
        ),
        (
            "instance",
            Case::new("InstanceNormalization", &[2, 3, 4, 3])
                .weight("g", &[3])
                .weight("b", &[3]),
        ),
        (
            "group",
            Case::new("GroupNormalization", &[2, 4, 3, 3])
                .int("num_groups", 2)
                .weight("g", &[4])
                .weight("b", &[4]),
        ),
        (
            "group, before opset 21",
            Case::new("GroupNormalization", &[2, 4, 5])
                .int("num_groups", 2)
                .opset(18)
                .weight("g", &[2])
                .weight("b", &[2]),
        ),
        ("softmax", Case::new("Softmax", &[2, 3, 4]).int("axis", 1)),
        (
            "softmax before opset 13",
            Case::new("Softmax", &[2, 3, 4]).opset(11),
        ),
        ("log softmax", Case::new("LogSoftmax", &[2, 5])),
    ]);
}

#[test]
fn products() {
    check_all(vec![
        (
            "matrices",
            Case::new("MatMul", &[3, 4]).weight("v", &[4, 2]),
        ),
        (
            "batches, broadcast",
            Case::new("MatMul", &[2, 1, 3, 4]).weight("v", &[5, 4, 2]),
        ),
        (
            "a vector on the left",
            Case::new("MatMul", &[4]).weight("v", &[3, 4, 2]),
        ),
        (
            "a vector on the right",
            Case::new("MatMul", &[3, 4]).weight("v", &[4]),
        ),
        (
            "Gemm",
            Case::new("Gemm", &[4, 3])
                .weight("v", &[2, 4])
                .weight("c", &[2])
                .int("transA", 1)
                .int("transB", 1)
                .float("alpha", 0.5)
                .float("beta", 1.5),
        ),
        (
            "Einsum",
            Case::new("Einsum", &[2, 3, 4])
                .text("equation", "bij,bkj->bik")
                .weight("v", &[2, 5, 4]),
        ),
        (
            "Einsum, diagonal",
            Case::new("Einsum", &[2, 3, 3]).text("equation", "...ii->...i"),
        ),
    ]);
}
