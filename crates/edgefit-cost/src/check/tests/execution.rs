//! Whether the engine runs the model.

use edgefit_graph::{Attribute, DataType, ValueType};

use super::*;

/// `conv` with an input and weights of type `dtype`.
fn typed(dtype: DataType) -> (Graph, InputShapes) {
    let (mut graph, shapes) = conv(2, 10);
    graph.inputs[0].ty = ValueType::Tensor {
        dtype,
        dims: Some([1, 3, 10, 10].map(Dim::Known).to_vec()),
    };
    let weight = Tensor::new(dtype, vec![2, 3, 1, 1], vec![0; 6 * dtype.size()].into());
    graph.initializers.insert("w".into(), weight.unwrap());
    (graph, shapes)
}

fn on(device_name: &str, (graph, shapes): &(Graph, InputShapes)) -> Check {
    let profile = device(device_name);
    check(graph, shapes, &Request::new(&profile)).unwrap()
}

#[test]
fn types_that_the_engine_lacks_are_a_no_with_the_node() {
    for (dtype, word) in [
        (DataType::F16, "computes in f16"),
        (DataType::BF16, "computes in bfloat16"),
        (DataType::F64, "computes in f64"),
    ] {
        let checked = on("stm32h743", &typed(dtype));
        assert_eq!(checked.verdict, Verdict::DoesNotFit);
        let runs = checked.runs.unwrap();
        assert_eq!(
            (runs.holds, runs.node.as_deref()),
            (Some(false), Some("conv"))
        );
        assert!(runs.explanation.contains(word), "{runs:?}");
        assert!(checked.fits_if.is_empty());
    }
    let f32 = on("stm32h743", &typed(DataType::F32));
    assert_eq!(f32.runs.unwrap().holds, Some(true));
    assert_eq!(
        on("h200", &typed(DataType::F16)).runs.unwrap().holds,
        Some(true)
    );
}

#[test]
fn what_the_engine_computes_with_is_tried_instead() {
    let checked = on("stm32h743", &typed(DataType::F16));
    let first = &checked.suggestions[0];
    assert_eq!(first.change.to_string(), "f32");
    assert_eq!(first.fits_if.len(), 1, "{first:?}");
    // 5 channels of 10 × 10 floats of four bytes; three tensors of 12 B, a node of 32 B and two channels of 8 B.
    assert_eq!(first.ram_bytes, Some(5 * 400 + 84));
}

#[test]
fn an_engine_for_integers_alone_runs_no_floats() {
    let profile = device("stm32h743");
    let (graph, shapes) = conv(2, 10);
    let request = Request::new(&profile).with_engine("tinyengine").unwrap();
    let checked = check(&graph, &shapes, &request).unwrap();
    let runs = checked.runs.unwrap();
    assert_eq!(runs.holds, Some(false));
    let words = "node 'conv' (Conv) computes in f32, and tinyengine computes in int8 there";
    assert!(runs.explanation.starts_with(words), "{runs:?}");
    let first = checked.suggestions[0].change.to_string();
    assert_eq!(first, "--engine tflite-micro", "it runs the model as it is");
}

#[test]
fn weights_that_are_cast_once_are_what_they_are_cast_to() {
    let (mut graph, shapes) = conv(2, 10);
    let half = Tensor::new(DataType::F16, vec![2, 3, 1, 1], vec![0; 12].into()).unwrap();
    graph.initializers.insert("w".into(), half);
    let mut cast = Node::new("Cast", "cast", &["w"], &["wide"]);
    cast.attributes.insert("to".into(), Attribute::Int(1));
    graph.nodes.insert(0, cast);
    graph.nodes[1].inputs[1] = "wide".into();
    let checked = on("stm32h743", &(graph, shapes));
    assert_eq!(checked.element_type, ElementType::F32);
    assert_eq!(checked.runs.unwrap().holds, Some(true));
    assert_eq!(bytes(&checked.budgets[0]).0, Some(24 + (16 << 10)));
}

#[test]
fn a_node_that_reads_two_types_is_named() {
    let (mut graph, shapes) = typed(DataType::F16);
    let weight = Tensor::from_values(vec![2, 3, 1, 1], &[0f32; 6]);
    graph.initializers.insert("w".into(), weight);
    let checked = on("h200", &(graph, shapes));
    let runs = checked.runs.unwrap();
    assert_eq!(runs.holds, Some(false));
    assert!(
        runs.explanation
            .contains("node 'conv' (Conv) reads f16 and f32"),
        "{runs:?}"
    );
}

#[test]
fn an_exponent_may_be_of_another_type() {
    let (mut graph, shapes) = typed(DataType::F16);
    let exponent = Tensor::from_values(vec![1], &[2f32]);
    graph.initializers.insert("e".into(), exponent);
    graph
        .nodes
        .push(Node::new("Pow", "pow", &["y", "e"], &["z"]));
    let runs = on("h200", &(graph, shapes)).runs.unwrap();
    assert_eq!(runs.holds, Some(true), "{runs:?}");
}

#[test]
fn an_operator_without_a_kernel_leaves_it_open() {
    let (mut graph, shapes) = conv(2, 10);
    graph.nodes.push(Node::new("Erf", "erf", &["y"], &["z"]));
    let checked = on("stm32h743", &(graph, shapes));
    let runs = checked.runs.unwrap();
    assert_eq!((runs.holds, runs.node.as_deref()), (None, Some("erf")));
    assert_eq!(checked.verdict, Verdict::Unknown);
    assert!(
        checked.fits_if.is_empty(),
        "more than the engine's RAM is unknown"
    );
}

#[test]
fn a_trial_comes_before_what_a_profile_says() {
    let profile = device("raspberry-pi-4b");
    let (graph, shapes) = typed(DataType::F16);
    let trial = |name: &str, outcome| Trial {
        engine: name.to_owned().into(),
        place: "on this machine".into(),
        outcome,
    };
    let mut request = Request::new(&profile).with_engine("onnxruntime").unwrap();
    request.trials = vec![trial("onnxruntime", TrialOutcome::Ran)];
    let ran = check(&graph, &shapes, &request).unwrap();
    assert_eq!(ran.verdict, Verdict::Fits, "{ran:?}");
    let runs = ran.runs.unwrap();
    assert_eq!((runs.holds, runs.basis), (Some(true), NeedBasis::Measured));

    let mut request = Request::new(&profile);
    let refused = TrialOutcome::Refused {
        node: Some("conv".into()),
        words: "no f16".into(),
    };
    request.trials = vec![
        trial("tract", refused),
        trial("onnxruntime", TrialOutcome::Ran),
    ];
    let no = check(&graph, &shapes, &request).unwrap();
    assert_eq!(no.suggestions.len(), 1, "no change of size makes it run");
    assert_eq!(no.verdict, Verdict::DoesNotFit);
    assert_eq!(no.runs.unwrap().node.as_deref(), Some("conv"));
    let first = &no.suggestions[0];
    assert_eq!(first.change.to_string(), "--engine onnxruntime");
    assert_eq!(first.verdict, Verdict::Fits);

    let not_tried = TrialOutcome::NotTried {
        reason: "it is not there".into(),
    };
    request.trials = vec![trial("tract", not_tried)];
    let untried = check(&graph, &shapes, &request).unwrap();
    let runs = untried.runs.unwrap();
    assert_eq!((runs.holds, runs.basis), (Some(false), NeedBasis::Estimate));
    assert_eq!(runs.not_tried.as_deref(), Some("it is not there"));
}
