//! Models as other tools write them: channels last, one channel, bytes, 16-bit floats, quantised, labels of
//! their own.

use std::path::{Path, PathBuf};

use edgefit::graph::preprocessing::{ChannelOrder, Layout, PreprocessingName};
use edgefit::graph::{
    Attribute, DataType, Dim, Graph, Node, Preprocessing, Tensor, ValueInfo, ValueType, labels,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Ran, assert_refused, onnxruntime, run, small_backbone, some_photographs};

const CLASSES: [&str; 2] = ["bird", "fruit_veg"];

/// The small backbone without its metadata, its input called `image`.
fn backbone() -> Graph {
    let mut graph = Graph::load(small_backbone()).unwrap();
    graph.metadata.clear();
    graph
}

/// `graph` behind `front`, which makes its input of `image`.
fn behind(mut graph: Graph, dtype: DataType, dims: [Dim; 4], front: Vec<Node>) -> Graph {
    let input = graph.inputs[0].name.clone();
    let mut front = front;
    front.last_mut().unwrap().outputs = vec![input];
    front.append(&mut graph.nodes);
    graph.nodes = front;
    graph.value_info.clear();
    graph.inputs[0] = ValueInfo::f32("image", dims.into());
    if let ValueType::Tensor {
        dtype: declared, ..
    } = &mut graph.inputs[0].ty
    {
        *declared = dtype;
    }
    for (name, value) in [("k", 128f32), ("shift", 127.0 / 128.0)] {
        graph
            .initializers
            .insert(name.into(), Tensor::from_values(vec![], &[value]));
    }
    graph.check().unwrap();
    graph
}

fn node(op: &str, name: &str, inputs: &[&str]) -> Node {
    Node::new(op, name, inputs, &[name])
}

fn batch() -> Dim {
    Dim::Symbol("unk__6".into())
}

struct Trained {
    folder: TempDir,
    ran: Ran,
}

impl Trained {
    fn of(graph: &Graph, more: &[&str]) -> Self {
        onnxruntime();
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("backbone.onnx");
        graph.save(&model).unwrap();
        let data = some_photographs(&CLASSES, 12);
        let mut train = crate::common::train(data.path(), &model);
        train
            .args(["--json", "--allow", "EF06", "-o"])
            .arg(folder.path().join("run"));
        let ran = run(train.args(more));
        Trained { folder, ran }
    }

    fn report(&self) -> Value {
        assert_eq!(self.ran.code, 0, "{:?}", self.ran);
        self.ran.json("edgefit.train/1")
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("run/model.onnx")
    }

    fn exported(&self) -> Graph {
        Graph::load(self.path()).unwrap()
    }
}

fn preprocessing(model: &Graph) -> Preprocessing {
    Preprocessing::of(model).unwrap().unwrap()
}

#[test]
fn bytes_channels_last_are_trained_as_the_network_behind_them() {
    let mut plain = backbone();
    Preprocessing::named(PreprocessingName::Lite, 64, 64).store(&mut plain);
    let plain = Trained::of(&plain, &["--seed", "3"]).report();

    let perm = Attribute::Ints(vec![0, 3, 1, 2]);
    let front = vec![
        node("Cast", "float", &["image"]).with("to", Attribute::Int(1)),
        node("Transpose", "nchw", &["float"]).with("perm", perm),
        node("Div", "scaled", &["nchw", "k"]),
        node("Sub", "shifted", &["scaled", "shift"]),
    ];
    let dims = [batch(), Dim::Known(64), Dim::Known(64), Dim::Known(3)];
    let bytes = behind(backbone(), DataType::U8, dims, front);
    let trained = Trained::of(&bytes, &["--seed", "3"]);
    let report = trained.report();
    let model = trained.exported();
    let made = preprocessing(&model);
    assert_eq!(
        (made.layout, made.mean, made.std),
        (Layout::ChannelsLast, [0.0; 3], [1.0; 3])
    );
    assert_eq!(model.inputs, bytes.inputs);
    // The same but for how a division is rounded, which may turn one of the four test images.
    let accuracy = |report: &Value| report["test"]["accuracy"].as_f64().unwrap();
    assert!((accuracy(&report) - accuracy(&plain)).abs() <= 0.25);

    // Scaled by the user as well, nothing would be left of them.
    let twice = Trained::of(&bytes, &["--preprocessing", "unit"]);
    assert_refused(
        &twice.ran,
        &["backbone.onnx", "'image'", "uint8", "a second time", "raw"],
    );
    let turned = Trained::of(&bytes, &["--input-shape", "1x3x64x64"]);
    assert_refused(
        &turned.ran,
        &["(batch, 64, 64, 3)", "1x3x64x64", "1x224x224x3"],
    );
}

#[test]
fn one_channel_is_fed_grey_in_every_stage() {
    let front =
        vec![node("Concat", "three", &["image", "image", "image"]).with("axis", Attribute::Int(1))];
    let dims = [batch(), Dim::Known(1), Dim::Known(64), Dim::Known(64)];
    let grey = behind(backbone(), DataType::F32, dims, front);
    let trained = Trained::of(
        &grey,
        &[
            "--stages",
            "probe,full",
            "--epochs",
            "2",
            "--preprocessing",
            "lite",
        ],
    );
    trained.report();
    assert!(
        trained.ran.stderr.contains("made grey"),
        "{:?}",
        trained.ran
    );
    let made = preprocessing(&trained.exported());
    assert_eq!(
        (made.channel_order, made.dims()),
        (ChannelOrder::Grey, [1, 64, 64])
    );
}

#[test]
fn sixteen_bits_are_trained_in_32_and_said() {
    let mut half = backbone();
    let names: Vec<String> = half.initializers.keys().cloned().collect();
    let mut casts = Vec::new();
    for name in names {
        let tensor = &half.initializers[&name];
        if tensor.dtype() != DataType::F32 {
            continue;
        }
        let values: Vec<f64> = tensor
            .to_f32()
            .unwrap()
            .into_iter()
            .map(f64::from)
            .collect();
        let narrow = Tensor::from_f64(DataType::F16, tensor.dims().to_vec(), &values).unwrap();
        half.initializers.insert(name.clone(), narrow);
        let wide = format!("{name}/wide");
        let readers = half.nodes.iter_mut().flat_map(|node| &mut node.inputs);
        readers
            .filter(|input| **input == name)
            .for_each(|input| input.clone_from(&wide));
        let cast = Node::new("Cast", "", &[&name], &[&wide]);
        casts.push(cast.with("to", Attribute::Int(1)));
    }
    casts.append(&mut half.nodes);
    half.nodes = casts;
    half.check().unwrap();
    let trained = Trained::of(&half, &["--preprocessing", "lite"]);
    trained.report();
    assert!(
        trained.ran.stderr.contains("holds float16; it is trained"),
        "{:?}",
        trained.ran
    );
    let model = trained.exported();
    assert!(model.nodes.iter().all(|node| node.op != "Cast"));
    assert!(
        model
            .initializers
            .values()
            .all(|tensor| tensor.dtype() != DataType::F16)
    );

    // Too large for 16 bits.
    let (name, tensor) = half
        .initializers
        .iter_mut()
        .find(|(_, w)| w.dims().len() == 4)
        .unwrap();
    let values = vec![1e9; tensor.elements()];
    *tensor = Tensor::from_f64(DataType::F16, tensor.dims().to_vec(), &values).unwrap();
    let name = name.clone();
    let infinite = Trained::of(&half, &["--preprocessing", "lite"]);
    assert_refused(
        &infinite.ran,
        &["backbone.onnx", &name, "infinite", "32 bits"],
    );
}

#[test]
fn a_quantised_backbone_is_refused_by_what_to_start_from() {
    let mut graph = backbone();
    graph
        .initializers
        .insert("s".into(), Tensor::from_values(vec![], &[0.1f32]));
    let input = graph.inputs[0].name.clone();
    for node in &mut graph.nodes {
        let reads = node.inputs.iter_mut().filter(|name| **name == input);
        reads.for_each(|name| *name = "dequantised".into());
    }
    graph.nodes.insert(
        0,
        Node::new("QuantizeLinear", "q", &[&input, "s"], &["quantised"]),
    );
    let back = Node::new(
        "DequantizeLinear",
        "dq",
        &["quantised", "s"],
        &["dequantised"],
    );
    graph.nodes.insert(1, back);
    graph.check().unwrap();
    let refused = Trained::of(&graph, &[]);
    assert_refused(
        &refused.ran,
        &[
            "backbone.onnx",
            "QuantizeLinear",
            "'q'",
            "start from the float model",
        ],
    );
}

#[test]
fn names_of_another_tool_are_replaced_by_the_new_ones() {
    let mut graph = backbone();
    let names: Vec<String> = (0..1000)
        .map(|index| format!("{index}: 'class {index}'"))
        .collect();
    graph
        .metadata
        .insert("names".into(), format!("{{{}}}", names.join(", ")));
    assert_eq!(labels::of(&graph).unwrap().unwrap().len(), 1000);
    let trained = Trained::of(&graph, &["--preprocessing", "lite"]);
    trained.report();
    let model = trained.exported();
    assert_eq!(labels::of(&model).unwrap().unwrap(), CLASSES);
    assert_eq!(model.metadata["names"], "{0: 'bird', 1: 'fruit_veg'}");
}

#[test]
fn arrays_for_the_other_layout_are_told_how_to_be_turned() {
    let perm = Attribute::Ints(vec![0, 3, 1, 2]);
    let front = vec![node("Transpose", "nchw", &["image"]).with("perm", perm)];
    let dims = [batch(), Dim::Known(64), Dim::Known(64), Dim::Known(3)];
    let last = behind(backbone(), DataType::F32, dims, front);
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("last.onnx");
    last.save(&model).unwrap();
    let arrays = folder.path().join("arrays.npz");
    write_arrays(&arrays);
    let mut train = crate::common::train(&arrays, &model);
    let refused = run(train.arg("-o").arg(folder.path().join("run")));
    assert_refused(
        &refused,
        &["last.onnx", "(3, 64, 64)", "x.transpose(0, 2, 3, 1)"],
    );
}

/// Twenty samples of shape (3, 64, 64) of two classes.
fn write_arrays(path: &Path) {
    use crate::common::npz::{Values, save};
    let x: Vec<f32> = (0..20 * 3 * 64 * 64)
        .map(|index| (index % 17) as f32)
        .collect();
    let y: Vec<i64> = (0..20).map(|index| index % 2).collect();
    save(
        path,
        &[
            ("x", &[20, 3, 64, 64], Values::Floats(x)),
            ("y", &[20], Values::Integers(y)),
        ],
    );
}
