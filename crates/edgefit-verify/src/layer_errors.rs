//! Where the error of a quantised model comes in: its values beside those of the float model, in graph order.

use std::collections::HashMap;

use edgefit_engine::{Array, EngineName};
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::quantized::Scaling;
use edgefit_graph::topology::Topology;
use edgefit_graph::{Graph, Node};
use serde::Serialize;

use crate::noise::Noise;
use crate::samples::some_samples;
use crate::search_crash::{Crashes, Cut};
use crate::side::Side;
use crate::subgraph::{Shown, opened, shown};

/// Signal to noise above which no noise matters, in decibels: that of a value in 8 bits of its own.
const CLEAN_DB: f64 = 30.0;

/// Fall of it that is worth a mark.
const MARKED_DB: f64 = 3.0;

/// Elements of a model's values that are looked at together.
const ELEMENTS: usize = 32 << 20;

/// Most samples that are looked at.
const SAMPLES: usize = 16;

/// The error of each value that both models have.
#[derive(Debug, Clone, Serialize)]
pub struct LayerErrors {
    /// The engine that showed them.
    pub engine: EngineName,
    /// Number of samples.
    pub samples: usize,
    /// The values in graph order.
    pub values: Vec<LayerError>,
    /// The value with the largest fall, if one stands out.
    pub largest_fall: Option<String>,
}

/// The error of one value.
#[derive(Debug, Clone, Serialize)]
pub struct LayerError {
    /// Name of the value in the float model.
    pub value: String,
    /// Name of the node that makes it there.
    pub node: String,
    /// Its operator.
    pub op: String,
    /// Signal to noise in decibels; `null` where the two are the same.
    pub sqnr_db: Option<f64>,
    /// How far it is below the noisiest of the values that this one is made of. Above 30 dB all is the same.
    pub fall_db: f64,
}

/// A value of the float model, and the one that stands for it.
struct Matched {
    float: Shown,
    quantized: Shown,
}

/// Compares the values of a model in `float` and in `quantized` on `inputs`; `None` where the engine cannot
/// show them.
pub(crate) fn layer_errors(
    float: Side,
    quantized: Side,
    inputs: &[Array],
    crashes: &mut Crashes,
) -> Option<LayerErrors> {
    let (mut float, mut quantized) = (float, quantized);
    let inputs = few(float.graph, inputs);
    let matched = matched(float.graph, quantized.graph, &inputs);
    let of_float = matched.iter().map(|matched| &matched.float).collect();
    let of_quantized = matched.iter().map(|matched| &matched.quantized).collect();
    let x = show(&mut float, of_float, &inputs, crashes)?;
    let y = show(&mut quantized, of_quantized, &inputs, crashes)?;
    let noise: Vec<Option<f64>> = x
        .iter()
        .zip(&y)
        .map(|(x, y)| Noise::of(x, y)?.sqnr_db())
        .collect();
    let values = falls(float.graph, &matched, &noise);
    let worst = values.iter().max_by(|a, b| a.fall_db.total_cmp(&b.fall_db));
    Some(LayerErrors {
        engine: float.engine.name(),
        samples: inputs
            .first()
            .map_or(0, |input| input.dims.first().copied().unwrap_or(0)),
        largest_fall: worst
            .filter(|worst| worst.fall_db >= MARKED_DB)
            .map(|worst| worst.value.clone()),
        values,
    })
}

/// What a side computes for `values`.
fn show(
    side: &mut Side,
    values: Vec<&Shown>,
    inputs: &[Array],
    crashes: &mut Crashes,
) -> Option<Vec<Array>> {
    let open = opened(side.graph, &values);
    let ran = side.run(&open, inputs);
    crashes.note(|| Cut::AllValues, ran)
}

/// As many samples as have few enough values.
fn few(graph: &Graph, inputs: &[Array]) -> Vec<Array> {
    let one = some_samples(inputs, 0..1, graph);
    let names = graph.free_inputs().map(|input| input.name.clone());
    let dims = one.iter().map(|input| input.dims.clone());
    let inference = infer(graph, &InputShapes(names.zip(dims).collect())).ok();
    let elements = inference.map_or(ELEMENTS, |inference| {
        let values = graph.nodes.iter().flat_map(|node| node.present_outputs());
        let sizes = values.filter_map(|name| Some(inference.get(name)?.elements()));
        sizes.fold(0, usize::saturating_add)
    });
    let samples = (ELEMENTS / elements.max(1)).clamp(1, SAMPLES);
    let there = inputs.first().and_then(|input| input.dims.first().copied());
    some_samples(inputs, 0..samples.min(there.unwrap_or(1)), graph)
}

/// The values of floats that stand for each other: of the quantised model what is dequantised of a value, or
/// the value itself where it is an output.
fn matched(float: &Graph, quantized: &Graph, inputs: &[Array]) -> Vec<Matched> {
    let topology = Topology::of(quantized);
    let there = shown(quantized, inputs).into_iter();
    let mut there: HashMap<String, Shown> =
        there.map(|value| (value.name.clone(), value)).collect();
    let readers = |name: &str, op: &'static str| {
        let readers = topology.consumers(name).iter();
        let nodes = readers.map(|&reader| &quantized.nodes[reader]);
        nodes.filter(move |node| node.op == op)
    };
    // Behind another scale the same integers stand for the value times a factor.
    let dequantized = |quantize: &Node| {
        let scaling = Scaling::of(quantized, &topology, quantize);
        let mut again = readers(quantize.outputs.first()?, "DequantizeLinear");
        let same = again.find(|node| Scaling::of(quantized, &topology, node) == scaling)?;
        same.outputs.first().cloned()
    };
    let stands_for = |name: &str| {
        let quantize = readers(name, "QuantizeLinear").next();
        let maker = topology
            .producer(name)
            .map(|node| &quantized.nodes[node].op);
        let own = maker.is_some_and(|op| op == "DequantizeLinear") || topology.is_output(name);
        quantize
            .and_then(dequantized)
            .or_else(|| own.then(|| name.to_owned()))
    };
    let floats = shown(float, inputs).into_iter();
    let floats = floats.filter(|value| value.dtype.is_none_or(|dtype| dtype.is_float()));
    floats
        .filter_map(|float| {
            let name = stands_for(&float.name)?;
            let quantized = there.remove(&name)?;
            Some(Matched { float, quantized })
        })
        .collect()
}

/// How far each value is below the noisiest of those that it is made of.
fn falls(graph: &Graph, matched: &[Matched], noise: &[Option<f64>]) -> Vec<LayerError> {
    let known = matched.iter().zip(noise).map(|(value, noise)| {
        let clean = noise.unwrap_or(CLEAN_DB).min(CLEAN_DB);
        (value.float.name.as_str(), clean)
    });
    let known: HashMap<&str, f64> = known.collect();
    // What reaches each value, known or not.
    let mut reaching: HashMap<&str, f64> = HashMap::new();
    let mut before: HashMap<&str, f64> = HashMap::new();
    for node in &graph.nodes {
        let read = node.present_inputs();
        let read = read.filter_map(|name| reaching.get(name).copied());
        let noisiest = read.fold(CLEAN_DB, f64::min);
        for name in node.present_outputs() {
            before.insert(name, noisiest);
            reaching.insert(name, known.get(name).copied().unwrap_or(noisiest));
        }
    }
    let values = matched.iter().zip(noise);
    values
        .map(|(value, noise)| {
            let node = &graph.nodes[value.float.node];
            let name = value.float.name.as_str();
            let own = known.get(name).copied().unwrap_or(CLEAN_DB);
            LayerError {
                value: name.to_owned(),
                node: node.label().to_owned(),
                op: node.op.clone(),
                sqnr_db: *noise,
                fall_db: before
                    .get(name)
                    .map_or(0.0, |before| (before - own).max(0.0)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use edgefit_engine::{Engine, InProcess};
    use edgefit_graph::{DataType, Dim, Tensor, ValueInfo};

    use super::*;

    /// x → times 2 → a → times 3 → b → times 5 → y; where they are given, a and b are quantised with these
    /// scales.
    fn chain(scales: Option<[f32; 2]>) -> Graph {
        let mut graph = Graph::new("chain", 17);
        let dims = || vec![Dim::Symbol("n".into()), Dim::Known(4)];
        graph.inputs.push(ValueInfo::f32("x", dims()));
        graph.outputs.push(ValueInfo::f32("y", dims()));
        let mut at = "x".to_owned();
        for (index, (name, factor)) in [("a", 2f32), ("b", 3.0), ("y", 5.0)]
            .into_iter()
            .enumerate()
        {
            let weight = format!("w{name}");
            let tensor = Tensor::from_values(vec![], &[factor]);
            graph.initializers.insert(weight.clone(), tensor);
            let times = format!("times {factor}");
            graph
                .nodes
                .push(Node::new("Mul", &times, &[&at, &weight], &[name]));
            at = name.to_owned();
            if let Some(scale) = scales.and_then(|scales| scales.get(index).copied()) {
                let zero = Tensor::from_i64(DataType::I8, vec![], &[0]).unwrap();
                graph.initializers.insert("z".into(), zero);
                let (s, q, d) = (format!("s{name}"), format!("q{name}"), format!("d{name}"));
                let tensor = Tensor::from_values(vec![], &[scale]);
                graph.initializers.insert(s.clone(), tensor);
                let made = Node::new("QuantizeLinear", &q, &[&at, &s, "z"], &[&q]);
                graph.nodes.push(made);
                graph
                    .nodes
                    .push(Node::new("DequantizeLinear", &d, &[&q, &s, "z"], &[&d]));
                at = d;
            }
        }
        graph
    }

    #[test]
    fn integers_behind_another_scale_are_not_taken_for_the_value() {
        let (float, mut quantized) = (chain(None), chain(Some([0.01, 1.5])));
        let scale = Tensor::from_values(vec![], &[0.02f32]);
        quantized.initializers.insert("other".into(), scale);
        let at = quantized.nodes.iter().position(|node| node.name == "da");
        quantized.nodes[at.unwrap()].inputs[1] = "other".into();
        let names = |quantized: &Graph| -> Vec<String> {
            let matched = matched(&float, quantized, &[]).into_iter();
            matched.map(|value| value.float.name).collect()
        };
        assert_eq!(names(&quantized), ["b", "y"]);
        assert_eq!(names(&chain(Some([0.01, 1.5]))), ["a", "b", "y"]);
    }

    #[test]
    fn the_value_at_which_the_error_comes_in_is_marked() {
        let (float, quantized) = (chain(None), chain(Some([0.01, 1.5])));
        let (mut a, mut b) = (
            InProcess::new(EngineName::Tract, 1),
            InProcess::new(EngineName::Tract, 1),
        );
        let sides = [(&float, &mut a), (&quantized, &mut b)].map(|(graph, engine)| Side {
            graph,
            engine: engine as &mut dyn Engine,
        });
        let [x, y] = sides;
        let input = Array {
            dims: vec![2, 4],
            values: vec![0.11, 0.52, -0.33, 0.24, 0.45, -0.56, 0.37, 0.48],
        };
        let found = layer_errors(x, y, &[input], &mut Crashes::default()).unwrap();
        let names: Vec<&str> = found
            .values
            .iter()
            .map(|value| value.value.as_str())
            .collect();
        assert_eq!(names, ["a", "b", "y"]);
        assert_eq!(found.largest_fall.as_deref(), Some("b"));
        assert_eq!(
            (found.samples, found.values[1].node.as_str()),
            (2, "times 3")
        );
        assert!(found.values[0].sqnr_db.unwrap() > CLEAN_DB && found.values[0].fall_db == 0.0);
        assert!(found.values[2].fall_db < 0.1, "{found:?}");
    }
}
