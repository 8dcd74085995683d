//! Everything works without ONNX Runtime, on tract, and says what is missing.

use crate::common::{command, run, small_backbone, some_photographs};

#[test]
fn the_job_runs_on_tract_and_says_how_to_get_more() {
    let data = some_photographs(&["bird", "fruit_veg"], 8);
    let out = tempfile::tempdir().unwrap();
    let mut train = command();
    train.env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so");
    train
        .arg("train")
        .arg(data.path())
        .arg("--backbone")
        .arg(small_backbone());
    train
        .args(["--device", "raspberry-pi-4b", "--json", "-o"])
        .arg(out.path());
    let ran = run(&mut train);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr
            .contains("/nowhere/libonnxruntime.so is not there"),
        "{ran:?}"
    );
    assert!(
        ran.stderr.contains("edgefit engine install onnxruntime"),
        "{ran:?}"
    );
    let report = ran.json("edgefit.train/1");
    assert_eq!(report["engine"], "tract");
    assert_eq!(report["parity"].as_array().unwrap().len(), 1);

    let mut verify = command();
    verify.env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so");
    verify
        .arg("verify")
        .arg(out.path().join("model.onnx"))
        .arg("--json");
    let verified = run(&mut verify);
    assert_eq!(verified.code, 0, "{verified:?}");
    assert_eq!(verified.json("edgefit.verify/1")["pairs"][0]["b"], "tract");

    let listed = run(command()
        .env("ORT_DYLIB_PATH", "/nowhere")
        .args(["engine", "list", "--json"]));
    let engines = listed.json("edgefit.engines/1");
    assert_eq!(engines["engines"][2]["available"], false);

    // An engine that was asked for and is not there is an error, not a reason to take another.
    let mut asked = command();
    asked
        .env("ORT_DYLIB_PATH", "/nowhere")
        .arg("train")
        .arg(data.path());
    asked.arg("--backbone").arg(small_backbone()).args([
        "--device",
        "host",
        "--engine",
        "onnxruntime",
        "-o",
    ]);
    let refused = run(asked.arg(out.path().join("other")));
    assert_eq!(refused.code, 2, "{refused:?}");
}
