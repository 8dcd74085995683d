//! What is told of a model, and that the script fits it.

use edgefit_graph::preprocessing::PreprocessingName;
use edgefit_graph::{Node, ValueInfo};
use serde_json::{Value, json};

use super::*;
use crate::sample_run;

fn script(input: &Input, task: Task) -> String {
    Script::of(input, task, Outputs::Logits).render().unwrap()
}

#[test]
fn a_script_for_images_has_twelve_lines_and_no_name_of_a_stranger() {
    let lite = Preprocessing::named(PreprocessingName::Lite, 224, 192);
    let text = script(&Input::Image(lite.clone()), Task::Classes);
    assert_eq!(text.lines().count(), 12, "{text}");
    assert!(text.contains("0.875") && text.contains("(224, 192)") && text.contains("127.0"));
    let grey = Preprocessing {
        channel_order: ChannelOrder::Grey,
        layout: Layout::ChannelsLast,
        fit: Fit::Stretch,
        ..lite
    };
    let text = script(&Input::Image(grey), Task::MultiLabel);
    assert!(
        text.contains("\"L\"") && !text.contains(".transpose("),
        "{text}"
    );
}

#[test]
fn a_script_for_arrays_takes_samples_of_the_models_shape_alone() {
    for scaler in [None, Some(scaler())] {
        let is_scaled = scaler.is_some();
        let text = script(&Input::Array(scaler), Task::Regression);
        assert!(text.lines().count() <= 12, "{text}");
        assert_eq!(text.contains("sys.exit("), is_scaled);
        assert!(text.contains("dict(zip(labels, y.tolist()))"), "{text}");
    }
}

fn scaler() -> StandardScaler {
    StandardScaler {
        dims: vec![3, 16],
        mean: vec![0.0; 3],
        std: vec![1.0; 3],
    }
}

fn description(folder: &Path, report: &Value, input: &Input) -> String {
    sample_run::write(folder, report);
    let report = run::report(folder).unwrap();
    Description::of(&report, input).render().unwrap()
}

#[test]
fn a_description_cannot_be_broken_by_names() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["`code` # head\n[link](x)".to_owned(), "  ".to_owned()];
    let report = sample_run::classes(folder.path(), &names, &[]);
    let text = description(folder.path(), &report, &Input::Array(None));
    assert!(text.contains("`'code' # head\u{fffd}[link](x)`"), "{text}");
    assert!(text.contains("accuracy 50.0 %") && text.contains("EF09"));
}

#[test]
fn probabilities_may_be_renamed() {
    let mut graph = Graph::new("g", 17);
    graph.outputs.push(ValueInfo::f32("y", vec![]));
    graph.nodes = vec![
        Node::new("Softmax", "softmax", &["x"], &["p"]),
        Node::new("Identity", "rename", &["p"], &["q"]),
        Node::new("Identity", "again", &["q"], &["y"]),
    ];
    assert!(matches!(Outputs::of(&graph), Outputs::Probabilities));
    graph.nodes[0].op = "Relu".into();
    assert!(matches!(Outputs::of(&graph), Outputs::Logits));
}

#[test]
fn the_verdict_of_a_quantized_model_is_said_to_be_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["a".to_owned(), "b".to_owned()];
    let mut report = sample_run::classes(folder.path(), &names, &[]);
    let float = description(folder.path(), &report, &Input::Array(None));
    assert!(float.contains("\n| on the device |"), "{float}");
    report["int8"] = json!({
        "scheme": "tflite", "kept": "training", "test": null,
        "exported": {"path": "runs/a/model-int8.onnx", "sha256": "00"},
    });
    let both = description(folder.path(), &report, &Input::Array(None));
    assert!(
        both.contains("\n| `model-int8.onnx` on the device |"),
        "{both}"
    );
    assert!(both.contains("but for the row of `model-int8.onnx`"));
}

#[test]
fn a_description_keeps_what_guards_say_and_how_the_run_ended() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["a".to_owned(), "b".to_owned()];
    let mut report = sample_run::classes(folder.path(), &names, &[]);
    let whole = description(folder.path(), &report, &Input::Array(Some(scaler())));
    assert!(whole.contains("1. a sample is an array of the shape [3, 16]\n1. each channel"));
    assert!(!whole.contains("ended before its time"), "{whole}");
    let message = format!(
        "{}it is `not` so{}",
        "so it is, ".repeat(20),
        ", so it is".repeat(20)
    );
    report["guards"][0]["message"] = message.as_str().into();
    report["interrupted"] = true.into();
    let ended = description(folder.path(), &report, &Input::Array(None));
    assert!(ended.contains(&message.replace('`', "'")), "{ended}");
    assert!(ended.contains("ended before its time"), "{ended}");
}
