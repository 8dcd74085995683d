//! What the commands know of quantised models.

use std::path::{Path, PathBuf};

use edgefit::engine::onnxruntime::adds_pairs_in_16_bits;
use edgefit::engine::{Array, EngineName, load};
use edgefit::graph::{Dim, Graph, Node, Tensor, ValueInfo};
use edgefit::quant::Provenance;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::npz::{Values, save};
use crate::common::quantized::{RANGES, float, quantized};
use crate::common::{
    Ran, assert_refused, backbone, command, edgefit, onnxruntime, own_ram_of_tflite_micro, run,
};

/// The network in floats, as a QDQ model, and one whose Relu has far too coarse a scale, with inputs.
struct Files {
    folder: TempDir,
    float: PathBuf,
    quantized: PathBuf,
    coarse: PathBuf,
}

const SAMPLES: usize = 60;

impl Files {
    fn new() -> Self {
        onnxruntime();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, graph: &Graph| {
            let path = folder.path().join(name);
            graph.save(&path).unwrap();
            path
        };
        let mut ranges = RANGES;
        ranges[1].2 = 800.0;
        Files {
            float: write("float.onnx", &float()),
            quantized: write("quantized.onnx", &quantized(&RANGES, 127)),
            coarse: write("coarse.onnx", &quantized(&ranges, 127)),
            folder,
        }
    }

    /// Inputs within the calibrated range, with the answers of the float model if they are asked for.
    fn inputs(&self, labels: Labels) -> PathBuf {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let dims = [SAMPLES, 4, 6, 6];
        let count = dims.iter().product();
        let values: Vec<f32> = (0..count).map(|_| random.random_range(-1.0..1.0)).collect();
        let path = self.path("inputs.npz");
        let mut arrays = vec![("x", &dims[..], Values::Floats(values.clone()))];
        let answers = answers(&float(), &dims, values);
        if labels == Labels::Known {
            arrays.push(("y", &dims[..1], Values::Integers(answers)));
        }
        save(&path, &arrays);
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn verify(&self, model: &Path, against: &Path, labels: Labels) -> Ran {
        let mut verify = command();
        verify.args(["--json", "verify"]).arg(model);
        verify.arg("--against").arg(against);
        run(verify.arg("--inputs").arg(self.inputs(labels)))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Labels {
    Known,
    Unknown,
}

fn answers(graph: &Graph, dims: &[usize], values: Vec<f32>) -> Vec<i64> {
    let input = Array {
        dims: dims.to_vec(),
        values,
    };
    let outputs = load(EngineName::Tract, graph, 1)
        .unwrap()
        .run(&[input])
        .unwrap();
    let rows = outputs[0].values.chunks(3);
    rows.map(|row| edgefit::base::statistics::argmax(row) as i64)
        .collect()
}

fn engines(found: &Value, of: &str) -> Vec<bool> {
    let each = found["fidelity"][of].as_array().unwrap().iter();
    each.map(|one| one["within"].as_bool().unwrap()).collect()
}

#[test]
fn inspect_tells_types_scales_and_safety() {
    let files = Files::new();
    let mut graph = quantized(&RANGES, 127);
    let left = Tensor::from_values(vec![3], &[1f32; 3]);
    graph.initializers.insert("left over".into(), left);
    graph.save(&files.quantized).unwrap();
    let found = edgefit(&["--json", "inspect", files.quantized.to_str().unwrap()]);
    let found = found.json("edgefit.inspect/1");
    let types = found["types"].as_array().unwrap();
    let int8 = types.iter().find(|share| share["type"] == "int8").unwrap();
    assert_eq!(int8["weight_bytes"], 16 * 36 + 48 + 2, "{types:?}");
    assert_eq!(int8["macs"], found["totals"]["macs"]);
    let values = found["quantized"].as_array().unwrap();
    assert_eq!(values.len(), RANGES.len() + 4);
    assert_eq!(
        (&values[0]["name"], &values[0]["kind"]),
        (&"x".into(), &"activation".into())
    );
    assert_eq!(values[0]["zero_points"][0], 127);
    assert_eq!(found["unused_constants"][0]["name"], "left over");
    let layers = found["integer_layers"].as_array().unwrap();
    assert_eq!(layers.len(), 2);
    assert_eq!(layers[0]["safe_without_vnni"], false);
    let shown = edgefit(&["inspect", files.quantized.to_str().unwrap()]).stdout;
    for words in [
        "left over",
        "activation",
        "on ARM: all",
        "16-bit sums may saturate there in",
        "(conv",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    // Weights of 7 bits are safe everywhere.
    quantized(&RANGES, 63).save(&files.quantized).unwrap();
    let shown = edgefit(&["inspect", files.quantized.to_str().unwrap()]).stdout;
    assert!(shown.contains("safe on x86 without VNNI: all"), "{shown}");
}

#[test]
fn check_counts_what_is_int8_already_and_prints_the_command_for_what_is_not() {
    let files = Files::new();
    let need = |model: &Path| {
        let model = model.to_str().unwrap();
        let mut check = command();
        check.args(["--json", "check", model, "--device", "stm32h743"]);
        let found = run(check.args(["--engine", "tflite-micro"]));
        let found = found.json("edgefit.check/1");
        let ram = &found["budgets"][1];
        (
            ram["need_bytes"].as_u64().unwrap() - own_ram_of_tflite_micro(ram),
            found["element_type"].clone(),
        )
    };
    // The convolution's 16 planes beside its input, and CMSIS-NN's two columns of 16 bits.
    let (bytes, element) = need(&files.quantized);
    assert_eq!((bytes, element), (144 + 576 + 4 * 36, "int8".into()));
    assert_eq!(need(&files.float).0, 4 * (144 + 576));

    let ran = run(command()
        .arg("check")
        .arg(backbone())
        .args(["--flash", "8MiB"]));
    let stem = backbone().with_extension("");
    let wanted = format!(
        "make it: edgefit quantize {} --data DIR -o {}-int8.onnx",
        backbone().display(),
        stem.display()
    );
    assert!(ran.stdout.contains(&wanted), "{ran:?}");
}

#[test]
fn a_quantised_model_is_held_to_the_float_one_by_what_it_keeps() {
    let files = Files::new();
    for labels in [Labels::Known, Labels::Unknown] {
        let ran = files.verify(&files.quantized, &files.float, labels);
        assert_eq!(ran.code, 0, "{ran:?}");
        let found = ran.json("edgefit.verify/1");
        assert_eq!(engines(&found, "outputs"), [true; 3], "{found}");
        assert!(found["fidelity"]["outputs"][0]["sqnr_db"].as_f64() > Some(20.0));
        let decided = match labels {
            Labels::Known => "accuracy",
            Labels::Unknown => "outputs",
        };
        assert_eq!(found["fidelity"]["decided_by"], decided);
        let ran = files.verify(&files.float, &files.coarse, labels);
        assert_eq!(ran.code, 1, "{ran:?}");
        let found = ran.json("edgefit.verify/1");
        assert_eq!(found["verdict"], "diverge");
        assert_eq!(found["fidelity"]["quantized"], "against");
        assert_eq!(found["fidelity"]["layers"]["largest_fall"], "r", "{found}");
    }
}

/// Made for kernels that are not ONNX Runtime's.
fn of_tflite() -> Provenance {
    Provenance {
        scheme: "tflite".into(),
        calibration_samples: 1,
        seed: 0,
        float_sha256: String::new(),
    }
}

#[test]
fn what_was_made_for_another_engine_runs_alike_on_either_side() {
    let files = Files::new();
    let mut graph = quantized(&RANGES, 127);
    of_tflite().store(&mut graph);
    graph.save(&files.quantized).unwrap();
    let (float, quantized) = (&files.float, &files.quantized);
    for (model, against) in [(quantized, float), (float, quantized)] {
        let ran = files.verify(model, against, Labels::Unknown);
        assert_eq!(ran.code, 0, "{ran:?}");
        let words = "quantized.onnx is made for scheme tflite";
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
}

#[test]
fn noise_does_not_decide_on_a_quantised_model() {
    let files = Files::new();
    let mut verify = command();
    verify.arg("verify").arg(&files.quantized);
    let refused = run(verify.arg("--against").arg(&files.float));
    assert_refused(&refused, &["quantized.onnx", "--data DIR", "--inputs"]);
}

#[test]
fn engines_agree_on_a_quantised_model_to_a_step() {
    let files = Files::new();
    let ran = edgefit(&["--json", "verify", files.quantized.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let found = ran.json("edgefit.verify/1");
    let step = found["pairs"][0]["tolerance"]["step"].as_f64().unwrap();
    assert!((step - 6.0 / 255.0).abs() < 1e-6, "{found}");
    assert_eq!(found["pairs"].as_array().unwrap().len(), 3);
}

/// x (n, 8, 1, 1) of integers → a convolution of weights of 127 at two channels, of every other output
/// channel at others → y.
fn two_weights(even: [usize; 2], odd: [usize; 2]) -> Graph {
    let mut graph = Graph::new("two weights", 17);
    let sizes = |channels| [1, channels, 1, 1].map(Dim::Known).to_vec();
    graph.inputs.push(ValueInfo::f32("x", sizes(8)));
    graph.outputs.push(ValueInfo::f32("y", sizes(16)));
    let mut weights = vec![0i8; 16 * 8];
    for (row, weights) in weights.chunks_mut(8).enumerate() {
        for channel in if row % 2 == 0 { even } else { odd } {
            weights[channel] = 127;
        }
    }
    for (name, tensor) in [
        ("w", Tensor::from_values(vec![16, 8, 1, 1], &weights)),
        ("one", Tensor::from_values(vec![], &[1f32])),
        ("coarse", Tensor::from_values(vec![], &[300f32])),
        ("z", Tensor::from_values(vec![], &[0u8])),
        ("zw", Tensor::from_values(vec![], &[0i8])),
    ] {
        graph.initializers.insert(name.into(), tensor);
    }
    graph.nodes = vec![
        Node::new("QuantizeLinear", "q", &["x", "one", "z"], &["xq"]),
        Node::new("DequantizeLinear", "dx", &["xq", "one", "z"], &["xd"]),
        Node::new("DequantizeLinear", "dw", &["w", "one", "zw"], &["wd"]),
        Node::new("Conv", "conv", &["xd", "wd"], &["c"]),
        Node::new("QuantizeLinear", "qc", &["c", "coarse", "z"], &["cq"]),
        Node::new("DequantizeLinear", "dc", &["cq", "coarse", "z"], &["y"]),
    ];
    graph
}

#[test]
fn neighbours_saturate_without_vnni_and_nowhere_else() {
    let files = Files::new();
    let inputs = files.path("most.npz");
    save(
        &inputs,
        &[("x", &[1, 8, 1, 1], Values::Floats(vec![255.0; 8]))],
    );
    let verify = |even, odd| {
        let model = files.path("two.onnx");
        two_weights(even, odd).save(&model).unwrap();
        let mut verify = command();
        verify.args(["--json", "verify"]).arg(model);
        let ran = run(verify.arg("--inputs").arg(&inputs));
        (ran.code, ran.json("edgefit.verify/1"))
    };
    // What is added up in the static analysis is what ONNX Runtime adds up here.
    let (code, found) = verify([2, 3], [1, 2]);
    let cause = found.get("likely_cause").map(Value::to_string);
    let wrong = adds_pairs_in_16_bits();
    let named = cause.is_some_and(|cause| cause.contains("(conv)"));
    assert_eq!((code, named), (i32::from(wrong), wrong), "{found}");
    let (code, found) = verify([1, 2], [0, 7]);
    assert_eq!((code, found.get("likely_cause")), (0, None), "{found}");
}

#[test]
fn what_was_made_for_another_engine_is_predicted_with_sums_that_are_exact() {
    let files = Files::new();
    let inputs = files.path("most.npz");
    save(
        &inputs,
        &[("x", &[1, 8, 1, 1], Values::Floats(vec![255.0; 8]))],
    );
    let model = files.path("two.onnx");
    let mut graph = two_weights([2, 3], [1, 2]);
    let predict = |engine: &str| {
        let mut predict = command();
        predict.args(["--json", "predict", "--engine", engine]);
        let ran = run(predict.arg(&model).arg(&inputs));
        let found = ran.json("edgefit.predict/1");
        (found["predictions"][0]["outputs"].clone(), ran.stderr)
    };
    graph.save(&model).unwrap();
    let (exact, _) = predict("tract");
    let (outputs, said) = predict("onnxruntime");
    let wrong = adds_pairs_in_16_bits();
    assert_eq!(
        (outputs != exact, said.contains("VNNI")),
        (wrong, wrong),
        "{said}"
    );
    of_tflite().store(&mut graph);
    graph.save(&model).unwrap();
    let (outputs, said) = predict("onnxruntime");
    assert_eq!(outputs, exact);
    assert_eq!(said.contains("exact"), wrong, "{said}");
}

#[test]
fn bench_tells_what_runs_on_integers() {
    let files = Files::new();
    let bench = |model: &Path| {
        let mut bench = command();
        bench.args([
            "--json",
            "bench",
            "--engine",
            "onnxruntime",
            "--engine",
            "tract",
        ]);
        bench.args(["--time", "20ms", "--launches", "1"]).arg(model);
        run(&mut bench).json("edgefit.bench/1")
    };
    let warnings = |found: &Value| -> Vec<String> {
        let warnings = found["warnings"].as_array().unwrap().iter();
        let named = warnings
            .filter(|one| ["in_floats", "float_islands"].contains(&one["code"].as_str().unwrap()));
        named
            .map(|one| one["message"].as_str().unwrap().to_owned())
            .collect()
    };
    let found = bench(&files.quantized);
    let shares: Vec<&Value> = (0..2).map(|at| &found["results"][at]["integers"]).collect();
    assert_eq!(shares[0]["integer_macs"], shares[0]["macs"], "{found}");
    assert_eq!(shares[1]["integer_macs"], 0);
    let said = warnings(&found);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("tract runs this quantised model in floats"),
        "{said:?}"
    );

    // ONNX Runtime has no integer HardSwish.
    let mut island = quantized(&RANGES, 127);
    let relu = island
        .nodes
        .iter_mut()
        .find(|node| node.op == "Relu")
        .unwrap();
    *relu = Node::new("HardSwish", "swish", &["c"], &["r"]);
    island.save(&files.quantized).unwrap();
    let said = warnings(&bench(&files.quantized));
    assert!(said[0].contains("'swish' (HardSwish)"), "{said:?}");

    assert!(bench(&files.float)["results"][0].get("integers").is_none());
}
