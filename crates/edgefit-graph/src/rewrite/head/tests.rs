//! Tests of finding and replacing heads of every form.

use super::*;
use crate::attribute::Attribute;

fn weight(graph: &mut Graph, name: &str, dims: &[usize]) {
    let count: usize = dims.iter().product();
    let values: Vec<f32> = (0..count).map(|value| value as f32).collect();
    let tensor = Tensor::from_values(dims.to_vec(), &values);
    graph.initializers.insert(name.into(), tensor);
}

/// x (batch, 2, 3, 3) → features → three classes, in the form that `kind` names.
pub(super) fn classifier(kind: &str) -> Graph {
    let mut graph = Graph::new("classifier", 17);
    let sample = [2, 3, 3].map(Dim::Known);
    let dims = std::iter::once(Dim::Symbol("n".into())).chain(sample);
    graph.inputs.push(ValueInfo::f32("x", dims.collect()));
    let dims = vec![Dim::Symbol("n".into()), Dim::Known(3)];
    graph.outputs.push(ValueInfo::f32("logits", dims));
    weight(&mut graph, "w", &[3, 2]);
    weight(&mut graph, "t", &[2, 3]);
    weight(&mut graph, "k", &[3, 2, 1, 1]);
    weight(&mut graph, "b", &[3]);
    weight(&mut graph, "c", &[3]);
    let two = Tensor::from_values(vec![], &[2f32]);
    graph.initializers.insert("two".into(), two);
    let rows = Attribute::Int(1);
    let pooled = || {
        vec![
            Node::new("GlobalAveragePool", "pool", &["x"], &["p"]),
            Node::new("Flatten", "flatten", &["p"], &["f"]),
        ]
    };
    graph.nodes = match kind {
        "Gemm" => {
            let mut nodes = pooled();
            let fc = Node::new("Gemm", "fc", &["f", "w", "b"], &["logits"]);
            nodes.push(fc.with("transB", rows));
            nodes
        }
        "MatMul" => {
            let mut nodes = pooled();
            nodes.push(Node::new("MatMul", "fc", &["f", "t"], &["m"]));
            nodes.push(Node::new("Add", "bias", &["b", "m"], &["logits"]));
            nodes
        }
        "bare MatMul" => {
            let mut nodes = pooled();
            nodes.push(Node::new("MatMul", "", &["f", "t"], &["logits"]));
            nodes
        }
        "Conv" => vec![
            Node::new("Relu", "relu", &["x"], &["r"]),
            Node::new("Conv", "fc", &["r", "k", "b"], &["m"]),
            Node::new("Relu", "cut", &["m"], &["q"]),
            Node::new("GlobalAveragePool", "pool", &["q"], &["p"]),
            Node::new("Flatten", "flatten", &["p"], &["logits"]),
        ],
        "tokens" => vec![
            Node::new("ReduceMean", "rows", &["x"], &["tokens"])
                .with("axes", Attribute::Ints(vec![3]))
                .with("keepdims", Attribute::Int(0)),
            Node::new("Transpose", "turn", &["tokens"], &["f"])
                .with("perm", Attribute::Ints(vec![0, 2, 1])),
            Node::new("MatMul", "fc", &["f", "t"], &["m"]),
            Node::new("Add", "bias", &["m", "b"], &["a"]),
            Node::new("ReduceMean", "mean", &["a"], &["logits"])
                .with("axes", Attribute::Ints(vec![1]))
                .with("keepdims", Attribute::Int(0)),
        ],
        "two heads" => {
            let mut nodes = pooled();
            nodes.push(Node::new("Relu", "relu", &["f"], &["g"]));
            nodes.push(Node::new("Identity", "same", &["b"], &["shared"]));
            let one = Node::new("Gemm", "fc", &["f", "w", "shared"], &["one"]);
            nodes.push(one.with("transB", rows.clone()));
            let other = Node::new("Gemm", "dist", &["g", "w", "c"], &["other"]);
            nodes.push(other.with("transB", rows));
            nodes.push(Node::new("Add", "sum", &["one", "other"], &["sums"]));
            nodes.push(Node::new("Div", "mean", &["sums", "two"], &["logits"]));
            nodes
        }
        other => panic!("{other}"),
    };
    graph
}

#[test]
fn heads_of_every_form_are_found_and_replaced() {
    let forms: [(&str, &[&str], &[usize]); 6] = [
        ("Gemm", &["f"], &[2]),
        ("MatMul", &["f"], &[2]),
        ("bare MatMul", &["f"], &[2]),
        ("Conv", &["r"], &[2, 3, 3]),
        ("tokens", &["f"], &[3, 2]),
        ("two heads", &["f", "g"], &[2]),
    ];
    for (kind, features, dims) in forms {
        let mut graph = classifier(kind);
        let head = Head::of(&graph, None).unwrap();
        assert_eq!(head.classes, 3, "{kind}");
        assert_eq!(head.rectified, kind == "Conv", "{kind}");
        let names: Vec<String> = head
            .features()
            .into_iter()
            .map(|value| value.name)
            .collect();
        assert_eq!(names, features, "{kind}");
        assert!(
            head.layers
                .iter()
                .all(|layer| layer.dims == dims && layer.inputs == 2)
        );

        let new: Vec<LayerWeights> = (0..head.layers.len())
            .map(|layer| LayerWeights {
                weight: (0..8).map(|value| (value + layer) as f32).collect(),
                bias: vec![0.1, 0.2, 0.3, layer as f32],
            })
            .collect();
        replace_head(&mut graph, &head, &new).unwrap();
        let found = Head::of(&graph, None).unwrap();
        assert_eq!(found.classes, 4, "{kind}");
        assert_eq!(found.weights(&graph).unwrap(), new, "{kind}");
        assert_eq!(graph.outputs[0].dims().unwrap()[1], Dim::Known(4));
        let alone = found.extract(&graph).unwrap();
        assert_eq!(alone.inputs.len(), features.len(), "{kind}");
        assert_eq!(
            found.backbone(&graph).unwrap().outputs.len(),
            features.len()
        );
    }
}

#[test]
fn a_blank_head_behind_a_rectifier_is_not_dead() {
    let head = Head::of(&classifier("Conv"), None).unwrap();
    assert_eq!(head.blank(&[-2.0, -3.0])[0].bias, [2.0, 1.0]);
    let head = Head::of(&classifier("Gemm"), None).unwrap();
    assert_eq!(head.blank(&[-2.0, -3.0])[0].bias, [-2.0, -3.0]);
}

#[test]
fn a_chosen_node_overrules() {
    let mut graph = classifier("Gemm");
    graph.outputs.insert(0, ValueInfo::float("f"));
    let error = Head::of(&graph, None).unwrap_err().to_string();
    assert!(error.contains("--head"), "{error}");
    let head = Head::of(&graph, Some("fc")).unwrap();
    assert_eq!(head.layers[0].features, "f");
    let error = Head::of(&graph, Some("pool")).unwrap_err().to_string();
    assert!(error.contains("GlobalAveragePool"), "{error}");
    let error = Head::of(&graph, Some("fx")).unwrap_err().to_string();
    assert!(error.contains("'fc'"), "{error}");
}

#[test]
fn ways_that_meet_are_gone_once() {
    let mut graph = classifier("Gemm");
    graph.nodes[2].outputs[0] = "s0".into();
    for step in 0..60 {
        let (from, to) = (format!("s{step}"), format!("s{}", step + 1));
        graph
            .nodes
            .push(Node::new("Add", &to, &[&from, &from], &[&to]));
    }
    graph.nodes.last_mut().unwrap().outputs[0] = "logits".into();
    let head = Head::of(&graph, None).unwrap();
    assert_eq!(head.layers.len(), 1);
    assert_eq!(head.classes, 3);
}

#[test]
fn a_graph_without_a_linear_end_is_refused() {
    let mut graph = classifier("Gemm");
    graph.outputs[0].name = "f".into();
    let error = Head::of(&graph, None).unwrap_err().to_string();
    assert!(error.contains("input of the graph"), "{error}");
}
