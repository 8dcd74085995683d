//! Pooling, reductions and resampling.

use crate::case::{Case, check_all};

#[test]
fn pools() {
    let mut cases = Vec::new();
    for op in ["MaxPool", "AveragePool"] {
        let pool = || Case::new(op, &[2, 2, 5, 7]).ints("kernel_shape", &[3, 2]);
        cases.push((op, pool()));
        cases.push((
            op,
            pool().ints("strides", &[2, 2]).ints("pads", &[1, 0, 0, 1]),
        ));
        cases.push((op, pool().ints("strides", &[2, 3]).int("ceil_mode", 1)));
        cases.push((op, pool().ints("dilations", &[2, 1])));
        cases.push((
            op,
            Case::new(op, &[2, 3, 7])
                .ints("kernel_shape", &[3])
                .ints("strides", &[2]),
        ));
        cases.push((
            op,
            Case::new(op, &[1, 2, 4, 3, 5]).ints("kernel_shape", &[2, 2, 2]),
        ));
    }
    cases.push((
        "AveragePool, padding counted",
        Case::new("AveragePool", &[1, 2, 5, 5])
            .ints("kernel_shape", &[3, 3])
            .ints("pads", &[1, 1, 1, 1])
            .ints("strides", &[2, 2])
            .int("count_include_pad", 1)
            .int("ceil_mode", 1),
    ));
    cases.push((
        "GlobalAveragePool",
        Case::new("GlobalAveragePool", &[2, 3, 3, 5]),
    ));
    cases.push(("GlobalMaxPool", Case::new("GlobalMaxPool", &[2, 3, 3, 5])));
    check_all(cases);
}

#[test]
fn reductions() {
    let mut cases = Vec::new();
    for op in [
        "ReduceMean",
        "ReduceSum",
        "ReduceMax",
        "ReduceMin",
        "ReduceL1",
        "ReduceL2",
        "ReduceSumSquare",
        "ReduceLogSumExp",
        "ReduceProd",
    ] {
        cases.push((op, Case::new(op, &[2, 3, 5]).list("axes", &[-1])));
        cases.push((
            op,
            Case::new(op, &[2, 3, 5])
                .list("axes", &[0, 2])
                .int("keepdims", 0),
        ));
        cases.push((op, Case::new(op, &[2, 3])));
    }
    cases.push(("CumSum", Case::new("CumSum", &[3, 4]).list("axis", &[1])));
    cases.push((
        "CumSum",
        Case::new("CumSum", &[3, 4])
            .list("axis", &[0])
            .int("exclusive", 1)
            .int("reverse", 1),
    ));
    check_all(cases);
}

#[test]
fn resampling() {
    let mut cases = Vec::new();
    for mode in ["nearest", "linear", "cubic"] {
        for coordinates in [
            "half_pixel",
            "align_corners",
            "asymmetric",
            "pytorch_half_pixel",
        ] {
            let case = Case::new("Resize", &[1, 2, 3, 5])
                .absent()
                .absent()
                .list("sizes", &[1, 2, 5, 4]);
            let case = case
                .text("mode", mode)
                .text("coordinate_transformation_mode", coordinates);
            cases.push((mode, case));
        }
    }
    check_all(cases);
}
