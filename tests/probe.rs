//! This machine, measured into a profile that `check` predicts from.

use crate::common::{assert_fields, assert_refused, backbone, command, edgefit, run};

#[test]
#[ignore = "takes 5 min: this machine is measured"]
fn a_probe_makes_a_profile_that_predictions_are_calibrated_by() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("My Board.toml");
    let ran = run(command()
        .args([
            "device",
            "probe",
            "--json",
            "--nvml-lib",
            "/no/such/library.so",
            "-o",
        ])
        .arg(&path));
    assert_eq!(ran.code, 0, "{ran:?}");
    let probed = ran.json("edgefit.device/1");
    assert_eq!(probed["name"], "My-Board");
    assert_fields(
        &probed,
        &[
            "cpu.isa.value.0",
            "memory.measured_bandwidth_bytes_per_second.value",
            "rate.0.points.0",
            "footprint.1.loading.base_bytes",
            "calibration.1.error_p90",
        ],
    );
    let reason = probed["gpus"]["reason"].as_str().unwrap();
    assert!(reason.contains("/no/such/library.so"), "{reason}");
    for class in [
        "pointwise",
        "dense",
        "depthwise",
        "gemm",
        "matmul",
        "image:Add",
    ] {
        for engine in ["tract", "onnxruntime"] {
            let rates = probed["rate"].as_array().unwrap();
            let found = rates.iter().any(|rate| {
                rate["class"] == class && rate["engine"] == engine && rate["element_type"] == "f32"
            });
            assert!(found, "{engine} {class}");
        }
    }

    let checked = run(command()
        .arg("check")
        .arg(backbone())
        .args(["--json", "--engine", "onnxruntime", "--device"])
        .arg(&path));
    assert_eq!(checked.code, 0, "{checked:?}");
    let checked = checked.json("edgefit.check/1");
    assert_eq!(checked["latency"]["basis"], "calibrated");
    assert_eq!(checked["budgets"][0]["basis"], "calibrated");
    let bytes = checked["budgets"][0]["need_bytes"].as_u64().unwrap();
    // Nineteen megabytes of weights, and the engine.
    assert!((40_000_000..400_000_000).contains(&bytes), "{bytes}");
}

#[test]
fn a_model_is_measured_in_a_process_of_its_own() {
    let model = backbone();
    let model = model.to_str().unwrap();
    let shape = [
        "--input-shape",
        "1x3x224x224",
        "--milliseconds",
        "1",
        "--runs",
        "2",
    ];
    let ran = edgefit(
        &[
            &["run-model", model, "--engine", "tract", "--json"],
            &shape[..],
        ]
        .concat(),
    );
    let measured = ran.json("edgefit.measurement/1");
    assert!(measured["runs_ns"].as_array().unwrap().len() >= 2);
    assert!(measured["peak_rss_bytes"].as_u64().unwrap() > 19_000_000);
    assert_refused(
        &edgefit(&[
            "run-model",
            model,
            "--engine",
            "tract",
            "--input-shape",
            "1x5x7x7",
        ]),
        &["tract"],
    );
}
