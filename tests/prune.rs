//! `edgefit prune`.

use std::fs;

use edgefit::graph::{DataType, Graph, Tensor, ValueType};

use crate::common::made_of_float::Files;
use crate::common::npz::{Values, save};
use crate::common::quantized::{RANGES, float, quantized};
use crate::common::{
    assert_fields, command, edgefit, onnxruntime, run, small_backbone, some_photographs,
};

const SCHEMA: &str = "edgefit.prune/1";

fn files_of(graph: &Graph) -> Files {
    Files::of("prune", graph)
}

#[test]
fn half_of_the_channels_go_and_names_and_metadata_stay() {
    let mut graph = float();
    graph.metadata.insert("task".into(), "mine".into());
    let files = files_of(&graph);
    let ran = files.run(&["--keep", "0.5"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json(SCHEMA);
    assert_eq!(report["groups"][0]["nodes"][0], "conv");
    assert_eq!(report["groups"][0]["channels"], 16);
    assert_eq!(report["groups"][0]["kept"], 8);
    assert_eq!(report["frozen"][0]["nodes"][0], "fc");
    assert_eq!(report["frozen"][0]["reason"], "output 'y' of the model");
    assert_fields(
        &report,
        &[
            "totals.macs.before",
            "totals.parameters.after",
            "totals.weight_bytes.after",
            "cosine",
            "agreement",
            "accuracy.lost",
            "accuracy.interval.1",
        ],
    );
    assert_eq!(report["calibration_samples"], 100);
    assert_eq!(report["accuracy"]["before"], 1.0);
    let made = Graph::load(files.output()).unwrap();
    assert_eq!(made.initializers["conv.w"].dims(), [8, 4, 3, 3]);
    assert_eq!(made.initializers["conv.b"].dims(), [8]);
    assert_eq!(made.initializers["fc.w"].dims(), [3, 8]);
    let names = |graph: &Graph| -> Vec<String> {
        graph.nodes.iter().map(|node| node.name.clone()).collect()
    };
    assert_eq!(names(&made), names(&graph));
    assert_eq!(made.metadata["task"], "mine");
    let macs = report["totals"]["macs"]["after"].as_u64().unwrap();
    assert_eq!(macs, 8 * 36 * 36 + 8 * 3);
    // The same again.
    let first = fs::read(files.output()).unwrap();
    assert_eq!(files.run(&["--keep", "0.5"]).code, 0);
    assert!(
        first == fs::read(files.output()).unwrap(),
        "the same command gave another file"
    );
    let verified = edgefit(&["verify", files.output().to_str().unwrap(), "--samples", "2"]);
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[test]
fn a_budget_is_kept_or_refused_with_what_can_be_reached() {
    let files = files_of(&float());
    let whole = 16 * 36 * 36 + 16 * 3;
    let ran = files.run(&["--macs", "15k"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let macs = &ran.json(SCHEMA)["totals"]["macs"];
    assert_eq!(macs["before"], whole);
    assert!(macs["after"].as_u64().unwrap() <= 15_000);
    fs::remove_file(files.output()).unwrap();
    files.assert_refused(
        &["--macs", "1M"],
        &["float.onnx", "20784 MACs", "ask for less"],
    );
    files.assert_refused(&["--macs", "100"], &["float.onnx", "the least is 10392"]);
}

#[test]
fn what_cannot_be_pruned_is_refused_in_one_line() {
    let files = files_of(&float());
    for share in ["0", "-1", "1.5", "50", "nan"] {
        files.assert_refused(&["--keep", share], &["'--keep", "above 0 and up to 1"]);
    }
    files.assert_refused(&["--keep", "many"], &["many"]);
    files.assert_refused(&["--keep", "0.9"], &["float.onnx", "no channel goes"]);
    files.assert_refused(&[], &["--keep"]);
    let int8 = quantized(&RANGES, 127);
    int8.save(&files.model).unwrap();
    files.assert_refused(
        &["--keep", "0.5"],
        &["float.onnx", "quantised", "float model"],
    );
    let mut broken = float();
    let mut values = broken.initializers["conv.w"].to_f32().unwrap();
    values[5] = f32::NAN;
    let weight = Tensor::from_values(vec![16, 4, 3, 3], &values);
    broken.initializers.insert("conv.w".into(), weight);
    broken.save(&files.model).unwrap();
    files.assert_refused(&["--keep", "0.5"], &["float.onnx", "'conv.w'", "NaN"]);
    let mut single = float();
    single.nodes.truncate(1);
    single.outputs[0] = edgefit::graph::ValueInfo::float("c");
    single.save(&files.model).unwrap();
    files.assert_refused(
        &["--keep", "0.5"],
        &["float.onnx", "conv stays", "output 'c'"],
    );
}

#[test]
fn an_open_size_can_be_given_and_the_place_of_the_file_comes_first() {
    files_of(&float()).assert_size_can_be_given(&["--keep", "0.5"]);
    files_of(&float()).assert_place_comes_first(&["--keep", "0.5"]);
}

#[test]
fn floats_of_16_bits_become_32_and_are_said() {
    let files = files_of(&float());
    let mut half = float();
    for tensor in half.initializers.values_mut() {
        let values = tensor.to_f32().unwrap().into_iter().map(f64::from);
        let values: Vec<f64> = values.collect();
        *tensor = Tensor::from_f64(DataType::F16, tensor.dims().to_vec(), &values).unwrap();
    }
    for value in half.inputs.iter_mut().chain(&mut half.outputs) {
        if let ValueType::Tensor { dtype, .. } = &mut value.ty {
            *dtype = DataType::F16;
        }
    }
    half.save(&files.model).unwrap();
    let ran = files.run(&["--keep", "0.5"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for words in ["float.onnx holds float16", "made.onnx are of 32 bits"] {
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
    let report = ran.json(SCHEMA);
    let totals = &report["totals"];
    let parameters = |channels: u64| channels * 36 + channels + 3 * channels + 3;
    assert_eq!(totals["parameters"]["before"], parameters(16));
    assert_eq!(totals["weight_bytes"]["before"], 2 * parameters(16));
    assert_eq!(totals["weight_bytes"]["after"], 4 * parameters(8));
}

#[test]
fn samples_that_do_not_fit_are_refused() {
    let files = files_of(&float());
    save(
        &files.inputs,
        &[("x", &[4, 2], Values::Floats(vec![0.5; 8]))],
    );
    files.assert_refused(&["--keep", "0.5"], &["'x'", "[4, 2]", "(n, 4, 6, 6)"]);
    save(
        &files.inputs,
        &[("x", &[0, 4, 6, 6], Values::Floats(vec![]))],
    );
    files.assert_refused(&["--keep", "0.5"], &["'x' is empty"]);
    let mut values = vec![0.5; 2 * 144];
    values[7] = f32::INFINITY;
    save(
        &files.inputs,
        &[("x", &[2, 4, 6, 6], Values::Floats(values))],
    );
    files.assert_refused(
        &["--keep", "0.5"],
        &["'x'", "infinite number", "sample 0 at"],
    );
}

#[test]
fn a_pruned_backbone_runs_everywhere() {
    onnxruntime();
    let folder = tempfile::tempdir().unwrap();
    let photographs = some_photographs(&["bird", "flower"], 8);
    let pruned = folder.path().join("pruned.onnx");
    let mut prune = command();
    prune.arg("prune").arg(small_backbone());
    prune
        .args(["--keep", "0.75", "--data"])
        .arg(photographs.path());
    prune.arg("-o").arg(&pruned);
    let ran = run(&mut prune);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("next: edgefit train DATA"), "{ran:?}");
    let verified = edgefit(&["verify", pruned.to_str().unwrap(), "--samples", "2"]);
    assert_eq!(verified.code, 0, "{verified:?}");
}
