//! The demo, as a newcomer runs it.

use crate::common::{
    assert_fields, assert_refused, command, run, small_backbone, some_photographs,
};

#[test]
fn the_demo_does_the_whole_job() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(command()
        .args(["demo", "--json", "-o"])
        .arg(folder.path().join("demo")));
    assert_eq!(ran.code, 0, "{ran:?}");
    let report = ran.json("edgefit.train/1");

    let accuracy = report["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.90, "{accuracy}");
    for baseline in report["baselines"].as_array().unwrap() {
        let reached = baseline["test"]["accuracy"].as_f64().unwrap();
        assert!(
            reached < accuracy - 0.2,
            "{} reaches {reached}",
            baseline["name"]
        );
    }
    let engines: Vec<String> = report["parity"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| {
            assert_eq!(pair["within"], true, "{pair}");
            format!("{} {}", pair["a"], pair["b"])
        })
        .collect();
    assert_eq!(
        engines.len(),
        3,
        "burn, tract and ONNX Runtime: {engines:?}"
    );

    for guard in report["guards"].as_array().unwrap() {
        let status = guard["status"].as_str().unwrap();
        assert!(["pass", "off", "fixed"].contains(&status), "{guard}");
    }

    let verdicts: Vec<(&str, &str)> = report["boards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|board| {
            (
                board["device"].as_str().unwrap(),
                board["verdict"].as_str().unwrap(),
            )
        })
        .collect();
    assert!(
        verdicts.contains(&("raspberry-pi-4b", "fits")),
        "{verdicts:?}"
    );
    assert!(
        verdicts.contains(&("stm32h743", "does_not_fit")),
        "{verdicts:?}"
    );

    let run = folder.path().join("demo");
    let report_file = std::fs::read_to_string(run.join("report.json")).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&report_file).unwrap();
    assert_eq!(kept["schema"], "edgefit.train/1");
    assert_eq!(kept["exported"]["sha256"], report["exported"]["sha256"]);
    let events = std::fs::read_to_string(run.join("events.jsonl")).unwrap();
    for line in events.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    assert_fields(
        &report,
        &[
            "val.accuracy",
            "val.balanced_accuracy",
            "val.macro_f1",
            "val.confusion.0",
            "test.balanced_accuracy",
            "test.macro_f1",
            "test.confusion.0",
            "baselines.0.name",
            "guards",
            "exported.path",
            "exported.sha256",
            "parity.0.max_abs",
            "timing.total_ns",
            "timing.features_ns",
            "timing.stages_ns",
            "stages.0.name",
        ],
    );
}

#[test]
fn without_pip_and_apt_it_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let offline = |demo: &mut std::process::Command| {
        demo.env("PATH", folder.path())
            .env("EDGEFIT_CACHE", folder.path().join("cache"));
        let ran = run(demo.arg("-o").arg(folder.path().join("run")));
        assert!(!folder.path().join("run/model.onnx").exists());
        ran
    };
    let ran = offline(command().arg("demo"));
    assert!(
        ran.stderr.contains("warning: cannot fetch ONNX Runtime"),
        "{ran:?}"
    );
    assert_refused(&ran, &["Tux Paint", "apt-get", "--data DIR"]);

    let data = some_photographs(&["bird", "flower"], 6);
    let ran = offline(command().arg("demo").arg("--data").arg(data.path()));
    assert_refused(&ran, &["EfficientNet-Lite0", "pip", "--backbone FILE"]);

    let mut demo = command();
    demo.arg("demo")
        .arg("--data")
        .arg(data.path())
        .arg("--backbone")
        .arg(small_backbone());
    demo.env("PATH", folder.path())
        .env("EDGEFIT_CACHE", folder.path().join("cache"));
    let ran = run(demo.arg("-o").arg(folder.path().join("run")));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("features by tract"), "{ran:?}");
}
