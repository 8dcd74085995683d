//! `edgefit quantize` and `edgefit scheme`.

use std::fs;
use std::path::Path;

use edgefit::engine::onnxruntime::adds_pairs_in_16_bits;
use edgefit::engine::{Array, Engine, EngineName, Execution, InProcess, integer_share, load};
use edgefit::graph::quantized::IntegerNodes;
use edgefit::graph::{DataType, Graph, Node, Tensor, ValueInfo};
use edgefit::quant::Scheme;

use crate::common::made_of_float::Files;
use crate::common::npz::{Values, save};
use crate::common::quantized::{RANGES, float, quantized};
use crate::common::{
    assert_refused, command, edgefit, onnxruntime, run, small_backbone, some_photographs, train,
};

const SCHEMA: &str = "edgefit.quantize/1";

fn files_of(graph: &Graph) -> Files {
    Files::of("quantize", graph)
}

#[test]
fn a_model_becomes_int8_and_keeps_its_names() {
    let files = files_of(&float());
    let ran = files.run(&["--scheme", "onnxruntime-x86"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json(SCHEMA);
    assert_eq!(report["scheme"], "onnxruntime-x86");
    assert_eq!(report["calibration_samples"], 100);
    assert_eq!(report["comparison"]["samples"], 100);
    assert!(
        report["comparison"]["sqnr_db"].as_f64().unwrap() > 30.0,
        "{report}"
    );
    assert_eq!(report["float_nodes"].as_array().unwrap().len(), 0);
    let made = Graph::load(files.output()).unwrap();
    let names: Vec<&str> = made.nodes.iter().map(|node| node.name.as_str()).collect();
    for node in &float().nodes {
        assert!(names.contains(&node.name.as_str()), "{}", node.name);
    }
    assert_eq!(made.outputs[0].name, "y");
    // Weights are integers within the reduced range, biases 32-bit integers.
    for (name, dtype) in [
        ("conv.w_quantized", DataType::I8),
        ("conv.b_quantized", DataType::I32),
    ] {
        assert_eq!(made.initializers[name].dtype(), dtype);
    }
    let weights = made.initializers["conv.w_quantized"].to_i64().unwrap();
    assert!(weights.iter().all(|weight| weight.abs() <= 64));
    assert!(made.metadata["edgefit.quantization"].contains("float_sha256"));

    // TensorRT wants biases of floats, and they count as what it computes on integers.
    let tensorrt = files_of(&float());
    let ran = tensorrt.run(&["--scheme", "tensorrt"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let floats = Graph::load(tensorrt.output()).unwrap();
    let conv = floats
        .nodes
        .iter()
        .find(|node| node.name == "conv")
        .unwrap();
    assert_eq!(floats.initializers[&conv.inputs[2]].dtype(), DataType::F32);
    let index = floats.nodes.iter().position(|node| node.name == "conv");
    assert!(IntegerNodes::of(&floats).contains(index.unwrap()));

    let first = fs::read(files.output()).unwrap();
    assert_eq!(files.run(&["--scheme", "onnxruntime-x86"]).code, 0);
    assert!(
        first == fs::read(files.output()).unwrap(),
        "the same seed gave another file"
    );
}

#[test]
fn onnx_runtime_computes_nothing_in_floats_that_the_scheme_quantises() {
    let files = files_of(&float());
    assert_eq!(files.run(&["--scheme", "onnxruntime-x86"]).code, 0);
    let made = Graph::load(files.output()).unwrap();
    let x = Array {
        dims: vec![1, 4, 6, 6],
        values: vec![0.5; 144],
    };
    let found = integer_share(EngineName::OnnxRuntime, &made, &[x]).unwrap();
    let found = found.unwrap();
    assert_eq!(found.share(), 1.0);
    assert_eq!(found.float_nodes, []);
}

#[test]
fn exact_sums_are_what_another_processor_gives() {
    onnxruntime();
    let quantized = quantized(&RANGES, 127);
    // All as large as they can be, so that sums of two products leave 16 bits.
    let input = Array {
        dims: vec![1, 4, 6, 6],
        values: vec![1.0; 144],
    };
    let ran = |execution| {
        let mut engine = InProcess::new(EngineName::OnnxRuntime, 1).with_execution(execution);
        engine.load(&quantized).unwrap();
        let outputs = engine.run(std::slice::from_ref(&input)).unwrap();
        outputs.into_iter().next().unwrap().values
    };
    let simulated = ran(Execution::NodeByNode);
    let step = 6.0 / 255.0;
    let far = |values: Vec<f32>| {
        let pairs = values.iter().zip(&simulated);
        pairs.fold(0.0, |far: f32, (one, other)| far.max((one - other).abs())) > 1.5 * step
    };
    assert!(!far(ran(Execution::Exact)));
    assert_eq!(far(ran(Execution::Fused)), adds_pairs_in_16_bits());
}

#[test]
fn every_scheme_makes_a_model_that_runs() {
    let files = files_of(&float());
    for scheme in Scheme::built_in() {
        let ran = files.run(&["--scheme", &scheme.name]);
        assert_eq!(ran.code, 0, "{}: {ran:?}", scheme.name);
        let made = Graph::load(files.output()).unwrap();
        assert!(
            (scheme.opset.min..=scheme.opset.max).contains(&made.opset()),
            "{}",
            scheme.name
        );
        load(EngineName::OnnxRuntime, &made, 1).unwrap();
    }
}

#[test]
fn the_engine_of_a_device_says_the_scheme() {
    let files = files_of(&float());
    for (device, scheme) in [
        ("stm32h743", "tflite"),
        ("raspberry-pi-4b", "onnxruntime-arm"),
        ("n100-mini-pc", "onnxruntime-x86-vnni"),
    ] {
        let ran = files.run(&["--device", device]);
        assert_eq!(ran.json(SCHEMA)["scheme"], scheme);
    }
    let ran = files.run(&["--device", "esp32-s3", "--engine", "esp-dl"]);
    let report = ran.json(SCHEMA);
    assert_eq!(report["scheme"], "esp-dl");
    // No processor that edgefit runs on is an ESP32.
    assert_eq!(report["execution"], "exact");
    assert_refused(
        &files.run(&["--device", "raspberry-pi-4b", "--engine", "tract"]),
        &["tract", "--scheme"],
    );
}

#[test]
fn profiles_name_schemes_that_there_are() {
    for profile in edgefit::device::list() {
        let profile = profile.unwrap();
        for scheme in profile
            .engines
            .iter()
            .filter_map(|engine| engine.scheme.as_deref())
        {
            Scheme::named(scheme).unwrap_or_else(|error| panic!("{}: {error}", profile.name));
        }
    }
}

/// The network with a channel a thousand times as large between its two layers.
fn with_outlier() -> Graph {
    let mut graph = float();
    scale(&mut graph, "conv.w", 1000.0, |at| at < 36);
    scale(&mut graph, "conv.b", 1000.0, |at| at == 0);
    scale(&mut graph, "fc.w", 0.001, |at| at % 16 == 0);
    graph
}

fn scale(graph: &mut Graph, name: &str, factor: f32, scaled: impl Fn(usize) -> bool) {
    let tensor = &graph.initializers[name];
    let mut values = tensor.to_f32().unwrap();
    for (at, value) in values.iter_mut().enumerate() {
        if scaled(at) {
            *value *= factor;
        }
    }
    let tensor = Tensor::from_values(tensor.dims().to_vec(), &values);
    graph.initializers.insert(name.into(), tensor);
}

#[test]
fn an_outlier_channel_is_equalised_and_named() {
    let files = files_of(&with_outlier());
    let ran = files.run(&["--scheme", "nxp-neutron", "--all-int8"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json(SCHEMA);
    let pair = &report["equalized"][0];
    assert_eq!(
        (&pair["first"], &pair["second"]),
        (&"conv".into(), &"fc".into())
    );
    assert!(pair["most"].as_f64().unwrap() > 100.0, "{report}");
}

#[test]
fn what_hurts_too_much_stays_float_and_is_named() {
    // The value between is read by another node, too, and cannot be scaled.
    let mut graph = with_outlier();
    let eye = (0..16).map(|at| f32::from(u8::from(at % 5 == 0)) + 0.1);
    let stem = Tensor::from_values(vec![4, 4, 1, 1], &eye.collect::<Vec<_>>());
    graph.initializers.insert("stem.w".into(), stem);
    let stem = Node::new("Conv", "stem", &["x", "stem.w"], &["s"]);
    graph.nodes[0].inputs[0] = "s".into();
    graph.nodes.insert(0, stem);
    graph.nodes.push(Node::new("Tanh", "tanh", &["f"], &["t"]));
    graph.outputs.push(ValueInfo::float("t"));
    let files = files_of(&graph);
    let strict = ["--scheme", "nxp-neutron", "--min-sqnr", "60"];
    let ran = files.run(&[&strict[..], &["--all-int8"]].concat());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.json(SCHEMA)["is_kept"], false);
    let ran = files.run(&[
        "--scheme",
        "nxp-neutron",
        "--max-drop",
        "1",
        "--min-sqnr",
        "30",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json(SCHEMA);
    let kept = report["kept_float"].as_array().unwrap();
    assert!(!kept.is_empty(), "{report}");
    let names: Vec<&str> = kept
        .iter()
        .flat_map(|kept| kept["nodes"].as_array().unwrap())
        .map(|node| node.as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"conv") && !names.contains(&"stem"),
        "{report}"
    );
}

#[test]
fn photographs_calibrate_too() {
    let folder = tempfile::tempdir().unwrap();
    let data = some_photographs(&["mammal", "vehicle"], 8);
    let output = folder.path().join("int8.onnx");
    let mut quantize = command();
    quantize.arg("quantize").arg(small_backbone());
    quantize.arg("--data").arg(data.path());
    quantize.arg("-o").arg(&output);
    let ran = run(quantize.args(["--scheme", "onnxruntime-x86", "--json"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json(SCHEMA);
    assert_eq!(report["calibration_samples"], 8);
    let size = |path: &Path| fs::metadata(path).unwrap().len();
    assert!(2 * size(&output) < size(small_backbone()), "{report}");
}

#[test]
fn a_run_calibrates_on_what_it_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = some_photographs(&["mammal", "vehicle"], 12);
    let path = folder.path().join("run");
    let ran = run(train(data.path(), small_backbone()).arg("-o").arg(&path));
    assert!(path.join("model.onnx").is_file(), "{ran:?}");
    let output = folder.path().join("int8.onnx");
    let mut quantize = command();
    quantize
        .arg("quantize")
        .arg("--run")
        .arg(&path)
        .arg("-o")
        .arg(&output);
    let ran = run(quantize.args(["--scheme", "onnxruntime-x86", "--json"]));
    let report = ran.json(SCHEMA);
    let splits = fs::read_to_string(path.join("splits.json")).unwrap();
    let splits: serde_json::Value = serde_json::from_str(&splits).unwrap();
    let count = |split: &str| splits[split].as_array().unwrap().len();
    assert_eq!(report["calibration_samples"], count("train"));
    assert_eq!(report["comparison"]["accuracy"]["samples"], count("val"));
}

#[test]
fn an_open_size_can_be_given_and_the_place_of_the_file_comes_first() {
    files_of(&float()).assert_size_can_be_given(&["--scheme", "onnxruntime-x86"]);
    files_of(&float()).assert_place_comes_first(&[]);
}

#[test]
fn bad_input_is_refused_in_one_line() {
    let files = files_of(&float());
    let refused = |files: &Files, more: &[&str], words: &[&str]| {
        assert_refused(&files.run(more), words);
        assert!(!files.output().exists(), "{words:?} left a file");
    };
    refused(
        &files,
        &["--scheme", "onnxruntime-x68"],
        &["did you mean 'onnxruntime-x86'"],
    );
    refused(&files, &["--scheme", "absent.toml"], &["absent.toml"]);
    refused(&files, &["--max-drop", "-1"], &["0 and 100"]);

    let typo = files.folder.path().join("typo.toml");
    fs::write(&typo, "name = \"x\"\nactivtion = 1\n").unwrap();
    refused(
        &files,
        &["--scheme", typo.to_str().unwrap()],
        &["typo.toml", "activtion"],
    );

    let with_inputs = |dims: &[usize], values: Vec<f32>| {
        let files = files_of(&float());
        save(&files.inputs, &[("x", dims, Values::Floats(values))]);
        files
    };
    refused(&with_inputs(&[0, 4, 6, 6], vec![]), &[], &["'x' is empty"]);
    refused(
        &with_inputs(&[2, 4, 5, 5], vec![0.5; 200]),
        &[],
        &["shape [2, 4, 5, 5]", "(n, 4, 6, 6)"],
    );
    refused(
        &with_inputs(&[9, 4, 6, 6], vec![0.5; 9 * 144]),
        &[],
        &["alike"],
    );
    let mut bad: Vec<f32> = (0..6 * 144).map(|at| (at as f32).sin()).collect();
    bad[3 * 144] = f32::NAN;
    refused(
        &with_inputs(&[6, 4, 6, 6], bad),
        &["--calibration", "3"],
        &["NaN"],
    );

    let mut graph = float();
    scale(&mut graph, "conv.b", f32::NAN, |at| at == 1);
    refused(&files_of(&graph), &[], &["'r'", "NaN", "relu"]);

    for (op, words) in [
        ("DequantizeLinear", "float model"),
        ("DynamicQuantizeLinear", "dynamic"),
        ("ConvInteger", "dynamic"),
    ] {
        let mut graph = float();
        let files = files_of(&graph);
        graph.nodes.push(Node::new(op, "q", &["x", "x"], &["q"]));
        graph.save(&files.model).unwrap();
        refused(&files, &[], &["'q'", words]);
    }
}

#[test]
fn schemes_are_listed_and_shown() {
    let ran = edgefit(&["scheme", "list", "--json"]);
    let list = ran.json("edgefit.scheme/1");
    let schemes = list["schemes"].as_array().unwrap();
    assert!(schemes.len() >= 8);
    for scheme in schemes {
        assert!(
            !scheme["sources"].as_array().unwrap().is_empty(),
            "{scheme}"
        );
    }
    let shown = edgefit(&["scheme", "show", "tflite"]).stdout;
    // What is shown can be changed and given back.
    Scheme::parse(&shown, "shown").unwrap();
    assert_refused(&edgefit(&["scheme", "show", "tflit"]), &["tflite"]);
}
