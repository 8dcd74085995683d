//! Mistakes planted in copies of networks: the node is named, whatever the mistake and wherever.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use edgefit::graph::{Attribute, Graph};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Files, document, large_hosts, small_hosts, verify};
use crate::common::assert_fields;
use crate::common::networks::vision_transformer;
use crate::common::plants::{PLANTS, Plant};

/// A copy of `graph` with the mistake, and the node that it is made at, if there is one for it.
fn changed(number: usize, plant: &Plant, graph: &Graph) -> Option<(Graph, String)> {
    plant.at_random(graph, &mut ChaCha8Rng::seed_from_u64(number as u64))
}

/// Holds that the mistake is found at `node`.
fn assert_named(files: &Files, original: &Path, changed: &Graph, node: &str, what: &str) {
    let changed = files.save("changed.onnx", changed);
    let mut verify = verify(&changed);
    verify.arg("--against").arg(original);
    let found = document(verify.args(["--engine", "onnxruntime"]), 1);
    let what = format!("{what} at {node}");
    assert_eq!(found["verdict"], "diverge", "{what}");
    let first = &found["first_divergence"];
    assert_eq!(first["node"], node, "{what}: {first}");
    assert!(first["cause"].is_string(), "{what}: {first}");
}

#[test]
fn a_mistake_of_each_kind_is_named() {
    let files = Files::new();
    let hosts = small_hosts();
    let originals = hosts
        .each_ref()
        .map(|(host, graph)| files.save(&format!("{host}.onnx"), graph));
    for (number, plant) in PLANTS.iter().enumerate() {
        let mut places = hosts.iter().zip(&originals);
        let found = places.find_map(|((host, graph), original)| {
            Some((host, original, changed(number, plant, graph)?))
        });
        let (host, original, (changed, node)) = found.unwrap();
        let what = format!("{host}, {}", plant.name);
        assert_named(&files, original, &changed, &node, &what);
    }
}

#[test]
#[ignore = "takes 7 min: each kind of mistake in each network at full size"]
fn a_mistake_of_each_kind_is_named_in_each_network() {
    let files = Files::new();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for (host, graph) in large_hosts() {
        let original = files.save("original.onnx", &graph);
        for (number, plant) in PLANTS.iter().enumerate() {
            let Some((changed, node)) = changed(number, plant, &graph) else {
                continue;
            };
            let what = format!("{host}, {}", plant.name);
            assert_named(&files, &original, &changed, &node, &what);
            *kinds.entry(plant.name).or_default() += 1;
        }
    }
    assert_eq!(kinds.len(), PLANTS.len(), "{kinds:?}");
    assert!(kinds.values().sum::<usize>() >= 30, "{kinds:?}");
}

#[test]
fn normalisation_left_in_training_mode_is_named_with_and_without_the_original() {
    let files = Files::new();
    for (host, graph) in &small_hosts()[1..] {
        let original = files.save("original.onnx", graph);
        let mut changed = graph.clone();
        let norms = changed.nodes.iter_mut();
        let mut norms = norms.filter(|node| node.op == "BatchNormalization");
        let norm = norms.nth(7).unwrap();
        norm.attributes
            .insert("training_mode".into(), Attribute::Int(1));
        let name = norm.label().to_owned();
        let changed = files.save("changed.onnx", &changed);

        let found = document(&mut verify(&changed), 1);
        let faults = found["faults"].as_array().unwrap();
        assert_eq!(
            faults[0]["kind"], "training_normalization",
            "{host}: {found}"
        );
        assert_eq!(faults[0]["node"], name.as_str(), "{host}");

        let mut against = verify(&changed);
        against.arg("--against").arg(&original);
        let found = document(against.args(["--engine", "burn"]), 1);
        assert_eq!(
            found["first_divergence"]["node"],
            name.as_str(),
            "{host}: {found}"
        );
    }
}

#[test]
fn what_diverges_is_cut_out_and_diverges_alone() {
    let files = Files::new();
    let graph = vision_transformer(3);
    let original = files.save("original.onnx", &graph);
    let plant = &PLANTS[0];
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let (changed, node) = plant.at_random(&graph, &mut random).unwrap();
    let changed = files.save("changed.onnx", &changed);
    let out = files.0.path().join("out.onnx");
    let mut reduce = verify(&changed);
    reduce
        .arg("--against")
        .arg(&original)
        .arg("--reduce")
        .arg(&out);
    let found = document(&mut reduce, 1);
    let path = |field: &str| PathBuf::from(found["reduced"][field].as_str().unwrap());
    let part = Graph::load(path("model")).unwrap();
    assert_eq!(part.nodes.len(), 1);
    assert_eq!(part.nodes[0].label(), node);

    let mut again = verify(&path("model"));
    again.arg("--against").arg(path("against"));
    again.arg("--inputs").arg(path("inputs"));
    let again = document(&mut again, 1);
    assert_eq!(again["first_divergence"]["node"], node.as_str());
    let given = &again["cases"][0];
    assert_eq!(
        (&given["input"], &given["within"]),
        (&"given".into(), &false.into())
    );
    assert_fields(
        &again,
        &[
            "first_divergence.op",
            "first_divergence.value",
            "first_divergence.difference.max_abs",
            "first_divergence.difference.worst",
            "first_divergence.alone.within",
            "first_divergence.inputs.0.mean",
            "pairs.0.mean_abs",
            "pairs.0.nan",
            "pairs.0.worst",
        ],
    );
}
