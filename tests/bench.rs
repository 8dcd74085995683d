//! `edgefit bench`, by what it prints; how fast anything is, is not tested here.

use std::path::{Path, PathBuf};

use crate::common::npz::{Values, npy};
use crate::common::{
    Ran, assert_fields, assert_refused, command, edgefit, onnxruntime, run, small_backbone,
};
use edgefit::graph::{Attribute, DataType, Dim, Graph, Node, Tensor, ValueInfo, ValueType};
use serde_json::Value;

/// A short measurement of `models` in `engines`, with more flags.
fn bench(engines: &str, models: &[&Path], flags: &[&str]) -> Ran {
    let mut command = command();
    command.args(["--json", "bench", "--engine", engines, "--time", "50ms"]);
    if !flags.contains(&"--launches") {
        command.args(["--launches", "2"]);
    }
    run(command.args(flags).args(models))
}

fn codes(report: &Value) -> Vec<&str> {
    let warnings = report["warnings"].as_array().unwrap().iter();
    warnings.map(|one| one["code"].as_str().unwrap()).collect()
}

/// A model of one node, which reads `x`.
fn of_one_node(folder: &Path, node: Node, x: ValueInfo, constants: &[(&str, Tensor)]) -> PathBuf {
    let mut graph = Graph::new("one", 19);
    graph.inputs.push(x);
    graph.outputs.push(ValueInfo::float("y"));
    graph.nodes.push(node);
    for (name, tensor) in constants {
        graph.initializers.insert((*name).into(), tensor.clone());
    }
    let path = folder.join("one.onnx");
    graph.save(&path).unwrap();
    path
}

#[test]
fn there_are_as_many_launches_as_asked_for() {
    let ran = bench(
        "tract",
        &[small_backbone()],
        &["--runs", "1", "--launches", "3"],
    );
    let report = ran.json("edgefit.bench/1");
    let launches = report["results"][0]["launches"].as_array();
    assert_eq!(launches.map(Vec::len), Some(3), "{ran:?}");
    assert!(report["results"][0]["samples"].as_u64() >= Some(3));
}

#[test]
fn candidates_are_measured_compared_and_exported() {
    onnxruntime();
    let folder = tempfile::tempdir().unwrap();
    let (csv, md) = (folder.path().join("a.csv"), folder.path().join("a.md"));
    let exports = ["--export-csv", csv.to_str().unwrap(), "--export-md"];
    let flags = [&exports[..], &[md.to_str().unwrap(), "--profile"]].concat();
    let flags = [&flags[..], &["--assert", "p50<=100s"]].concat();
    let ran = bench("tract,onnxruntime", &[small_backbone()], &flags);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json("edgefit.bench/1");
    for result in 0..2 {
        let field = |name: &str| format!("results.{result}.{name}");
        let fields = [
            "p50_ns",
            "cold_start_ns",
            "launches.1.round_p50_ns.0",
            "histogram.0.count",
            "nodes.0.ns",
            "ops.0.name",
            "blocks.3.name",
            "outlier_runs",
        ];
        let fields = fields.map(field);
        assert_fields(&report, &fields.each_ref().map(String::as_str));
        let result = &report["results"][result];
        assert!(result["p99_ns"].is_null());
        assert!(result["energy_mj"].is_number() || result["energy_missing"].is_string());
        let load = result["load_ns"].as_u64().unwrap() + result["first_ns"].as_u64().unwrap();
        assert!(result["cold_start_ns"].as_u64().unwrap() > load);
    }
    assert_fields(
        &report,
        &[
            "comparisons.0.verdict",
            "comparisons.0.basis",
            "context.before.load_average",
        ],
    );
    assert_eq!(report["assertions"][0]["holds"], true);
    for file in [csv, md] {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(
            text.contains("p50") && text.contains("onnxruntime"),
            "{text}"
        );
    }
}

#[test]
fn a_batch_and_an_input_of_integers_run() {
    onnxruntime();
    let ran = bench("tract", &[small_backbone()], &["--batch", "2"]);
    let report = ran.json("edgefit.bench/1");
    let shapes = report["results"][0]["input_shapes"].to_string();
    assert_eq!(shapes, "[[2,3,64,64]]");

    let folder = tempfile::tempdir().unwrap();
    let table: Vec<f32> = (0..8).map(|at| at as f32).collect();
    let table = Tensor::from_values(vec![4, 2], &table);
    let mut ids = ValueInfo::f32("x", vec![Dim::Known(1), Dim::Known(3)]);
    if let ValueType::Tensor { dtype, .. } = &mut ids.ty {
        *dtype = DataType::I64;
    }
    let node = Node::new("Gather", "look up", &["table", "x"], &["y"]);
    let model = of_one_node(folder.path(), node, ids, &[("table", table)]);
    let ran = bench("tract,onnxruntime", &[&model], &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn an_earlier_call_is_a_baseline_for_what_is_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("earlier.json");
    let earlier = bench("tract", &[small_backbone()], &[]);
    std::fs::write(&path, &earlier.stdout).unwrap();
    let baseline = ["--baseline", path.to_str().unwrap()];
    let flags = [&baseline[..], &["--assert", "ratio<=1000"]].concat();
    let ran = bench("tract", &[small_backbone()], &flags);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json("edgefit.bench/1");
    assert_eq!(report["comparisons"][0]["interleaved"], false);

    let flags = [&flags[..], &["--batch", "2"]].concat();
    let ran = bench("tract", &[small_backbone()], &flags);
    assert_eq!(ran.code, 1, "{ran:?}");
    let report = ran.json("edgefit.bench/1");
    assert!(codes(&report).contains(&"not_in_baseline"), "{report}");

    std::fs::write(&path, "{\"schema\": \"edgefit.check/1\"}").unwrap();
    let ran = bench("tract", &[small_backbone()], &baseline);
    assert_refused(&ran, &["--baseline", "edgefit bench --json"]);
}

#[test]
fn a_claim_that_fails_is_exit_1() {
    let ran = run(command()
        .args(["bench", "--engine", "tract", "--time", "50ms"])
        .args(["--launches", "1", "--assert", "p50<=1us"])
        .arg(small_backbone()));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("FAILS"), "{ran:?}");
}

#[test]
fn an_engine_that_fails_leaves_the_others_their_results() {
    onnxruntime();
    let folder = tempfile::tempdir().unwrap();
    let pads = Tensor::from_values(vec![2], &[1_i64, 1]);
    let wrap = Attribute::String("wrap".into());
    let node = Node::new("Pad", "around", &["x", "pads"], &["y"]).with("mode", wrap);
    let x = ValueInfo::f32("x", vec![Dim::Known(5)]);
    let model = of_one_node(folder.path(), node, x, &[("pads", pads)]);
    let ran = bench("tract,onnxruntime", &[&model], &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let report = ran.json("edgefit.bench/1");
    assert_eq!(report["results"][0]["engine"], "onnxruntime");
    assert_eq!(report["failures"][0]["engine"], "tract");
    let error = report["failures"][0]["error"].as_str().unwrap();
    assert!(error.contains("tract cannot load the model"), "{error}");
}

#[test]
fn a_gpu_that_is_not_there_is_missed_by_name() {
    onnxruntime();
    let ran = bench("tract,onnxruntime:cuda", &[small_backbone()], &[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let report = ran.json("edgefit.bench/1");
    assert_eq!(report["results"][0]["engine"], "tract");
    let failure = &report["failures"][0];
    assert_eq!(failure["provider"], "cuda");
    let error = failure["error"].as_str().unwrap();
    for words in ["was built without it", "onnxruntime-gpu", "ORT_DYLIB_PATH"] {
        assert!(error.contains(words), "{error}");
    }
    let ran = bench("tract:cuda", &[small_backbone()], &[]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("onnxruntime:cuda does"), "{ran:?}");
}

#[test]
fn more_threads_than_cores_are_warned_of() {
    let cores = std::thread::available_parallelism().unwrap().get();
    let threads = (cores + 1).to_string();
    let ran = bench("tract", &[small_backbone()], &["--threads", &threads]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json("edgefit.bench/1");
    assert!(codes(&report).contains(&"threads"), "{report}");
    assert!(ran.stderr.contains("or fewer"), "{ran:?}");
}

#[test]
fn what_cannot_be_measured_is_refused_with_the_mend() {
    assert_refused(&edgefit(&["bench", "no-such.onnx"]), &["no-such.onnx"]);
    for (shape, words) in [("1x3", "dimensions"), ("1x4x64x64", "node")] {
        let ran = bench("tract", &[small_backbone()], &["--input-shape", shape]);
        assert_refused(&ran, &[words]);
    }
    let alone = bench("tract", &[small_backbone()], &["--assert", "ratio<=1.1"]);
    assert_refused(&alone, &["--baseline"]);
    let none = bench("tract", &[small_backbone()], &["--runs", "0"]);
    assert_eq!(none.code, 2, "{none:?}");
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing/times.csv");
    let flags = ["--export-csv", missing.to_str().unwrap()];
    assert_refused(&bench("tract", &[small_backbone()], &flags), &["missing"]);
}

#[test]
fn inputs_of_ones_own_are_held_against_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let with = |dims: &[usize], value: f32| {
        let mut values = vec![0.5; dims.iter().product()];
        values[7] = value;
        let file = folder.path().join("input.npy");
        std::fs::write(&file, npy(dims, &Values::Floats(values))).unwrap();
        bench(
            "tract",
            &[small_backbone()],
            &["--input", file.to_str().unwrap()],
        )
    };
    let ran = with(&[2, 3, 64, 64], 0.5);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json("edgefit.bench/1");
    assert_eq!(report["results"][0]["input_shapes"][0][0], 2);
    let nan = with(&[1, 3, 64, 64], f32::NAN);
    assert_refused(&nan, &["input.npy", "NaN", "[0, 0, 7]"]);
    let small = with(&[1, 3, 32, 31], 0.5);
    assert_refused(&small, &["[1, 3, 32, 31]", "reshape the array"]);
    let none = edgefit(&[
        "bench",
        small_backbone().to_str().unwrap(),
        "--input",
        "no-such.npy",
    ]);
    assert_refused(&none, &["no-such.npy"]);
}
