//! What is trained is what is written.

use std::collections::{BTreeMap, HashSet};

use edgefit_engine::{Array, EngineName, InProcess};
use edgefit_graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};
use edgefit_predict::{Comparison, outputs};

use super::*;
use crate::scheme::Scheme;

/// Numbers between −1 and 1 that look random.
fn numbers(count: usize, seed: f32) -> Vec<f32> {
    (0..count)
        .map(|at| (at as f32 * 12.9898 + seed).sin() * 43_758.547)
        .map(|value| 2.0 * (value - value.floor()) - 1.0)
        .collect()
}

/// x (n, 3, 8, 8) → convolution, Clip → depthwise convolution, residual → pooling → logits → softmax.
fn network() -> Graph {
    let mut graph = Graph::new("small", 17);
    let sizes = |sizes: &[usize]| {
        let known = sizes.iter().copied().map(Dim::Known);
        std::iter::once(Dim::Symbol("n".into()))
            .chain(known)
            .collect()
    };
    graph.inputs.push(ValueInfo::f32("x", sizes(&[3, 8, 8])));
    graph.outputs.push(ValueInfo::f32("p", sizes(&[4])));
    let mut weight = |name: &str, dims: &[usize], size: f32| {
        let values = numbers(dims.iter().product(), size);
        let values: Vec<f32> = values.iter().map(|value| size * value).collect();
        let tensor = Tensor::from_values(dims.to_vec(), &values);
        graph.initializers.insert(name.into(), tensor);
    };
    weight("stem.w", &[8, 3, 3, 3], 0.4);
    weight("stem.b", &[8], 0.1);
    weight("depth.w", &[8, 1, 3, 3], 0.5);
    weight("depth.b", &[8], 0.3);
    weight("fc.w", &[8, 4], 0.9);
    weight("fc.b", &[4], 0.2);
    for (name, limit) in [("low", 0f32), ("high", 0.6)] {
        let limit = Tensor::from_values(vec![], &[limit]);
        graph.initializers.insert(name.into(), limit);
    }
    let ones = || Attribute::Ints(vec![1, 1, 1, 1]);
    graph.nodes = vec![
        Node::new("Conv", "stem", &["x", "stem.w", "stem.b"], &["s"]).with("pads", ones()),
        Node::new("Clip", "clip", &["s", "low", "high"], &["c"]),
        Node::new("Conv", "depth", &["c", "depth.w", "depth.b"], &["d"])
            .with("pads", ones())
            .with("group", Attribute::Int(8)),
        Node::new("Add", "sum", &["c", "d"], &["a"]),
        Node::new("MaxPool", "halve", &["a"], &["h"])
            .with("kernel_shape", Attribute::Ints(vec![2, 2]))
            .with("strides", Attribute::Ints(vec![2, 2])),
        Node::new("GlobalAveragePool", "pool", &["h"], &["g"]),
        Node::new("Flatten", "flat", &["g"], &["f"]),
        Node::new("Gemm", "fc", &["f", "fc.w", "fc.b"], &["l"]),
        Node::new("Softmax", "softmax", &["l"], &["p"]),
    ];
    graph.check().unwrap();
    graph
}

fn samples() -> [Vec<Array>; 4] {
    [0.0, 1.0, 2.0, 3.0].map(|seed| {
        let dims = vec![16, 3, 8, 8];
        let values = numbers(dims.iter().product(), seed);
        vec![Array { dims, values }]
    })
}

fn engine() -> InProcess {
    InProcess::new(EngineName::Burn, 1)
}

fn prepared(scheme: &str) -> (Calibrated, Quantized, Trainable) {
    let scheme = Scheme::named(scheme).unwrap();
    let calibrated = Calibrated::new(&network(), &scheme, &samples(), &mut engine()).unwrap();
    let quantized = calibrated.quantize(&HashSet::new()).unwrap();
    let trainable = calibrated.trainable(&quantized).unwrap();
    trainable.graph.check().unwrap();
    (calibrated, quantized, trainable)
}

/// How far two graphs are apart in dB, one with `weights` in it.
fn apart(trained: &Graph, weights: &BTreeMap<String, Vec<f32>>, written: &Graph) -> f64 {
    let mut trained = trained.clone();
    for (name, values) in weights {
        let dims = trained.initializers[name].dims().to_vec();
        let tensor = Tensor::from_values(dims, values);
        trained.initializers.insert(name.clone(), tensor);
    }
    let made = |graph: &Graph| outputs(graph, &samples(), &mut engine()).unwrap();
    Comparison::of(&made(&trained), &made(written), None).sqnr_db
}

#[test]
fn it_begins_as_the_quantised_graph_and_comes_back_as_what_was_trained() {
    for name in [
        "onnxruntime-x86-vnni",
        "onnxruntime-x86",
        "tflite",
        "nxp-neutron",
        "esp-dl",
    ] {
        let (_, quantized, trainable) = prepared(name);
        let nothing = BTreeMap::new();
        let begun = apart(&trainable.graph, &nothing, &quantized.graph);
        assert!(begun > 80.0, "{name}: {begun} dB");
        assert_eq!(
            trainable.trained(&nothing).unwrap(),
            quantized.graph,
            "{name}"
        );

        assert!(
            trainable.parameters.contains("stem.w"),
            "{:?}",
            trainable.parameters
        );
        let is_learned = !trainable.scales.is_empty();
        assert_eq!(is_learned, name != "esp-dl");
        let mut moved = BTreeMap::new();
        for (seed, parameter) in trainable.parameters.iter().enumerate() {
            let old = trainable.graph.initializers[parameter].to_f32().unwrap();
            let noise = numbers(old.len(), seed as f32);
            let values = old.iter().zip(noise);
            let values: Vec<f32> = if trainable.scales.contains(parameter) {
                values.map(|(old, noise)| old + 0.1 * noise).collect()
            } else {
                values
                    .map(|(old, noise)| old * (1.0 + 0.2 * noise))
                    .collect()
            };
            moved.insert(parameter.clone(), values);
        }
        let written = trainable.trained(&moved).unwrap();
        written.check().unwrap();
        assert_ne!(written, quantized.graph);
        // A bias that is rounded may tip a value over to the next integer.
        let ended = apart(&trainable.graph, &moved, &written);
        assert!(ended > 30.0, "{name}: {ended} dB");
        let far = apart(&trainable.graph, &nothing, &written);
        assert!(far < ended - 10.0, "{name}: {far} dB, {ended} dB");
    }
}

#[test]
fn scales_keep_to_what_the_engine_wants() {
    let (_, _, trainable) = prepared("onnxruntime-x86-vnni");
    let grown: BTreeMap<String, Vec<f32>> = trainable
        .scales
        .iter()
        .map(|name| {
            let count = trainable.graph.initializers[name].elements();
            (name.clone(), vec![0.3; count])
        })
        .collect();
    let written = trainable.trained(&grown).unwrap();
    let scale = |name: &str| scale_of(&written, name);
    // The range of a Clip ends within it, and a MaxPool has one scale in front and behind.
    assert!(
        scale("c_scale") <= 0.6 / 255.0 * 1.0001,
        "{}",
        scale("c_scale")
    );
    assert_eq!(scale("a_scale"), scale("h_scale"));
    let before = scale_of(&trainable.quantized, "a_scale");
    assert!((scale("a_scale") / before / 0.3f32.exp() - 1.0).abs() < 1e-6);

    let (_, _, fixed) = prepared("tflite");
    let factors: Vec<&String> = fixed.scales.iter().collect();
    assert!(
        factors.iter().all(|name| !name.starts_with("p_")),
        "{factors:?}"
    );
}

#[test]
fn a_scale_that_is_raised_stays_a_power_of_two() {
    let (_, _, trainable) = prepared("esp-dl");
    let weight = trainable.graph.initializers["fc.w"].to_f32().unwrap();
    let weights = BTreeMap::from([
        ("fc.w".to_owned(), weight),
        ("fc.b".to_owned(), vec![3e7; 4]),
    ]);
    let written = trainable.trained(&weights).unwrap();
    let scale = scale_of(&written, "fc.w_scale");
    assert!(scale > scale_of(&trainable.quantized, "fc.w_scale"));
    assert_eq!(scale.log2().fract(), 0.0, "{scale}");
}

#[test]
fn it_can_end_in_front_of_the_softmax() {
    let (calibrated, _, trainable) = prepared("tflite");
    assert!(
        calibrated
            .graph
            .nodes
            .iter()
            .any(|node| node.label() == "fc")
    );
    let parameters = trainable.parameters.clone();
    let cut = trainable.ending_in("fc").unwrap();
    cut.graph.check().unwrap();
    assert!(cut.graph.nodes.iter().all(|node| node.op != "Softmax"));
    assert_eq!(cut.parameters.contains("fc.w"), parameters.contains("fc.w"));
    assert!(cut.ending_in("nothing").is_none());
}

#[test]
fn what_is_no_number_is_refused() {
    let (_, _, trainable) = prepared("onnxruntime-x86-vnni");
    for values in [vec![f32::NAN; 4], vec![0.0; 3]] {
        let weights = BTreeMap::from([("fc.b".to_owned(), values)]);
        let error = trainable.trained(&weights).unwrap_err().to_string();
        assert!(error.contains("'fc.b'"), "{error}");
    }
}
