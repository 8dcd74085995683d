//! Two versions of a model whose values are called differently, and two different networks.

use std::collections::HashMap;

use edgefit::graph::Graph;
use edgefit::graph::rewrite::rename_all;

use super::{Files, document, verify};
use crate::common::networks::{resnet18, vision_transformer};
use crate::common::{command, resize, run, small_backbone};

/// The same graph as a second export writes it: every inner value and weight with a number for a name.
fn exported_again(graph: &Graph) -> Graph {
    let mut again = graph.clone();
    let declared: Vec<&String> = graph
        .inputs
        .iter()
        .chain(&graph.outputs)
        .map(|value| &value.name)
        .collect();
    let made = graph.nodes.iter().flat_map(|node| &node.outputs);
    let inner = made.chain(graph.initializers.keys());
    let inner = inner.filter(|name| !name.is_empty() && !declared.contains(name));
    let numbered = inner
        .enumerate()
        .map(|(number, name)| (name.clone(), (number + 7).to_string()));
    rename_all(&mut again, &numbered.collect::<HashMap<_, _>>());
    for node in &mut again.nodes {
        node.name.clear();
    }
    again.check().unwrap();
    again
}

#[test]
fn a_second_export_with_other_names_is_followed_node_by_node() {
    let files = Files::new();
    let original = Graph::load(small_backbone()).unwrap();
    let model = files.save("model.onnx", &original);
    let again = files.save("again.onnx", &exported_again(&original));
    let found = document(verify(&model).arg("--against").arg(&again), 0);
    assert_eq!(found["counterparts"]["by"], "structure", "{found}");

    // A weight in the middle, changed in the second export.
    let mut changed = original.clone();
    let convolutions = changed.nodes.iter().filter(|node| node.op == "Conv");
    let (label, weight) = convolutions
        .map(|node| (node.label().to_owned(), node.inputs[1].clone()))
        .nth(10)
        .unwrap();
    let tensor = &changed.initializers[&weight];
    let values: Vec<f32> = tensor.to_f32().unwrap().iter().map(|w| w * 1.5).collect();
    let tensor = edgefit::graph::Tensor::from_values(tensor.dims().to_vec(), &values);
    changed.initializers.insert(weight, tensor);
    let changed = files.save("changed.onnx", &exported_again(&changed));
    let found = document(verify(&model).arg("--against").arg(changed), 1);
    assert_eq!(found["first_divergence"]["node"], label.as_str(), "{found}");
}

#[test]
fn two_different_networks_are_called_so_and_no_node_is_named() {
    let files = Files::new();
    let mut resnet = resnet18();
    resize(&mut resnet, 16);
    let transformer = vision_transformer(2);
    let model = files.save("resnet.onnx", &resnet);
    let other = files.save("transformer.onnx", &transformer);
    let ran = run(command()
        .arg("verify")
        .arg(&model)
        .arg("--against")
        .arg(&other));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("two different networks"), "{ran:?}");
    assert!(
        !ran.stdout.contains("the first node to differ is"),
        "{ran:?}"
    );
}
