//! Whole networks, as they come out of the usual libraries: they load, agree with ONNX Runtime,
//! train a step in which a gradient reaches every weight, go out, and agree again.

use crate::common::networks::{segmenter, transformer};
use crate::common::{command, onnxruntime, photographs, run};
use edgefit::assets::{Cache, rapidocr_classifier};
use edgefit::engine::{Array, EngineName};
use edgefit::graph::rewrite::Head;
use edgefit::graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};
use edgefit::train::stages::training_trial::training_trial;
use edgefit::verify;

fn inputs(dims: &[usize]) -> Vec<Array> {
    let count = dims.iter().product::<usize>();
    vec![Array {
        dims: dims.to_vec(),
        values: (0..count)
            .map(|index| (index as f32 * 0.37).sin())
            .collect(),
    }]
}

fn agree(graph: &Graph, sample: &[usize], what: &str) {
    let engines = [EngineName::Burn, EngineName::OnnxRuntime];
    for batch in [1, 3] {
        let inputs = inputs(&[&[batch], sample].concat());
        let pairs = verify::across(graph, &engines, &inputs, 2, verify::Tolerance::F32).unwrap();
        assert!(
            pairs.iter().all(|pair| pair.within),
            "{what}, batch {batch}: {pairs:?}"
        );
    }
}

/// The whole way for a graph and the shape of one of its samples.
fn goes_through(mut graph: Graph, sample: &[usize], what: &str) {
    onnxruntime();
    agree(&graph, sample, what);
    let trial = training_trial(&mut graph, &inputs(&[&[3], sample].concat())).unwrap();
    assert!(trial.after < trial.before, "{what}: {trial:?}");
    assert!(trial.parameters > 3, "{what}: {trial:?}");
    let file = tempfile::NamedTempFile::with_suffix(".onnx").unwrap();
    graph.save(file.path()).unwrap();
    agree(&Graph::load(file.path()).unwrap(), sample, what);
}

#[test]
fn paddles_text_classifier() {
    let model = rapidocr_classifier(&Cache::of_user().unwrap()).unwrap();
    goes_through(Graph::load(&model).unwrap(), &[3, 48, 192], "rapidocr");

    // And as a job: its head is behind a softmax that is renamed, its input of open size. What it
    // knows of text says less about photographs than their pixels do, and a guard says so.
    let folder = tempfile::tempdir().unwrap();
    let mut train = command();
    train
        .arg("train")
        .arg(photographs())
        .arg("--backbone")
        .arg(&model)
        .args([
            "--input-shape",
            "1x3x48x192",
            "--preprocessing",
            "tf",
            "--epochs",
            "3",
        ])
        .args(["--allow", "EF19"])
        .args(["--device", "raspberry-pi-4b", "--json", "-o"])
        .arg(folder.path().join("run"));
    let report = run(&mut train).json("edgefit.train/1");
    assert_eq!(report["classes"].as_array().unwrap().len(), 6);
    let exported = Graph::load(folder.path().join("run/model.onnx")).unwrap();
    assert_eq!(exported.nodes.last().unwrap().op, "Identity");
}

#[test]
fn a_transformer_whose_shapes_are_computed() {
    let graph = transformer();
    let head = Head::of(&graph, None).unwrap();
    let features: Vec<String> = head
        .features()
        .into_iter()
        .map(|value| value.name)
        .collect();
    assert_eq!(features, ["own", "mean"]);
    goes_through(graph, &[3, 16, 16], "transformer");
}

#[test]
fn resampling_and_gates_in_an_old_opset_and_a_new_one() {
    for opset in [10, 17] {
        goes_through(segmenter(opset), &[4, 9, 7], &format!("opset {opset}"));
    }
}

/// One node between an input of the given shape, behind a dynamic batch, and the output.
fn single(opset: i64, node: Node, sample: &[usize], constants: &[(&str, Tensor)]) -> Graph {
    let mut graph = Graph::new("single", opset);
    let dims = sample.iter().map(|&size| Dim::Known(size));
    let dims = std::iter::once(Dim::Symbol("batch".into())).chain(dims);
    graph.inputs.push(ValueInfo::f32("x", dims.collect()));
    graph.outputs.push(ValueInfo::float("y"));
    for (name, tensor) in constants {
        graph.initializers.insert((*name).into(), tensor.clone());
    }
    graph.nodes.push(node);
    graph
}

#[test]
fn single_nodes_at_their_edges() {
    onnxruntime();
    let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
    let list = |values: &[i64]| Tensor::from_values(vec![values.len()], values);
    let floats = |values: &[f32]| Tensor::from_values(vec![values.len()], values);
    let pool = |kernel: &[i64], pads: &[i64]| {
        Node::new("AveragePool", "pool", &["x"], &["y"])
            .with("kernel_shape", ints(kernel))
            .with("pads", ints(pads))
    };
    let resize = |coordinates: &str, rounding: &str| {
        Node::new("Resize", "resize", &["x", "", "scales"], &["y"])
            .with(
                "coordinate_transformation_mode",
                Attribute::from(coordinates),
            )
            .with("nearest_mode", Attribute::from(rounding))
    };
    let scales = |scale: f32| [("scales", floats(&[1.0, 1.0, scale, scale]))];
    let mut cases = vec![
        // Means whose windows reach into the padding, of one dimension and of three.
        (
            13,
            pool(&[3], &[1, 1]).with("strides", ints(&[2])),
            vec![3, 8],
            vec![],
        ),
        (
            13,
            pool(&[3, 2, 2], &[1, 0, 1, 1, 1, 0]),
            vec![2, 4, 5, 6],
            vec![],
        ),
        (
            19,
            pool(&[2, 3], &[1, 1, 1, 1]).with("dilations", ints(&[2, 3])),
            vec![2, 8, 11],
            vec![],
        ),
        // A last window past the padding counts whole before opset 19.
        (
            17,
            pool(&[3, 3], &[1, 1, 1, 1])
                .with("strides", ints(&[2, 2]))
                .with("ceil_mode", Attribute::Int(1))
                .with("count_include_pad", Attribute::Int(1)),
            vec![2, 6, 8],
            vec![],
        ),
    ];
    // Points that fall between two elements in 32 bits and not in 64.
    for scale in [0.7, 1.1, 2.2, 2.4] {
        let nodes = [
            (13, resize("asymmetric", "floor")),
            (13, resize("half_pixel", "round_prefer_ceil")),
            (10, Node::new("Resize", "resize", &["x", "scales"], &["y"])),
        ];
        for (opset, node) in nodes {
            cases.push((opset, node, vec![2, 10, 20], scales(scale).to_vec()));
        }
    }
    let slice = Node::new(
        "Slice",
        "slice",
        &["x", "start", "end", "axis", "step"],
        &["y"],
    );
    let bounds = [("start", -3), ("end", -200), ("axis", 2), ("step", -2)];
    let bounds = bounds.map(|(name, value)| (name, list(&[value])));
    cases.push((17, slice, vec![4, 5], bounds.to_vec()));
    let conv =
        Node::new("Conv", "conv", &["x", "k"], &["y"]).with("pads", ints(&[0, 1, 0, 1, 0, 2]));
    let kernel = Tensor::from_values(
        vec![1, 1, 2, 2, 2],
        &[1f32, -2.0, 0.5, 3.0, 1.5, -1.0, 2.0, 0.1],
    );
    cases.push((17, conv, vec![1, 3, 4, 5], vec![("k", kernel)]));

    for (opset, node, sample, constants) in cases {
        let what = format!("opset {opset}, {node:?}");
        agree(&single(opset, node, &sample, &constants), &sample, &what);
    }
}
