//! Whether activations pass gradients on (EF05).

use edgefit_engine::Array;
use edgefit_graph::rewrite::extract;
use edgefit_graph::topology::Topology;
use edgefit_graph::{Attribute, Graph, Node, ValueInfo};
use edgefit_guards::Finding;
use edgefit_guards::ef05_activations::{INACTIVE, Kind, LIMIT, Layer, check, check_way};

use crate::error::Result;
use crate::guards::evidence::Evidence;
use crate::prepare::model::Model;

/// Images on which activations are looked at.
const IMAGES: usize = 16;

/// Share of the elements of a unit that decide what it is. On photographs and on grey clothes, at
/// most 42 % of the units of a late depthwise layer of EfficientNet-Lite0 to 2 are at rest for that
/// much of the elements; at 99 %, 54 % are, at 95 %, 67 %.
const MOST: f64 = 0.999;

/// Elements of a unit that were counted.
#[derive(Clone, Copy, Default)]
struct Unit {
    elements: usize,
    inactive: usize,
    saturated: usize,
}

impl Unit {
    fn rests(&self) -> bool {
        self.inactive as f64 >= MOST * self.elements as f64
    }

    fn is_saturated(&self) -> bool {
        self.saturated as f64 >= MOST * self.elements as f64
    }
}

impl Evidence<'_> {
    /// Whether activations pass gradients on (EF05).
    pub(super) fn activations(&self, model: &Model) -> Result<Vec<Finding>> {
        let found = find(&model.graph);
        let way: Vec<Kind> = found.iter().map(|(_, kind)| *kind).collect();
        let outputs: Vec<ValueInfo> = found
            .iter()
            .map(|(node, _)| ValueInfo::float(&node.outputs[0]))
            .collect();
        if outputs.is_empty() {
            return Ok(vec![check(&[]), check_way(&way)]);
        }
        let seen = extract(&model.graph, &model.graph.inputs, &outputs)?;
        let mut engine = edgefit_engine::load(self.engine, &seen, self.job.threads)?;
        let mut units: Vec<Vec<Unit>> = vec![Vec::new(); found.len()];
        let images = self.inputs(&model.preparation, IMAGES)?;
        for image in images.iter().flat_map(|image| unlike(image)) {
            let made = engine.run(&[model.preparation.batch(&[image])])?;
            for ((units, (_, kind)), values) in units.iter_mut().zip(&found).zip(&made) {
                count(units, *kind, values);
            }
        }
        let topology = Topology::of(&model.graph);
        let layers = found.iter().zip(&units).map(|((node, kind), own)| {
            let source = source(&model.graph, &topology, node);
            let is_source = |other: &Node| source.is_some_and(|node| std::ptr::eq(node, other));
            let source = found.iter().position(|(other, _)| is_source(other));
            // A unit that is given nothing is not what is dead.
            let given = own.iter().enumerate().filter(|(index, _)| {
                let unit = source.and_then(|at| units[at].get(*index));
                unit.is_none_or(|unit| !unit.rests())
            });
            let inactive = given.clone().filter(|(_, unit)| unit.rests());
            let saturated = own.iter().filter(|unit| unit.is_saturated());
            let share = |some: usize, all: usize| some as f64 / all.max(1) as f64;
            Layer {
                name: node.label().to_owned(),
                kind: *kind,
                units: own.len(),
                inactive: share(inactive.count(), given.count()),
                saturated: share(saturated.count(), own.len()),
            }
        });
        let layers: Vec<Layer> = layers.collect();
        Ok(vec![check(&layers), check_way(&way)])
    }
}

/// Activations on the way from the input to the head, in order.
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
/// else than this data has is at rest on the first and may wake at the others; a dead one never does.
fn unlike(image: &[f32]) -> [Vec<f32>; 4] {
    let negative: Vec<f32> = image.iter().map(|value| -value).collect();
    let turned = |image: &[f32]| {
        let mut turned = image.to_vec();
        turned.rotate_left(image.len() / 3);
        turned
    };
    [image.to_vec(), turned(image), turned(&negative), negative]
}

/// Counts one sample of a layer; a unit is a channel, or the last dimension of tokens.
fn count(units: &mut Vec<Unit>, kind: Kind, values: &Array) {
    let (channels, inner) = match values.dims.as_slice() {
        [_, channels, rest @ ..] if rest.len() != 1 => (*channels, rest.iter().product()),
        [.., channels] => (*channels, 1),
        [] => return,
    };
    let limits = match kind {
        Kind::Sigmoid => Some((0.0, 1.0)),
        Kind::Tanh => Some((-1.0, 1.0)),
        Kind::Rectifier | Kind::Other => None,
    };
    units.resize(channels, Unit::default());
    for (at, &value) in values.values.iter().enumerate() {
        let value = f64::from(value);
        let unit = &mut units[at / inner % channels];
        unit.elements += 1;
        unit.inactive += usize::from(value.abs() < INACTIVE);
        let saturated = limits.is_some_and(|(low, high)| {
            let near = LIMIT * (high - low);
            value < low + near || value > high - near
        });
        unit.saturated += usize::from(saturated);
    }
}

#[cfg(test)]
mod tests {
    use edgefit_graph::Tensor;

    use super::*;

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

    #[test]
    fn units_are_channels_or_the_last_dimension_of_tokens() {
        let array = |dims: &[usize], values: &[f32]| Array {
            dims: dims.to_vec(),
            values: values.to_vec(),
        };
        let inactive = |units: &[Unit]| units.iter().map(|unit| unit.inactive).collect::<Vec<_>>();
        let mut units = Vec::new();
        let image = array(&[1, 2, 2, 1], &[0.0, 0.0, 1.0, 0.0]);
        count(&mut units, Kind::Rectifier, &image);
        assert_eq!(inactive(&units), [2, 1]);
        let mut units = Vec::new();
        let tokens = array(&[1, 2, 2], &[0.0, 1.0, 0.0, 2.0]);
        count(&mut units, Kind::Rectifier, &tokens);
        assert_eq!(inactive(&units), [2, 0]);
        let mut units = Vec::new();
        count(&mut units, Kind::Sigmoid, &array(&[1, 2], &[0.999, 0.5]));
        assert_eq!((units[0].saturated, units[1].saturated), (1, 0));
    }
}
