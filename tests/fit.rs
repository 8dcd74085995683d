//! `edgefit fit`: a network that a device holds, from a backbone that it does not.

mod patches;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use edgefit::graph::Graph;
use serde_json::{Value, json};

use crate::common::npz::{Values, save};
use crate::common::process::{interrupt, kill, reaches, start};
use crate::common::{
    Ran, assert_fields, assert_refused, command, edgefit, onnxruntime, run, small_backbone,
    some_photographs,
};

/// Less than the whole backbone takes as int8.
const FLASH: &str = "100KiB";

/// A search on `data` for a microcontroller that does not hold the whole backbone.
fn search(data: &Path, out: &Path) -> Command {
    let mut search = command();
    search.arg("fit").arg(data).arg("--backbone");
    search.arg(small_backbone());
    search.args(["--device", "stm32f746", "--flash", FLASH]);
    search.args(["--stages", "probe", "--epochs", "4"]);
    search.arg("-o").arg(out);
    search
}

/// What is enough of the networks of [`search`].
const TARGET: [&str; 2] = ["--target", "0.4"];

fn found(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.json("edgefit.fit/1")
}

fn need(check: &Value, resource: &str) -> Value {
    let budgets = check["budgets"].as_array().unwrap().iter();
    let mut of = budgets.filter(|budget| budget["resource"] == resource);
    of.next().unwrap()["need_bytes"].clone()
}

#[test]
fn a_backbone_that_is_too_large_ends_as_a_model_that_fits_as_planned() {
    onnxruntime();
    let data = some_photographs(&["bird", "flower", "vehicle"], 12);
    let out = tempfile::tempdir().unwrap();
    let [whole, killed] = ["whole", "killed"].map(|name| out.path().join(name));
    let mut wanted = search(data.path(), &whole);
    let told = found(&run(wanted.args(TARGET).args(["--export", "c", "--json"])));
    assert!(told["firmware"]["arena_bytes"].as_u64().unwrap() > 0);
    assert!(whole.join("firmware/model.c").exists());
    assert_fields(
        &told,
        &[
            "candidates.0.backbone",
            "candidates.0.latency_ns",
            "front.0.accuracy",
            "finalists.0.loss",
            "baselines.1.name",
            "test.accuracy",
            "exported.sha256",
        ],
    );
    // The whole backbone does not fit, so what was chosen is a part of it.
    let chosen = &told["chosen"];
    assert_eq!(chosen["fits"], true);
    assert_ne!(chosen["cut"], Value::Null);
    assert_eq!(chosen["element_type"], "int8");
    assert_eq!(chosen["basis"], "trained");
    // Of those that reach the target, the one that takes least.
    let share = |one: &Value| one["share"].as_f64().unwrap();
    let reach = told["finalists"].as_array().unwrap().iter();
    let reach = reach.filter(|one| one["accuracy"].as_f64().unwrap() >= 0.4);
    let least = reach.map(share).fold(f64::INFINITY, f64::min);
    assert_eq!(share(chosen), least, "{chosen}");
    // One that takes more and does better was not asked for.
    let mut larger = told["candidates"].as_array().unwrap().iter();
    let is_better = |one: &Value| {
        one["fits"] == true
            && share(one) > least
            && one["accuracy"].as_f64() > chosen["accuracy"].as_f64()
    };
    assert!(larger.any(is_better), "{chosen}");
    for (resource, planned) in [("ram", "ram_bytes"), ("flash", "flash_bytes")] {
        assert_eq!(
            need(&told["check"], resource),
            chosen[planned],
            "{resource}"
        );
    }
    // What takes more than twice a budget is not scored; engine c has one form of each network.
    for candidate in told["candidates"].as_array().unwrap() {
        let is_near = candidate["share"]
            .as_f64()
            .is_some_and(|share| share <= 2.0);
        assert_eq!(candidate["accuracy"].is_number(), is_near, "{candidate}");
    }
    for better in told["front"].as_array().unwrap() {
        assert_eq!(better["fits"], true, "{better}");
    }
    for name in ["front.svg", "fit.json", "report.html"] {
        assert!(whole.join(name).exists(), "{name}");
    }
    let model = whole.join("model-int8.onnx");
    let path = model.to_str().unwrap();
    assert_eq!(told["exported"]["path"], path);
    let graph = Graph::load(&model).unwrap();
    assert!(graph.metadata["edgefit.quantization"].contains("tflite"));
    let checked = edgefit(&["check", path, "--device", "stm32f746", "--flash", FLASH]);
    assert_eq!(checked.code, 0, "{checked:?}");
    let verified = edgefit(&["verify", path, "--samples", "2"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    assert!(verified.stderr.contains("node by node"), "{verified:?}");

    // Killed when a finalist is trained, it ends with the same model.
    let mut wanted = search(data.path(), &killed);
    wanted.args(TARGET);
    let mut child = start(wanted);
    let finalists = killed.join("finalists");
    let is_reached = || {
        let runs = fs::read_dir(&finalists).into_iter().flatten().flatten();
        let mut runs = runs.map(|run| run.path().join("first/model.onnx"));
        runs.any(|model| model.exists())
    };
    assert!(reaches(&mut child, is_reached), "it ended by itself");
    kill(child);
    assert!(!killed.join("fit.json").exists());
    let refused = run(&mut search(data.path(), &killed));
    assert_refused(&refused, &["holds a search", "--resume"]);
    let ran = run(command().args(["fit", "--resume"]).arg(&killed));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("chosen: "), "{ran:?}");
    let [a, b] = [&whole, &killed].map(|run| fs::read(run.join("model-int8.onnx")).unwrap());
    assert!(a == b, "the model differs");
}

#[test]
fn a_budget_that_nothing_meets_is_a_no_that_says_what_is_short() {
    onnxruntime();
    let data = some_photographs(&["bird", "flower"], 8);
    let out = tempfile::tempdir().unwrap();
    let ran = run(search(data.path(), &out.path().join("a")).args(["--ram", "1KiB"]));
    assert_eq!(ran.code, 1, "{ran:?}");
    let words = ["no network of the search fits", "limit: ", "short"];
    for word in words {
        assert!(ran.stdout.contains(word), "{word}: {ran:?}");
    }
    let ran = run(search(data.path(), &out.path().join("b")).args(["--ram", "2KiB", "--json"]));
    assert_eq!(ran.code, 1, "{ran:?}");
    let told = ran.json("edgefit.fit/1");
    assert_eq!(told["chosen"], Value::Null);
    assert_eq!(told["nearest"]["short"][0]["resource"], "ram");

    // Where no device holds any, the folder is free for the corrected command.
    let both = out.path().join("both");
    let mut wanted = search(data.path(), &both);
    let ran = run(wanted.args(["--device", "stm32f411", "--ram", "1KiB"]));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(!both.exists());
}

#[test]
fn several_devices_get_a_network_each_and_one_front() {
    onnxruntime();
    let data = some_photographs(&["bird", "flower"], 8);
    let out = tempfile::tempdir().unwrap();
    let run_of_all = out.path().join("all");
    let mut both = search(data.path(), &run_of_all);
    let told = run(both.args(["--device", "stm32f411", "--json"]));
    assert_eq!(told.code, 0, "{told:?}");
    let told = told.json("edgefit.fit-devices/1");
    let names = |devices: &Value| {
        let devices = devices.as_array().unwrap().iter();
        let name = |one: &Value| one["device"].as_str().unwrap().to_owned();
        devices.map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(&told["devices"]), ["stm32f411", "stm32f746"]);
    for device in names(&told["devices"]) {
        let model = run_of_all.join(&device).join("model-int8.onnx");
        let checked = edgefit(&["check", model.to_str().unwrap(), "--device", &device]);
        assert_eq!(checked.code, 0, "{checked:?}");
    }
    let front = told["front"].as_array().unwrap();
    let small = front
        .iter()
        .filter(|one| one["devices"] == json!(["stm32f411", "stm32f746"]));
    assert!(
        small.count() > 0,
        "what the smaller holds, the larger holds too"
    );

    // A search that was interrupted goes on, and what is there stays: no run is trained again, and a device whose
    // search is over is not searched for again.
    fs::remove_file(run_of_all.join("stm32f746/fit.json")).unwrap();
    let left = reports(&run_of_all);
    assert_eq!(left.len(), 3, "{:?}", left.keys());
    let ran = run(command().args(["fit", "--resume"]).arg(&run_of_all));
    assert_eq!(ran.code, 0, "{ran:?}");
    for word in ["stm32f411", "stm32f746", "held by"] {
        assert!(ran.stdout.contains(word), "{word}: {ran:?}");
    }
    let mut now = reports(&run_of_all);
    assert!(now.remove(&run_of_all.join("stm32f746/fit.json")).is_some());
    assert!(now == left, "{:?}", now.keys());
}

/// The reports below a folder, of runs and of searches that are over.
fn reports(folder: &Path) -> BTreeMap<PathBuf, Value> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(reports(&path));
        } else if path.ends_with("report.json") || path.ends_with("fit.json") {
            let report: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            if report["interrupted"] == false {
                found.insert(path, report);
            }
        }
    }
    found
}

#[test]
fn ctrl_c_while_the_teacher_is_trained_begins_no_network_without_it() {
    onnxruntime();
    let data = some_photographs(&["bird", "flower"], 8);
    let out = tempfile::tempdir().unwrap();
    let ended = out.path().join("ended");
    let mut wanted = search(data.path(), &ended);
    wanted.args(["--stages", "probe,top"]);
    let mut child = start(wanted);
    let teacher = ended.join("teacher/job.json");
    assert!(
        reaches(&mut child, || teacher.exists()),
        "it ended by itself"
    );
    assert_eq!(interrupt(child), Some(2));
    assert!(!ended.join("finalists").exists());
    assert!(!ended.join("fit.json").exists());
}

#[test]
fn what_cannot_be_searched_in_is_refused_in_one_line() {
    onnxruntime();
    let out = tempfile::tempdir().unwrap();
    let [regression, taken, fresh] =
        ["regression.npz", "taken", "fresh"].map(|name| out.path().join(name));
    let one = some_photographs(&["bird"], 6);
    assert_refused(&run(&mut search(one.path(), &fresh)), &["class"]);
    let values = (0..40).map(|value| value as f32);
    save(
        &regression,
        &[
            ("x", &[10, 4], Values::Floats(values.clone().collect())),
            (
                "y",
                &[10],
                Values::Floats(values.take(10).map(|y| y + 0.5).collect()),
            ),
        ],
    );
    assert_refused(
        &run(&mut search(&regression, &out.path().join("c"))),
        &["regression targets", "classes"],
    );
    let two = some_photographs(&["bird", "flower"], 6);
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("mine.txt"), "mine").unwrap();
    assert_refused(
        &run(&mut search(two.path(), &taken)),
        &["taken", "not empty", "-o"],
    );
    assert_refused(
        &run(search(two.path(), &out.path().join("d")).args(["--engine", "none"])),
        &["no engine 'none'", "tflite-micro"],
    );
    let missing = out.path().join("missing");
    let ran = run(command().args(["fit", "--resume"]).arg(&missing));
    assert_refused(&ran, &["missing", "no search"]);
    assert_refused(
        &edgefit(&[
            "fit",
            "x",
            "--device",
            "stm32f746",
            "-o",
            "y",
            "--target",
            "90",
        ]),
        &["--target", "above 0 and up to 1"],
    );
}
