//! Where inputs come from: how many samples, how images are prepared, what they are called.

use std::fs;

use edgefit::data::NamedArray;
use edgefit::graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};

use super::{Files, document, given, small, verify};
use crate::common::{assert_refused, photographs, run};

/// Images of 8 × 8, channels last, to the means of their colours: three classes.
fn colours() -> Graph {
    let mut graph = Graph::new("colours", 17);
    let dims = vec![
        Dim::Symbol("n".into()),
        Dim::Known(8),
        Dim::Known(8),
        Dim::Known(3),
    ];
    graph.inputs.push(ValueInfo::f32("image", dims));
    graph.outputs.push(ValueInfo::f32(
        "y",
        vec![Dim::Symbol("n".into()), Dim::Known(3)],
    ));
    let axes = Attribute::Ints(vec![1, 2]);
    let mean = Node::new("ReduceMean", "mean", &["image"], &["y"]).with("axes", axes);
    graph.nodes.push(mean.with("keepdims", Attribute::Int(0)));
    graph
}

#[test]
fn images_of_a_model_without_metadata_are_prepared_and_labelled_as_asked() {
    let files = Files::new();
    let model = files.save("colours.onnx", &colours());
    let folder = files.0.path().join("photos");
    for class in ["bird", "flower", "household"] {
        let from = photographs().join(class);
        let first = fs::read_dir(&from).unwrap().next().unwrap().unwrap().path();
        fs::create_dir_all(folder.join(class)).unwrap();
        fs::copy(&first, folder.join(class).join("one.png")).unwrap();
    }
    let labels = files.0.path().join("labels.txt");
    fs::write(&labels, "bird\nflower\nhousehold\n").unwrap();
    let mut plain = verify(&model);
    let plain = run(plain.arg("--data").arg(&folder));
    assert_refused(&plain, &["colours.onnx", "--preprocessing"]);
    let mut asked = verify(&model);
    asked
        .arg("--data")
        .arg(&folder)
        .args(["--preprocessing", "unit"]);
    let found = document(asked.arg("--labels").arg(&labels), 0);
    assert_eq!(found["cases"][0]["input"], "real", "{found}");
    assert_eq!(found["accuracy"][0]["samples"], 3, "{found}");
    fs::write(&labels, "bird\nflower\nhouse\n").unwrap();
    let ran = run(&mut asked);
    let words = "no accuracy is told: 'household' is not a label";
    assert!(ran.code == 0 && ran.stderr.contains(words), "{ran:?}");
    // An é is one character or two.
    fs::rename(folder.join("household"), folder.join("caf\u{e9}")).unwrap();
    fs::write(&labels, "bird\nflower\ncafe\u{301}\n").unwrap();
    let found = document(&mut asked, 0);
    assert_eq!(found["accuracy"][0]["samples"], 3, "{found}");
}

#[test]
fn arrays_are_as_many_as_asked_and_their_classes_give_the_accuracy() {
    let files = Files::new();
    let tanh = vec![Node::new("Tanh", "only", &["x"], &["y"])];
    let model = files.save("tanh.onnx", &small(tanh, &[]));
    let one_hot = [
        [1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
        [0.0, 1.0, 0.0, 0.0],
    ]
    .concat();
    let array = |name: &str, dims: &[usize], values: &[f32]| NamedArray {
        name: name.into(),
        dims: dims.to_vec(),
        values: values.to_vec(),
    };
    let x = array("x", &[3, 4], &one_hot);
    let arrays = given(&files, &[x.clone(), array("y", &[3], &[0.0, 2.0, 3.0])]);
    let mut all = verify(&model);
    let found = document(all.arg("--inputs").arg(&arrays), 0);
    assert_eq!(found["accuracy"][0]["correct"], 2, "{found}");
    let mut two = verify(&model);
    let found = document(two.arg("--inputs").arg(&arrays).args(["--samples", "2"]), 0);
    assert_eq!(found["accuracy"][0]["accuracy"], 1.0, "{found}");
    assert_eq!(found["samples"], 2, "{found}");
    for (class, words) in [(0.5, "is to hold classes"), (4.0, "number them from 0")] {
        let y = array("y", &[3], &[class, 2.0, 3.0]);
        let arrays = given(&files, &[x.clone(), y]);
        let mut odd = verify(&model);
        odd.arg("--inputs").arg(&arrays);
        let found = document(&mut odd, 0);
        assert_eq!(found["accuracy"], serde_json::json!([]), "{found}");
        let ran = run(&mut odd);
        let told = "no accuracy is told: array 'y' ";
        assert!(
            ran.stderr.contains(told) && ran.stderr.contains(words),
            "{ran:?}"
        );
    }
}

#[test]
fn a_fixed_size_of_another_input_is_kept() {
    let files = Files::new();
    let mut graph = small(
        vec![Node::new("Add", "add", &["x", "row"], &["y"])],
        &[("row", Tensor::from_values(vec![1, 4], &[1f32; 4]))],
    );
    graph.initializers.clear();
    graph
        .inputs
        .push(ValueInfo::f32("row", vec![Dim::Known(1), Dim::Known(4)]));
    let model = files.save("rows.onnx", &graph);
    let found = document(verify(&model).args(["--samples", "5"]), 0);
    assert_eq!(found["verdict"], "agree", "{found}");
    assert_eq!(found["samples"], 5, "{found}");
}
