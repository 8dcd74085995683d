//! Ops that move elements.

use edgefit_graph::Tensor as Stored;

use crate::case::{Case, check_all};

#[test]
fn moves() {
    let x = &[2, 3, 4];
    let bounds = |case: Case, starts: &[i64], ends: &[i64], axes: &[i64], steps: &[i64]| {
        case.list("starts", starts)
            .list("ends", ends)
            .list("axes", axes)
            .list("steps", steps)
    };
    let indices = Stored::from_values(vec![2, 2], &[0i64, -1, 0, 1]);
    let rows = Stored::from_values(vec![2, 2], &[0i64, 1, 1, 2]);
    check_all(vec![
        (
            "Concat",
            Case::new("Concat", x)
                .weight("v", &[2, 1, 4])
                .int("axis", -2),
        ),
        (
            "Split",
            Case::new("Split", x)
                .list("sizes", &[1, 3])
                .int("axis", 2)
                .outputs(2),
        ),
        (
            "Slice",
            bounds(
                Case::new("Slice", &[5, 7]),
                &[1, -2],
                &[5, 0],
                &[0, 1],
                &[2, -3],
            ),
        ),
        (
            "Gather",
            Case::new("Gather", x).stored("i", indices).int("axis", 1),
        ),
        (
            "GatherND",
            Case::new("GatherND", x).stored("i", rows.clone()),
        ),
        (
            "ScatterND",
            Case::new("ScatterND", x)
                .stored("i", rows)
                .weight("v", &[2, 4]),
        ),
        (
            "Transpose",
            Case::new("Transpose", x).ints("perm", &[2, 0, 1]),
        ),
        ("Reshape", Case::new("Reshape", x).list("shape", &[4, -1])),
        ("Flatten", Case::new("Flatten", x)),
        (
            "Squeeze",
            Case::new("Squeeze", &[2, 1, 3]).list("axes", &[1]),
        ),
        ("Unsqueeze", Case::new("Unsqueeze", x).list("axes", &[1])),
        (
            "Expand",
            Case::new("Expand", &[3, 1]).list("shape", &[2, 1, 4]),
        ),
        ("Tile", Case::new("Tile", &[2, 3]).list("repeats", &[2, 3])),
        (
            "Pad",
            Case::new("Pad", &[3, 4]).list("pads", &[1, -1, 0, 2]),
        ),
        (
            "Pad, reflect",
            Case::new("Pad", &[3, 4])
                .list("pads", &[1, 2, 2, 3])
                .text("mode", "reflect"),
        ),
        (
            "Pad, edge",
            Case::new("Pad", &[3, 4])
                .list("pads", &[1, 2, 2, 3])
                .text("mode", "edge"),
        ),
        (
            "DepthToSpace",
            Case::new("DepthToSpace", &[1, 8, 2, 3]).int("blocksize", 2),
        ),
        (
            "DepthToSpace, CRD",
            Case::new("DepthToSpace", &[1, 8, 2, 3])
                .int("blocksize", 2)
                .text("mode", "CRD"),
        ),
        (
            "SpaceToDepth",
            Case::new("SpaceToDepth", &[1, 2, 4, 6]).int("blocksize", 2),
        ),
        ("Cast", Case::new("Cast", x).int("to", 1)),
        (
            "TopK",
            Case::new("TopK", &[3, 5]).list("k", &[2]).outputs(2),
        ),
    ]);
}
