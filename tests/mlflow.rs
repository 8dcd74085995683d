//! Runs on an MLflow tracking server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::{fs, thread};

use serde_json::{Value, json};

use crate::common::process::{kill, reaches};
use crate::common::python::python_with;
use crate::common::{Ran, assert_refused, onnxruntime, run, small_backbone, some_photographs};

/// A training that is logged on the server at `url`.
fn train(url: &str, out: &Path) -> Ran {
    onnxruntime();
    let data = some_photographs(&["bird", "vehicle"], 6);
    let mut train = crate::common::train(data.path(), small_backbone());
    train
        .args(["--epochs", "2", "--mlflow", url, "-o"])
        .arg(out);
    run(&mut train)
}

/// What a stand-in for a server was asked.
struct Asked {
    method: String,
    body: Value,
}

/// A stand-in that answers as MLflow does, and refuses with 500 what comes behind the first `most` requests.
fn stand_in(most: usize) -> (String, Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = channel();
    thread::spawn(move || {
        for (nth, stream) in listener.incoming().enumerate() {
            let Ok(asked) = stream
                .map_err(drop)
                .and_then(|s| answer(s, nth < most).ok_or(()))
            else {
                continue;
            };
            if tell.send(asked).is_err() {
                break;
            }
        }
    });
    (url, told)
}

/// Reads one request and answers it.
fn answer(mut stream: TcpStream, is_well: bool) -> Option<Asked> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let method = path.strip_prefix("/api/2.0/mlflow/")?.to_owned();
    let info = json!({"run_id": "r", "artifact_uri": "file:///kept/by/clients"});
    let (status, told) = match method.as_str() {
        _ if !is_well => (
            "500 Internal Server Error",
            json!({"message": "the disk is full"}),
        ),
        "experiments/get-by-name?experiment_name=edgefit" => (
            "404 Not Found",
            json!({"error_code": "RESOURCE_DOES_NOT_EXIST"}),
        ),
        "experiments/create" => ("200 OK", json!({"experiment_id": "7"})),
        "runs/create" => ("200 OK", json!({"run": {"info": info}})),
        _ => ("200 OK", json!({})),
    };
    let told = told.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        told.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(told.as_bytes()).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Some(Asked { method, body })
}

fn warnings(ran: &Ran) -> Vec<&str> {
    let lines = ran.stderr.lines();
    lines.filter(|line| line.contains("MLflow")).collect()
}

#[test]
fn settings_epochs_and_figures_are_sent() {
    let out = tempfile::tempdir().unwrap();
    let (url, told) = stand_in(usize::MAX);
    let place = out.path().join("first run");
    let ran = train(&url, &place);
    assert!(ran.code < 2, "{ran:?}");
    // It leaves files to its clients, which is said.
    let [warning] = warnings(&ran)[..] else {
        panic!("{ran:?}");
    };
    assert!(warning.contains("--artifacts-destination"), "{ran:?}");
    let asked: Vec<Asked> = told.try_iter().collect();
    let methods: Vec<&str> = asked.iter().map(|asked| asked.method.as_str()).collect();
    assert_eq!(methods[1..3], ["experiments/create", "runs/create"]);
    assert_eq!(asked[2].body["run_name"], "first run");
    assert_eq!(*methods.last().unwrap(), "runs/update");
    assert_eq!(asked.last().unwrap().body["status"], "FINISHED");
    let sent = |kind: &str| -> Vec<&Value> {
        let lists = asked.iter().filter_map(|asked| asked.body[kind].as_array());
        lists.flatten().collect()
    };
    let of = |key: &str| -> Vec<&Value> {
        let metrics = sent("metrics").into_iter();
        metrics.filter(|one| one["key"] == key).collect()
    };
    assert!(
        sent("params")
            .iter()
            .any(|one| one["key"] == "probe.learning_rate")
    );
    let steps: Vec<&Value> = of("val_loss").iter().map(|one| &one["step"]).collect();
    assert_eq!(steps, [1, 2]);
    let report: Value =
        serde_json::from_slice(&fs::read(place.join("report.json")).unwrap()).unwrap();
    assert_eq!(of("test/accuracy")[0]["value"], report["test"]["accuracy"]);
}

#[test]
fn a_server_that_fails_is_warned_of_once_and_the_run_goes_on() {
    let out = tempfile::tempdir().unwrap();
    // The experiment, the run and its settings are taken, and nothing else.
    let (url, _told) = stand_in(5);
    let ran = train(&url, &out.path().join("full"));
    assert!(ran.code < 2, "{ran:?}");
    let [warning] = warnings(&ran)[..] else {
        panic!("{ran:?}");
    };
    assert!(warning.contains("the disk is full"), "{ran:?}");
    assert!(out.path().join("full/report.json").exists());

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let ran = train(
        &format!("http://{}", closed.unwrap()),
        &out.path().join("alone"),
    );
    assert!(ran.code < 2, "{ran:?}");
    let [warning] = warnings(&ran)[..] else {
        panic!("{ran:?}");
    };
    assert!(warning.contains("does not answer"), "{ran:?}");
}

#[test]
fn an_address_is_one_and_holds_no_password() {
    let out = tempfile::tempdir().unwrap();
    for (url, word) in [
        ("localhost:5000", "such as http://localhost:5000"),
        ("https://a:b@host", "MLFLOW_TRACKING_PASSWORD"),
    ] {
        assert_refused(&train(url, &out.path().join("run")), &["--mlflow", word]);
    }
}

#[test]
#[ignore = "takes 2 min: fetches MLflow and starts its server"]
fn the_real_server_has_the_run_that_was_made() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/mlflow");
    let python = python_with(&scripts.join("requirements.txt"), "mlflow-python");
    let out = tempfile::tempdir().unwrap();
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut server = Command::new(&python);
    server.args([
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--workers",
        "1",
        "--port",
    ]);
    server.arg(address.port().to_string());
    let database = format!("sqlite:///{}", out.path().join("runs.db").display());
    server.args(["--backend-store-uri", &database, "--artifacts-destination"]);
    server.arg(out.path().join("files")).current_dir(out.path());
    let mut server = server
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(
        reaches(&mut server, || TcpStream::connect(address).is_ok()),
        "it ended"
    );

    let url = format!("http://{address}");
    let place = out.path().join("run");
    let ran = train(&url, &place);
    assert!(ran.code < 2, "{ran:?}");
    assert!(warnings(&ran).is_empty(), "{ran:?}");
    let read = Command::new(&python)
        .arg(scripts.join("read.py"))
        .arg(&url)
        .output()
        .unwrap();
    kill(server);
    let runs: Value = serde_json::from_slice(&read.stdout).unwrap_or_else(|_| panic!("{read:?}"));
    let report: Value =
        serde_json::from_slice(&fs::read(place.join("report.json")).unwrap()).unwrap();
    let kept = &runs[0];
    assert_eq!(
        (&kept["name"], &kept["status"]),
        (&json!("run"), &json!("FINISHED"))
    );
    assert_eq!(kept["metrics"]["test/accuracy"], report["test"]["accuracy"]);
    let epochs = report["stages"][0]["epochs"].as_array().unwrap().iter();
    let losses: Vec<Value> = epochs
        .map(|epoch| json!([epoch["epoch"], epoch["val_loss"]]))
        .collect();
    assert_eq!(kept["val_loss"], json!(losses));
    assert_eq!(kept["parameters"]["device"], "raspberry-pi-4b");
    assert_eq!(kept["files"], json!(["model.onnx", "report.json"]));
}
