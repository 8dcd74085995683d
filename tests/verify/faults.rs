//! What `edgefit verify` finds in a single model: what is live in eval mode, and where engines differ.

use edgefit::graph::{Attribute, DataType, Dim, Graph, Node, Tensor, ValueInfo};

use super::{Files, document, small, verify};

#[test]
fn live_dropout_random_numbers_and_the_batch_are_found() {
    let files = Files::new();
    let on = Tensor::from_i64(DataType::Bool, vec![], &[1]).unwrap();
    let ratio = Tensor::from_values(vec![], &[0.5f32]);
    let dropout = small(
        vec![
            Node::new("Tanh", "before", &["x"], &["t"]),
            Node::new("Dropout", "drop", &["t", "ratio", "on"], &["d"]),
            Node::new("Tanh", "behind", &["d"], &["y"]),
        ],
        &[("ratio", ratio), ("on", on)],
    );
    let found = document(&mut verify(&files.save("dropout.onnx", &dropout)), 1);
    assert_eq!(found["faults"][0]["node"], "drop", "{found}");
    assert_eq!(found["faults"][0]["kind"], "live_dropout");

    let random = small(
        vec![
            Node::new("RandomNormalLike", "noise", &["x"], &["n"]),
            Node::new("Add", "noisy", &["x", "n"], &["y"]),
        ],
        &[],
    );
    // Only ONNX Runtime draws them.
    let found = document(&mut verify(&files.save("random.onnx", &random)), 1);
    assert_eq!(found["faults"][0]["node"], "noise", "{found}");
    assert_eq!(found["faults"][0]["kind"], "random");

    let batch = small(
        vec![
            Node::new("Tanh", "before", &["x"], &["t"]),
            Node::new("ReduceMean", "mean", &["t"], &["m"]).with("axes", Attribute::Ints(vec![0])),
            Node::new("Sub", "centre", &["t", "m"], &["y"]),
        ],
        &[],
    );
    let found = document(&mut verify(&files.save("batch.onnx", &batch)), 1);
    assert_eq!(found["faults"][0]["node"], "mean", "{found}");
    assert_eq!(found["faults"][0]["kind"], "depends_on_batch");
}

#[test]
fn a_known_difference_of_the_engines_is_explained_and_still_fails() {
    let files = Files::new();
    let mut graph = Graph::new("resize", 13);
    let dims = [1, 10, 20].map(Dim::Known);
    let dims = std::iter::once(Dim::Symbol("n".into())).chain(dims);
    graph.inputs.push(ValueInfo::f32("x", dims.collect()));
    graph.outputs.push(ValueInfo::float("y"));
    let scales = Tensor::from_values(vec![4], &[1f32, 1.0, 2.25, 2.43]);
    graph.initializers.insert("scales".into(), scales);
    graph.nodes = vec![
        Node::new("Tanh", "before", &["x"], &["t"]),
        Node::new("Resize", "larger", &["t", "", "scales"], &["r"])
            .with("mode", Attribute::from("linear"))
            .with(
                "coordinate_transformation_mode",
                Attribute::from("align_corners"),
            ),
        Node::new("Tanh", "behind", &["r"], &["y"]),
    ];
    let model = files.save("resize.onnx", &graph);
    let out = files.0.path().join("out.onnx");
    let found = document(verify(&model).arg("--reduce").arg(&out), 1);
    let first = &found["first_divergence"];
    assert_eq!(first["node"], "larger", "{found}");
    assert_eq!(first["alone"]["within"], false, "{first}");
    assert!(
        first["cause"].as_str().unwrap().contains("align_corners"),
        "{first}"
    );
    let mut again = verify(&out);
    let again = document(again.arg("--inputs").arg(out.with_extension("npz")), 1);
    assert_eq!(again["first_divergence"]["node"], "larger");
}
