//! `edgefit bench`, by what it prints; how fast anything is, is not tested here.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod common;

use common::{assert_fields, assert_refused, backbone, command, edgefit, run};

#[test]
fn candidates_are_measured_compared_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("times.csv");
    let ran = run(command()
        .args(["--json", "bench", "--engine", "tract", "--time", "100ms"])
        .args(["--launches", "2", "--profile", "--assert", "p50<=100s"])
        .arg("--export-csv")
        .arg(&csv)
        .args([backbone(), backbone()]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json("edgefit.bench/1");
    assert_fields(
        &report,
        &[
            "results.1.p50_ns",
            "results.1.cold_start_ns",
            "results.1.nodes.0.ns",
            "results.1.ops.0.op",
            "comparisons.0.verdict",
            "context.before.load_average",
            "warnings",
        ],
    );
    assert!(report["results"][0]["p99_ns"].is_null());
    assert_eq!(report["assertions"][0]["holds"], true);
    assert_eq!(std::fs::read_to_string(csv).unwrap().lines().count(), 3);
}

#[test]
fn a_claim_that_fails_is_exit_1() {
    let ran = run(command()
        .args([
            "bench",
            "--engine",
            "tract",
            "--time",
            "50ms",
            "--launches",
            "1",
        ])
        .args(["--assert", "p50<=1us"])
        .arg(backbone()));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("FAILS"), "{ran:?}");
}

#[test]
fn what_cannot_be_measured_is_refused_with_the_mend() {
    assert_refused(&edgefit(&["bench", "no-such.onnx"]), &["no-such.onnx"]);
    let model = backbone().to_str().unwrap();
    let wrong = edgefit(&["bench", model, "--input-shape", "1x3"]);
    assert_refused(&wrong, &["dimensions"]);
    let alone = edgefit(&[
        "bench",
        model,
        "--engine",
        "tract",
        "--assert",
        "ratio<=1.1",
    ]);
    assert_refused(&alone, &["--baseline"]);
    let none = edgefit(&["bench", model, "--runs", "0"]);
    assert_eq!(none.code, 2, "{none:?}");
}
