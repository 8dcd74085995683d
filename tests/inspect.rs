//! What `inspect` shows, in its tables and as JSON.

use crate::common::networks::transformer;
use crate::common::{assert_fields, backbone, command, run};
use edgefit::graph::{Graph, Node, Tensor, ValueInfo};
use serde_json::Value;

fn inspect(arguments: &[&str]) -> crate::common::Ran {
    run(command().arg("inspect").arg(backbone()).args(arguments))
}

#[test]
fn nodes_are_sorted_and_summed_up() {
    let whole = inspect(&["--sort", "macs", "--json"]).json("edgefit.inspect/1");
    let macs: Vec<u64> = whole["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["macs"].as_u64().unwrap())
        .collect();
    assert!(macs.is_sorted_by(|a, b| a >= b));
    assert!(macs[0] > 0);

    let grouped = inspect(&["--depth", "1", "--json"]).json("edgefit.inspect/1");
    let groups = grouped["groups"].as_array().unwrap();
    let sum = |field: &str| -> u64 {
        groups
            .iter()
            .map(|group| group[field].as_u64().unwrap())
            .sum()
    };
    assert_eq!(sum("macs"), 385_187_552);
    assert_eq!(sum("parameters"), 4_652_008);
    assert_eq!(
        sum("nodes") as usize,
        grouped["nodes"].as_array().unwrap().len()
    );
    assert!(groups.iter().any(|group| group["name"] == "_blocks"));
}

#[test]
fn people_see_shares_and_programs_get_csv() {
    let shown = inspect(&["--sort", "parameters"]).stdout;
    // The classifier holds 1,281,000 of 4,652,008 parameters.
    let first = shown.lines().nth(3).unwrap();
    assert!(first.contains("_fc") && first.contains("27.5 %"), "{shown}");
    assert!(shown.contains("385,187,552"), "{shown}");

    let csv = inspect(&["--csv"]).stdout;
    let mut lines = csv.lines();
    assert_eq!(
        lines.next().unwrap(),
        "name,op,output_shape,parameters,macs,read_bytes,write_bytes"
    );
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("_conv_stem,Conv,1x32x112x112,864,10838016,")
    );
}

#[test]
fn shape_arithmetic_is_not_shown_to_people() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transformer.onnx");
    transformer().save(&path).unwrap();
    let shown = run(command().arg("inspect").arg(&path)).stdout;
    assert!(shown.contains("nodes of shape arithmetic"), "{shown}");
    assert!(!shown.contains(" Shape "), "{shown}");
}

#[test]
fn all_unsupported_ops_at_once_and_who_needs_them() {
    let mut graph = Graph::new("odd", 17);
    graph.opsets.insert("my.own".into(), 1);
    graph.inputs.push(ValueInfo::f32("x", vec![]));
    let tensor = Tensor::from_values(vec![2, 2], &[1f32; 4]);
    graph.initializers.insert("w".into(), tensor);
    let mut blur = Node::new("Blur", "blur", &["x"], &["c"]);
    blur.domain = "my.own".into();
    graph.nodes = vec![
        Node::new("Det", "first", &["w"], &["a"]),
        Node::new("Det", "second", &["w"], &["b"]),
        blur,
        Node::new("Relu", "behind", &["b"], &["d"]),
        Node::new("Relu", "side", &["x"], &["e"]),
    ];
    graph.outputs = vec![
        ValueInfo::float("d"),
        ValueInfo::float("c"),
        ValueInfo::float("e"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.onnx");
    graph.save(&path).unwrap();

    let inspected =
        run(command().arg("inspect").arg(&path).arg("--json")).json("edgefit.inspect/1");
    let unsupported = &inspected["unsupported"];
    assert_fields(&inspected, &["unsupported.0.reason", "unsupported.1.nodes"]);
    assert_eq!(
        (&unsupported[0]["op"], &unsupported[0]["count"]),
        (&"Det".into(), &2.into())
    );
    assert_eq!(
        unsupported[0]["nodes"],
        serde_json::json!(["first", "second"])
    );
    assert_eq!(unsupported[0]["needed_by"], serde_json::json!(["d"]));
    assert_eq!(unsupported[1]["op"], "my.own.Blur");
    assert_eq!(unsupported[1]["needed_by"], serde_json::json!(["c"]));
    // What does not depend on them is known.
    assert_eq!(inspected["nodes"][4]["output_shape"], serde_json::json!([]));
    assert_eq!(inspected["nodes"][3]["output_shape"], Value::Null);
}

#[test]
fn differences_of_two_models() {
    let mut graph = Graph::load(backbone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.onnx");
    graph.initializers.insert(
        "_fc.bias".into(),
        Tensor::from_values(vec![1000], &[0f32; 1000]),
    );
    graph.nodes[0].name = "stem".into();
    graph.save(&path).unwrap();
    let other = path.to_str().unwrap();

    let ran = inspect(&["--diff", other, "--json"]);
    assert_eq!(ran.code, 1);
    let diff = ran.json("edgefit.diff/1");
    assert_eq!(diff["nodes"]["added"], serde_json::json!(["stem"]));
    assert_eq!(diff["initializers"]["changed"][0]["name"], "_fc.bias");
    assert!(
        inspect(&["--diff", other])
            .stdout
            .contains("values, by up to")
    );

    let same = inspect(&["--diff", backbone().to_str().unwrap()]);
    assert_eq!(
        (same.code, same.stdout.as_str()),
        (0, "the models are the same\n")
    );
}
