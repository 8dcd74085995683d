//! Whether activations pass gradients on (EF05).

use edgefit_engine::load;
use edgefit_graph::infer::{Inference, InputShapes, infer};
use edgefit_graph::rewrite::extract;
use edgefit_graph::topology::Topology;
use edgefit_graph::{Attribute, Graph, Node, ValueInfo};
use edgefit_guards::Finding;
use edgefit_guards::ef05_activations::{Channels, Kind, Layer, Units, check, check_path};
use rayon::prelude::*;

use crate::error::Result;
use crate::guards::evidence::Evidence;
use crate::prepare::model::Model;

/// Images on which activations are looked at.
const IMAGES: usize = 16;

impl Evidence<'_> {
    /// Whether activations pass gradients on (EF05).
    pub(super) fn activations(&self, model: &Model) -> Result<Vec<Finding>> {
        let found = find(&model.graph);
        let path: Vec<Kind> = found.iter().map(|(_, kind)| *kind).collect();
        let outputs: Vec<ValueInfo> = found
            .iter()
            .map(|(node, _)| ValueInfo::float(&node.outputs[0]))
            .collect();
        if outputs.is_empty() {
            return Ok(vec![check(&[]), check_path(&path)]);
        }
        let seen = extract(&model.graph, &model.graph.inputs, &outputs)?;
        // All activations are alive at once, so that there is one copy and not one for each thread.
        let mut loaded = load(self.engine, &seen, self.job.threads)?;
        let topology = Topology::of(&model.graph);
        let sample = [vec![1], model.preparation.dims()].concat();
        let shapes = InputShapes::bind(&model.graph, 1, Some(&sample))?;
        let shapes = infer(&model.graph, &shapes)?;
        let fresh = found.iter().map(|(node, kind)| {
            let channels = channels(&model.graph, &topology, &shapes, node);
            Units::new(*kind, channels)
        });
        let mut units: Vec<Units> = fresh.collect();
        for image in self.inputs(&model.preparation, IMAGES)? {
            for image in unlike(&image) {
                let made = loaded.run(&[model.preparation.batch(&[image])])?;
                let counted = units.par_iter_mut().zip(made);
                counted.for_each(|(units, array)| units.count(&array.dims, &array.values));
            }
        }
        let layers = found.iter().zip(&units).map(|((node, _), own)| {
            let source = source(&model.graph, &topology, node);
            let is_source = |other: &Node| source.is_some_and(|node| std::ptr::eq(node, other));
            let source = found.iter().position(|(other, _)| is_source(other));
            own.layer(node.label(), source.map(|index| &units[index]))
        });
        let layers: Vec<Layer> = layers.collect();
        Ok(vec![check(&layers), check_path(&path)])
    }
}

/// Activations on the path from the input to the head, in order.
fn find(graph: &Graph) -> Vec<(&Node, Kind)> {
    let topology = Topology::of(graph);
    // What a value is multiplied by is a gate, which may well be shut.
    let gates = |node: &Node| {
        let readers = topology.consumers(&node.outputs[0]);
        readers
            .iter()
            .any(|&reader| graph.nodes[reader].op == "Mul")
    };
    let kind = |node: &Node| match node.op.as_str() {
        "Relu" | "LeakyRelu" | "PRelu" | "Clip" | "Elu" | "Selu" | "Celu" | "HardSwish"
        | "Gelu" | "ThresholdedRelu" => Some(Kind::Rectifier),
        "Sigmoid" | "HardSigmoid" => (!gates(node)).then_some(Kind::Sigmoid),
        "Tanh" => (!gates(node)).then_some(Kind::Tanh),
        "Softplus" | "Softsign" | "Mish" => Some(Kind::Other),
        _ => None,
    };
    let nodes = graph.nodes.iter();
    nodes.filter_map(|node| Some((node, kind(node)?))).collect()
}

/// Where the channels of what `node` makes lie, by what made its input.
fn channels(graph: &Graph, topology: &Topology, shapes: &Inference, node: &Node) -> Channels {
    let dims = |value: &str| shapes.get(value).map(|ty| ty.dims.as_slice());
    let rank = |value: &str| dims(value).map(<[usize]>::len);
    let mut behind = node;
    loop {
        let output = behind.outputs[0].as_str();
        let inputs = behind.present_inputs();
        let made = inputs.filter_map(|input| Some((input, topology.producer(input)?)));
        // A gate is smaller than what it is multiplied with.
        let before = made
            .min_by_key(|&(input, _)| (dims(input) != dims(output), rank(input) != rank(output)));
        let Some((_, before)) = before else {
            return match rank(&node.outputs[0]) {
                Some(4) => Channels::Second,
                _ => Channels::Last,
            };
        };
        behind = &graph.nodes[before];
        match behind.op.as_str() {
            "Conv"
            | "ConvTranspose"
            | "BatchNormalization"
            | "InstanceNormalization"
            | "GroupNormalization"
            | "MaxPool"
            | "AveragePool"
            | "GlobalAveragePool" => {
                return Channels::Second;
            }
            "MatMul" | "Gemm" | "LayerNormalization" | "Transpose" | "Einsum" | "LSTM" | "GRU"
            | "RNN" => return Channels::Last,
            _ => {}
        }
    }
}

/// The activation each of whose units is all that the unit of `node` in the same place reads: in front
/// of a depthwise convolution and its normalisation.
fn source<'g>(graph: &'g Graph, topology: &Topology, node: &Node) -> Option<&'g Node> {
    let mut behind = node;
    let mut is_behind_depthwise = false;
    loop {
        let before = &graph.nodes[topology.producer(behind.input(0)?)?];
        match before.op.as_str() {
            "BatchNormalization" | "Identity" => {}
            "Conv" if is_depthwise(graph, before) => is_behind_depthwise = true,
            _ => return is_behind_depthwise.then_some(before),
        }
        behind = before;
    }
}

/// Whether each channel has a kernel, and only one.
fn is_depthwise(graph: &Graph, conv: &Node) -> bool {
    let weight = conv.input(1).and_then(|name| graph.initializers.get(name));
    let groups = match conv.attributes.get("group") {
        Some(Attribute::Int(groups)) => *groups,
        _ => 1,
    };
    groups > 1 && weight.is_some_and(|weight| weight.dims()[0] as i64 == groups)
}

/// An image, its negative, and both with the channels turned. A unit that is looking for something
/// else than this data has is inactive on the first and may be active on the others; a dead one never is.
fn unlike(image: &[f32]) -> [Vec<f32>; 4] {
    let negative: Vec<f32> = image.iter().map(|value| -value).collect();
    let turned = |image: &[f32]| {
        let mut turned = image.to_vec();
        turned.rotate_left(image.len() / 3);
        turned
    };
    [image.to_vec(), turned(image), turned(&negative), negative]
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Dim, Tensor};

    use super::*;

    #[test]
    fn channels_lie_where_the_layer_in_front_puts_them() {
        let nodes = vec![
            Node::new("Relu", "first", &["x"], &["a"]),
            Node::new("Conv", "conv", &["a", "k"], &["b"]),
            Node::new("Add", "add", &["x", "b"], &["c"]),
            Node::new("Relu", "relu", &["c"], &["d"]),
            Node::new("MatMul", "linear", &["d", "w"], &["e"]),
            Node::new("Elu", "elu", &["e"], &["f"]),
        ];
        let [first, relu, elu] = found(nodes, [0, 3, 5]);
        assert_eq!([first, relu], [Channels::Second; 2]);
        assert_eq!(elu, Channels::Last);
    }

    #[test]
    fn channels_lie_where_they_did_before_a_gate() {
        let nodes = vec![
            Node::new("Conv", "conv", &["x", "k"], &["a"]),
            Node::new("GlobalAveragePool", "pool", &["a"], &["b"]),
            Node::new("Flatten", "flatten", &["b"], &["c"]),
            Node::new("Gemm", "squeeze", &["c", "w"], &["d"]),
            Node::new("Relu", "inner", &["d"], &["e"]),
            Node::new("Reshape", "reshape", &["e", "per-channel"], &["f"]),
            Node::new("Mul", "gate", &["f", "a"], &["g"]),
            Node::new("Relu", "outer", &["g"], &["h"]),
        ];
        assert_eq!(found(nodes, [4, 7]), [Channels::Last, Channels::Second]);
    }

    /// Where the channels of some nodes lie, of a graph on maps of 4 × 4 with 4 channels.
    fn found<const N: usize>(nodes: Vec<Node>, some: [usize; N]) -> [Channels; N] {
        let mut graph = Graph::new("layers", 17);
        let dims = [1, 4, 4, 4].map(Dim::Known);
        graph.inputs.push(ValueInfo::f32("x", dims.into()));
        for (name, dims) in [("k", vec![4, 4, 1, 1]), ("w", vec![4, 4])] {
            let weights = Tensor::from_values(dims, &[0.5f32; 16]);
            graph.initializers.insert(name.into(), weights);
        }
        let shape = Tensor::from_values(vec![4], &[1i64, 4, 1, 1]);
        graph.initializers.insert("per-channel".into(), shape);
        graph.nodes = nodes;
        let shapes = infer(&graph, &InputShapes::bind(&graph, 1, None).unwrap()).unwrap();
        let topology = Topology::of(&graph);
        some.map(|index| channels(&graph, &topology, &shapes, &graph.nodes[index]))
    }

    #[test]
    fn a_depthwise_unit_has_one_source() {
        let mut graph = Graph::new("block", 17);
        let kernels = Tensor::from_values(vec![2, 1, 1, 1], &[1f32; 2]);
        graph.initializers.insert("k".into(), kernels);
        let conv = |name: &str, groups: i64, from: &str| {
            Node::new("Conv", name, &[from, "k"], &[name]).with("group", Attribute::Int(groups))
        };
        graph.nodes = vec![
            Node::new("Relu", "first", &["x"], &["a"]),
            conv("b", 2, "a"),
            Node::new("BatchNormalization", "norm", &["b"], &["c"]),
            Node::new("Relu", "second", &["c"], &["d"]),
            conv("e", 1, "d"),
            Node::new("Relu", "third", &["e"], &["f"]),
        ];
        let topology = Topology::of(&graph);
        let of = |index: usize| source(&graph, &topology, &graph.nodes[index]);
        assert_eq!(of(3).map(Node::label), Some("first"));
        assert_eq!(of(5).map(Node::label), None);
        assert_eq!(of(0).map(Node::label), None);
    }
}
