//! What people look at: the page about a run, the list of runs, and what goes with a model.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::npz::{Values, save};
use crate::common::python::python;
use crate::common::{
    Ran, assert_refused, backbone, command, onnxruntime, photographs, run, small_backbone,
    some_photographs,
};

/// A run on some photographs, and their folder.
fn trained() -> (tempfile::TempDir, tempfile::TempDir, PathBuf) {
    onnxruntime();
    let data = some_photographs(&["bird", "flower", "vehicle"], 12);
    let out = tempfile::tempdir().unwrap();
    let place = out.path().join("runs/one");
    let mut train = crate::common::train(data.path(), small_backbone());
    train.args(["--epochs", "3", "-o"]).arg(&place);
    let ran = run(&mut train);
    assert!(ran.code < 2, "{ran:?}");
    (data, out, place)
}

fn report(arguments: &[&Path]) -> Ran {
    run(command().arg("report").args(arguments))
}

fn page(place: &Path) -> String {
    fs::read_to_string(place.join("report.html")).unwrap()
}

fn document(place: &Path) -> Value {
    serde_json::from_slice(&fs::read(place.join("report.json")).unwrap()).unwrap()
}

/// Holds that what a page about a run shows is what the run found.
fn assert_shows(html: &str, found: &Value) {
    assert!(html.len() <= 1 << 20 && !html.contains("<script"));
    for part in [
        "figures",
        "classes",
        "mistakes",
        "calibration",
        "learning",
        "guards",
        "data",
        "device",
        "parity",
    ] {
        assert!(html.contains(&format!("<section id=\"{part}\"")), "{part}");
    }
    let accuracy = 100.0 * found["test"]["accuracy"].as_f64().unwrap();
    assert!(html.contains(&format!("{accuracy:.1}\u{a0}% of ")));
    for mistake in found["mistakes"].as_array().unwrap() {
        assert!(html.contains(mistake["sample"].as_str().unwrap()));
    }
    for guard in found["guards"].as_array().unwrap() {
        assert!(html.contains(guard["code"].as_str().unwrap()));
    }
    // The arena at its peak, and the limit of the bank.
    assert!(html.contains("class=\"peak\"") && html.contains("LPDDR4, limit"));
}

#[test]
fn a_run_leaves_a_page_that_shows_what_it_found() {
    let (data, out, place) = trained();
    let (html, found) = (page(&place), document(&place));
    assert_shows(&html, &found);
    let wrong = found["mistakes"].as_array().unwrap().len();
    let pictures = html.matches("<li class=\"card\"><figure>").count();
    assert_eq!(pictures, wrong.min(48));
    for mistake in document(&place)["mistakes"].as_array().unwrap() {
        let saliency = &mistake["saliency"];
        let parts = saliency["rows"].as_u64().unwrap() * saliency["columns"].as_u64().unwrap();
        assert_eq!(saliency["values"].as_array().unwrap().len() as u64, parts);
    }
    assert_eq!(html.matches("not shown").count(), 0);

    // Made anew it is the same, elsewhere too.
    let elsewhere = out.path().join("page.html");
    let made = report(&[&place, Path::new("-o"), &elsewhere, Path::new("--json")]);
    assert_eq!(made.code, 0, "{made:?}");
    let made = made.json("edgefit.report/1");
    assert_eq!(made["bytes"], html.len());
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), html);

    // The pictures have moved.
    let moved = out.path().join("moved");
    fs::rename(data.path(), &moved).unwrap();
    let made = report(&[&place]);
    fs::rename(&moved, data.path()).unwrap();
    assert_eq!(made.code, 0, "{made:?}");
    assert_shows(&page(&place), &found);
    assert_eq!(made.stderr.contains("not shown"), wrong > 0, "{made:?}");

    // Another run, and both beside each other.
    let other = out.path().join("runs/other");
    let mut train = crate::common::train(data.path(), small_backbone());
    train
        .args(["--epochs", "3", "--seed", "1", "-o"])
        .arg(&other);
    assert!(run(&mut train).code < 2);
    let compared = out.path().join("compared.html");
    let made = report(&[&place, &other, Path::new("-o"), &compared]);
    assert_eq!(made.code, 0, "{made:?}");
    let html = fs::read_to_string(compared).unwrap();
    assert!(html.contains("2 runs compared") && html.contains("recipe.seed"));

    let mut runs = command();
    let listed = run(runs.arg("runs").arg(out.path().join("runs")).arg("--json"));
    let listed = listed.json("edgefit.runs/1");
    let listed = listed["runs"].as_array().unwrap();
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!(listed[0]["score"], found["test"]["accuracy"]);
    assert_eq!(listed[0]["state"], "finished");
    let mut runs = command();
    let table = run(runs.arg("runs").arg(out.path().join("runs")));
    assert!(table.stdout.contains("other") && table.stdout.contains("raspberry-pi-4b"));

    // Without its report the run has not ended.
    fs::remove_file(place.join("report.json")).unwrap();
    assert_refused(&report(&[&place]), &["has not ended", "--resume"]);
    assert_refused(&report(&[out.path()]), &["holds no run"]);
    let mut runs = command();
    assert_refused(
        &run(runs.arg("runs").arg(out.path().join("no"))),
        &["cannot be read"],
    );
}

#[test]
fn other_commands_write_a_page_where_one_is_asked_for() {
    onnxruntime();
    let folder = tempfile::tempdir().unwrap();
    let page = |arguments: &[&str], expected: i32| {
        let path = folder.path().join("page.html");
        let mut asked = command();
        asked.args(arguments).arg("--html").arg(&path);
        let ran = run(&mut asked);
        assert_eq!(ran.code, expected, "{ran:?}");
        let html = fs::read_to_string(&path).unwrap();
        assert!(html.len() <= 1 << 20 && !html.contains("<script"));
        fs::remove_file(path).unwrap();
        html
    };
    let model = small_backbone().to_str().unwrap();
    let html = page(&["check", model, "--device", "stm32f411"], 1);
    assert!(html.contains("class=\"limit\"") && html.contains("On every board"));
    assert!(html.contains("does not fit") && html.contains("raspberry-pi-5"));
    let html = page(
        &[
            "bench", model, "--engine", "tract", "--runs", "3", "--time", "1ms",
        ],
        0,
    );
    assert!(html.contains("Times") && html.contains("on tract, "));
    let html = page(&["verify", model, "--samples", "2"], 0);
    assert!(html.contains("agree on") && html.contains("burn – tract"));
    let data = some_photographs(&["bird", "vehicle"], 6);
    let (data, out) = (data.path().to_str().unwrap(), folder.path().join("q.onnx"));
    let quantize = [
        "quantize",
        model,
        "--data",
        data,
        "--max-drop",
        "100",
        "--min-sqnr=-100",
    ];
    let out = ["-o", out.to_str().unwrap()];
    let html = page(&[&quantize[..], &out].concat(), 0);
    assert!(html.contains("Against the float model"));

    let nowhere = folder.path().join("absent/page.html");
    let mut refused = command();
    refused
        .args(["check", model, "--device", "host", "--html"])
        .arg(nowhere);
    assert_refused(&run(&mut refused), &["absent"]);
}

#[test]
fn data_are_looked_at_before_anything_is_trained() {
    let data = some_photographs(&["bird", "vehicle"], 5);
    let photographs = fs::read_dir(data.path().join("bird")).unwrap();
    let one = photographs
        .map(|entry| entry.unwrap().path())
        .min()
        .unwrap();
    fs::copy(&one, data.path().join("vehicle/<b>copy.png")).unwrap();
    fs::write(
        data.path().join("bird/broken.png"),
        b"\x89PNG\r\n\x1a\nbroken",
    )
    .unwrap();
    let page = data.path().join("page.html");
    let look = |more: &[&str]| {
        let mut look = command();
        run(look.arg("data").arg(data.path()).args(more))
    };
    let html = ["--html", page.to_str().unwrap()];
    let card = look(&[&html[..], &["--json"]].concat()).json("edgefit.data/1");
    assert_eq!(card["samples"], 12);
    assert_eq!(card["left_out"][0]["sample"], "bird/broken.png");
    assert_eq!(card["copies"][0]["classes_differ"], true, "{card}");
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("one label is wrong") && html.contains("data:image/jpeg"));
    assert!(!html.contains("<b>copy") && html.contains("copy.png"));
    let said = look(&[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("of equal contents: 1") && said.stdout.contains("broken.png"));
    let nowhere = run(command().arg("data").arg(data.path().join("absent")));
    assert_refused(&nowhere, &["absent"]);
}

#[test]
fn targets_that_may_be_two_things_are_what_the_user_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("years.npz");
    let arrays = [
        ("x", &[4, 1][..], Values::Floats(vec![0.0; 4])),
        ("y", &[4][..], Values::Floats(vec![1.0, 2.0, 1.0, 2.0])),
    ];
    save(&path, &arrays);
    let look = |more: &[&str]| run(command().arg("data").arg(&path).args(more));
    assert_refused(&look(&[]), &["years.npz", "--task regression"]);
    let card = look(&["--task", "regression", "--json"]).json("edgefit.data/1");
    assert_eq!(card["task"], "regression");
}

#[test]
#[ignore = "takes a minute: fetches Python packages"]
fn the_script_beside_a_model_tells_what_the_run_told() {
    let (data, _out, place) = trained();
    let readme = fs::read_to_string(place.join("README.md")).unwrap();
    let sha256 = document(&place)["exported"]["sha256"].clone();
    assert!(readme.contains(sha256.as_str().unwrap()), "{readme}");
    let mut csv = csv::Reader::from_path(place.join("predictions.csv")).unwrap();
    let said: BTreeMap<String, (String, f64)> = csv
        .records()
        .map(|record| {
            let record = record.unwrap();
            let probabilities = record.iter().skip(4).map(|cell| cell.parse().unwrap());
            let highest = probabilities.fold(0.0, f64::max);
            (record[0].to_owned(), (record[2].to_owned(), highest))
        })
        .collect();
    let mut script = Command::new(python());
    script.arg(place.join("infer.py")).current_dir(data.path());
    let ran = run(script.args(said.keys()));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stdout.lines().count(), said.len());
    for line in ran.stdout.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let (class, probability) = &said[cells[0]];
        assert_eq!(cells[1], class, "{line}");
        let theirs: f64 = cells[2].parse().unwrap();
        assert!((theirs - probability).abs() < 1e-4, "{line}: {probability}");
    }
}

#[test]
fn labels_that_are_wrong_are_in_doubt() {
    onnxruntime();
    let classes = [
        "bird",
        "flower",
        "fruit_veg",
        "household",
        "mammal",
        "vehicle",
    ];
    let data = tempfile::tempdir().unwrap();
    for class in classes {
        let to = data.path().join(class);
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(photographs().join(class)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    let names = |class: &str| {
        let files = fs::read_dir(data.path().join(class)).unwrap();
        let mut names: Vec<String> = files
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    // The tenth of each class goes to the next one.
    let nexts = classes.iter().cycle().skip(1);
    let tenths = classes.map(|class| names(class)[9].clone());
    let mut wrong = BTreeMap::new();
    for ((class, next), name) in classes.iter().zip(nexts).zip(tenths) {
        let to = data.path().join(next).join(&name);
        fs::rename(data.path().join(class).join(&name), to).unwrap();
        wrong.insert(format!("{next}/{name}"), *class);
    }
    let page = data.path().join("page.html");
    let mut look = command();
    look.arg("data").arg(data.path()).arg("--backbone");
    look.arg(backbone()).args(["--json", "--html"]).arg(&page);
    let card = run(&mut look).json("edgefit.data/1");
    let labels = &card["label_doubts"];
    assert_eq!(labels["samples"], 222);
    let doubts = labels["doubts"].as_array().unwrap();
    let is_known = |one: &&Value| {
        let truth = wrong.get(one["sample"].as_str().unwrap());
        truth.is_some_and(|truth| one["likelier"] == *truth)
    };
    let known = doubts.iter().filter(is_known).count();
    assert!(
        known >= 2 && 2 * known >= doubts.len(),
        "{wrong:?} {labels}"
    );
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("Labels in doubt") && html.contains("data:image/jpeg"));
}
