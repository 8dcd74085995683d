//! Arrays as samples for a model, with the classes that training would see in them.

use edgefit_graph::{Dim, Graph, StandardScaler, ValueInfo, labels};

use super::*;

/// A model of one input of samples of this shape, whose outputs are called `names`.
fn model(shape: &[usize], names: &[&str]) -> Graph {
    let mut graph = Graph::new("sensor", 17);
    let dims = shape.iter().map(|size| Dim::Known(*size));
    let dims = std::iter::once(Dim::Unknown).chain(dims).collect();
    graph.inputs.push(ValueInfo::f32("input", dims));
    if !names.is_empty() {
        labels::store(&mut graph, &text(names));
    }
    graph
}

fn inputs(graph: &Graph, arrays: &[(&str, Vec<u8>)]) -> Result<Inputs, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.npz");
    std::fs::write(&path, archive(arrays, CompressionMethod::Stored)).unwrap();
    read_inputs(&path, graph).map_err(|error| error.to_string())
}

#[test]
fn classes_are_called_as_in_training() {
    let x = || floats("2, 2", &[1.0, 2.0, 3.0, 4.0]);
    let numbers = || integers("2,", &[1, 0]);
    let classes = || words(&["ok", "worn"]);
    let [ok, worn] = [Some(0), Some(1)];
    for (names, arrays, expected) in [
        (
            &["ok", "worn"][..],
            vec![("y", numbers()), ("classes", classes())],
            [worn, ok],
        ),
        (
            &["worn", "ok"],
            vec![("y", numbers()), ("classes", classes())],
            [Some(0), Some(1)],
        ),
        (
            &["ok", "worn"],
            vec![("labels", words(&["worn", "new"]))],
            [worn, None],
        ),
        (&["ok", "worn"], vec![("y", numbers())], [worn, ok]),
        (
            &["1", "3"],
            vec![("y", integers("2, 1", &[3, 1]))],
            [Some(1), Some(0)],
        ),
        (
            &["1", "3"],
            vec![("y", floats("2,", &[3.0, 2.0]))],
            [Some(1), None],
        ),
        (&["00", "01"], vec![("y", numbers())], [Some(1), Some(0)]),
        (
            &["caf\u{e9}", "tea"],
            vec![("y", words(&["tea", "cafe\u{301}"]))],
            [Some(1), Some(0)],
        ),
        (&["01", "1"], vec![("y", numbers())], [Some(1), None]),
        // A label that is a number among words is a word.
        (
            &["208", "audi"],
            vec![("y", integers("2,", &[1, 0]))],
            [Some(1), Some(0)],
        ),
        (
            &["a", "b"],
            vec![("y", integers("2, 2", &[0, 1, 1, 0]))],
            [Some(1), Some(0)],
        ),
        (&[], vec![("y", integers("2,", &[7, -1]))], [Some(7), None]),
    ] {
        let arrays = [vec![("X", x())], arrays].concat();
        let read = inputs(&model(&[2], names), &arrays).unwrap();
        assert_eq!(read.classes.as_deref(), Some(&expected[..]), "{names:?}");
        assert_eq!(read.arrays[0].values, [1.0, 2.0, 3.0, 4.0]);
    }
    let read = inputs(
        &model(&[2], &["mass"]),
        &[("x", x()), ("y", floats("2,", &[0.5, 1.0]))],
    );
    assert_eq!(read.unwrap().classes, None);
}

#[test]
fn parts_lie_one_behind_the_other_and_other_arrays_are_not_read() {
    let arrays = [
        ("x_test", floats("1,", &[3.0])),
        ("x_train", floats("2,", &[1.0, 2.0])),
        ("y_test", integers("1,", &[1])),
        ("y_train", integers("2,", &[1, 0])),
        ("notes", npy("|O", "2, 1", b"\x80\x04.")),
    ];
    let read = inputs(&model(&[1], &[]), &arrays).unwrap();
    assert_eq!(read.arrays[0].dims, [3, 1]);
    assert_eq!(read.arrays[0].values, [1.0, 2.0, 3.0]);
    assert_eq!(read.classes, Some(vec![Some(1), Some(0), Some(1)]));
    let [test, train, ..] = &arrays;
    let read = inputs(&model(&[1], &[]), &[test.clone(), train.clone()]).unwrap();
    assert_eq!((read.arrays[0].dims[0], read.classes), (3, None));
}

#[test]
fn targets_that_are_no_classes_are_told_beside_the_samples() {
    let numbers = || integers("2,", &[1, 0]);
    for (arrays, words) in [
        (
            vec![("y", integers("3,", &[0; 3]))],
            "array 'y' has 3 targets for 2 samples",
        ),
        (
            vec![("y", integers("2, 1, 1", &[0; 2]))],
            "array 'y' has the shape [2, 1, 1]",
        ),
        (vec![("y", integers("2, 5", &[3; 10]))], "array 'y' "),
        (
            vec![("y", floats("2,", &[f32::NAN, 0.0]))],
            "array 'y' holds NaN",
        ),
        (
            vec![("y", numbers()), ("classes", integers("1,", &[10]))],
            "array 'classes' is not a row of names",
        ),
    ] {
        let arrays = [vec![("x", floats("2, 2", &[0.0; 4]))], arrays].concat();
        let read = inputs(&model(&[2], &[]), &arrays).unwrap();
        assert_eq!((read.arrays[0].dims[0], read.classes), (2, None));
        let problem = read.no_classes.unwrap();
        assert!(problem.starts_with(words), "{problem}");
    }
}

#[test]
fn of_two_arrays_of_targets_none_is_taken() {
    for x in ["input", "x"] {
        let arrays = [
            (x, floats("2, 2", &[0.0; 4])),
            ("label", integers("2,", &[1, 0])),
            ("labels", integers("2,", &[0, 1])),
        ];
        let read = inputs(&model(&[2], &[]), &arrays).unwrap();
        assert_eq!(read.classes, None);
        let problem = read.no_classes.unwrap();
        assert!(problem.starts_with("it holds both 'label"), "{problem}");
    }
}

#[test]
fn classes_beyond_the_outputs_are_none_of_the_models() {
    let classes = |dims: Vec<Dim>, names: &[&str]| {
        let mut graph = model(&[2], names);
        graph.outputs.push(ValueInfo::f32("y", dims));
        let arrays = [
            ("x", floats("2, 2", &[0.0; 4])),
            ("y", integers("2,", &[2, 1])),
        ];
        inputs(&graph, &arrays).unwrap().classes.unwrap()
    };
    let [n, one, two] = [Dim::Unknown, Dim::Known(1), Dim::Known(2)];
    let image = vec![n.clone(), two.clone(), one.clone(), one.clone()];
    assert_eq!(classes(vec![n.clone(), two.clone()], &[]), [None, Some(1)]);
    assert_eq!(classes(image, &[]), [None, Some(1)]);
    assert_eq!(classes(vec![n.clone(), two], &["a", "b", "c"])[0], None);
    // How many these have is not known, and a single number tells no class.
    let both = [Some(2), Some(1)];
    assert_eq!(classes(vec![n.clone(), n.clone()], &[]), both);
    assert_eq!(classes(vec![n.clone()], &[]), both);
    assert_eq!(classes(vec![n, one], &[]), both);
}

#[test]
fn rows_are_those_of_the_run_and_other_samples_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.npz");
    let arrays = [
        ("input", floats("1, 2", &[5.0, 6.0])),
        ("x", floats("2, 2", &[1.0, 2.0, 3.0, 4.0])),
    ];
    let graph = model(&[2], &[]);
    let of = |arrays: &[(&str, Vec<u8>)]| {
        std::fs::write(&path, archive(arrays, CompressionMethod::Stored)).unwrap();
        let both = [
            read_trained_inputs(&path, &graph),
            read_inputs(&path, &graph),
        ];
        both.map(|read| {
            let read = read.unwrap();
            (read.arrays[0].name.clone(), read.remark)
        })
    };
    let [trained, named] = of(&arrays);
    assert_eq!(trained, ("x".to_owned(), None));
    assert_eq!(named.0, "input");
    assert!(named.1.unwrap().contains("training reads 'x'"));
    let alone = || ("input".to_owned(), None);
    assert_eq!(of(&arrays[..1]), [alone(), alone()]);
}

#[test]
fn the_only_array_is_standardised_as_the_model_says() {
    let mut graph = model(&[2], &[]);
    let scaler = StandardScaler {
        dims: vec![2],
        mean: vec![1.0, 2.0],
        std: vec![1.0, 2.0],
    };
    scaler.store(&mut graph);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.npz");
    let arrays = [("input", floats("2, 2", &[1.0, 2.0, 3.0, 6.0]))];
    std::fs::write(&path, archive(&arrays, CompressionMethod::Stored)).unwrap();
    for read in [read_inputs(&path, &graph), read_named_inputs(&path, &graph)] {
        assert_eq!(read.unwrap().arrays[0].values, [0.0, 0.0, 2.0, 2.0]);
    }
}

#[test]
fn beside_arrays_under_the_names_of_inputs_y_alone_tells_classes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.npz");
    let graph = model(&[2], &["ok", "worn"]);
    let numbers = || integers("2,", &[1, 0]);
    for (name, classes) in [("labels", None), ("y", Some(vec![Some(1), Some(0)]))] {
        let arrays = [("input", floats("2, 2", &[0.0; 4])), (name, numbers())];
        std::fs::write(&path, archive(&arrays, CompressionMethod::Stored)).unwrap();
        let read = read_named_inputs(&path, &graph).unwrap();
        assert_eq!((read.classes, read.no_classes), (classes, None));
    }
}

#[test]
fn what_the_model_does_not_take_is_refused_with_its_place() {
    let good = || floats("2, 2", &[0.0; 4]);
    for (arrays, words) in [
        (
            vec![("z", good())],
            "no array for the input 'input', only z",
        ),
        (
            vec![("input", floats("2, 3", &[0.0; 6]))],
            "[2, 3], and the model's input is (?, 2)",
        ),
        (
            vec![("x", floats("2, 2", &[0.0, 0.0, f32::NAN, 0.0]))],
            "array 'x' holds NaN in sample 1 at [0]",
        ),
        (vec![("x", floats("0, 2", &[]))], "array 'x' is empty"),
        (
            vec![("data", good()), ("images", good())],
            "both 'data' and 'images'",
        ),
    ] {
        let error = inputs(&model(&[2], &[]), &arrays).unwrap_err();
        assert!(
            error.contains("data.npz: ") && error.contains(words),
            "{error}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.npy"), good()).unwrap();
    let graph = model(&[2], &[]);
    assert!(read_inputs(folder.path(), &graph).is_ok());
    assert!(read_named_inputs(folder.path(), &graph).is_err());
}
