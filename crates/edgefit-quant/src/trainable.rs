//! [`Trainable`]: a quantised graph in a form of which weights, biases and scales can be trained, and the
//! quantised graph again.
//!
//! Integers are floats there that are divided by their scale, clipped, rounded and multiplied by it. With
//! the gradient of a rounding taken as 1, that of a scale is the one of LSQ (Esser et al. 2020, arXiv
//! 1902.08153, eq. 3). What is trained of a scale is the logarithm of the factor by which it differs from
//! the one that calibration chose: it stays above 0, and a step moves small and large scales alike.

use std::collections::{BTreeMap, BTreeSet};

use edgefit_graph::rewrite::prune;
use edgefit_graph::topology::Topology;
use edgefit_graph::{Graph, Node, Tensor, ValueInfo, trainable_parameters};

use crate::channels::Channels;
use crate::error::{Error, Result};
use crate::learned_scales::{LearnedScales, scale_of};
use crate::parameters::next_power_of_two;
use crate::quantize::{Calibrated, Quantized};
use crate::scheme::Scheme;
use crate::trainable_form::write;
use crate::trainable_layer::{Layer, TrainableWeight};
use crate::weights::{least_scales, quantized_bias};

/// A quantised graph that can be trained.
///
/// Where the scheme wants scales that are powers of two, they stay as they are.
#[derive(Debug, Clone)]
pub struct Trainable {
    /// What the quantised graph computes, in floats.
    pub graph: Graph,
    /// What can be trained of it: weights and biases, those of layers in floats too, and `scales`.
    pub parameters: BTreeSet<String>,
    /// The logarithms of the factors of scales.
    pub scales: BTreeSet<String>,
    quantized: Graph,
    limit: i64,
    power_of_two: bool,
    learned: LearnedScales,
    weights: Vec<TrainableWeight>,
    layers: Vec<Layer>,
}

impl Calibrated {
    /// The quantised model in a form that can be trained. It begins with the integers of `quantized`, each
    /// weight as near to its float as rounds to them.
    ///
    /// # Errors
    /// A weight is not of the type that it is written in.
    pub fn trainable(&self, quantized: &Quantized) -> Result<Trainable> {
        Trainable::of(&quantized.graph, &self.graph, self.scheme())
    }
}

impl Trainable {
    fn of(quantized: &Graph, float: &Graph, scheme: &Scheme) -> Result<Self> {
        let learned = LearnedScales::of(quantized, scheme)?;
        let written = write(quantized, float, scheme, &learned)?;
        let scales: BTreeSet<String> = learned
            .factors()
            .map(str::to_owned)
            .chain(written.weights.iter().filter_map(|w| w.factors.clone()))
            .collect();
        let mut made = Trainable {
            graph: written.graph,
            parameters: BTreeSet::new(),
            scales,
            quantized: quantized.clone(),
            limit: scheme.weight_limit(),
            power_of_two: scheme.power_of_two,
            learned,
            weights: written.weights,
            layers: written.layers,
        };
        made.find_parameters(&written.constants);
        Ok(made)
    }

    fn find_parameters(&mut self, constants: &BTreeSet<String>) {
        let all = trainable_parameters(&self.graph).into_iter();
        let all = all.map(|(_, name)| name.to_owned());
        self.parameters = all.filter(|name| !constants.contains(name)).collect();
        self.scales.retain(|name| self.parameters.contains(name));
    }

    /// The same, ending in what the node `label` makes; `None` if there is no such node.
    pub fn ending_in(mut self, label: &str) -> Option<Self> {
        let value = value_behind(&self.quantized, label)?;
        self.graph.outputs = vec![ValueInfo::float(&value)];
        prune(&mut self.graph);
        let left = &self.graph.initializers;
        self.parameters.retain(|name| left.contains_key(name));
        self.scales.retain(|name| left.contains_key(name));
        Some(self)
    }

    /// The quantised graph with what was trained: `weights` has the values of [`Trainable::parameters`] by
    /// name; what it does not have stays as it was.
    ///
    /// It computes what [`Trainable::graph`] does with these values, but for the rounding of biases, and
    /// where sums of products could leave 32 bits: there, the scale of the weight is raised.
    ///
    /// # Errors
    /// A value is not finite, or there are too many or too few of them.
    pub fn trained(&self, weights: &BTreeMap<String, Vec<f32>>) -> Result<Graph> {
        self.check(weights)?;
        let mut graph = self.quantized.clone();
        for (name, tensor) in &mut graph.initializers {
            // Layers in floats.
            if let Some(values) = weights.get(name).filter(|_| self.parameters.contains(name)) {
                *tensor = Tensor::from_values(tensor.dims().to_vec(), values);
            }
        }
        for (name, scale) in self.learned.trained(weights) {
            let dims = graph.initializers[&name].dims().to_vec();
            let tensor = Tensor::from_values(dims, &[scale]);
            graph.initializers.insert(name, tensor);
        }
        let least = self.least_scales(&graph, weights);
        let mut made = Vec::new();
        for (weight, least) in self.weights.iter().zip(least) {
            let factor = |slice: usize| {
                let factors = weight.factors.as_ref().and_then(|name| weights.get(name));
                factors.map_or(1.0, |factors| factors[slice].exp())
            };
            let start = weight.start.scales.iter().enumerate();
            let scale = |(slice, scale): (usize, &f32)| {
                let scale = (scale * factor(slice)).max(least[slice]);
                if self.power_of_two {
                    next_power_of_two(scale)
                } else {
                    scale
                }
            };
            let scales: Vec<f32> = start.map(scale).collect();
            let quantized = match weights.get(&weight.name) {
                Some(values) => weight.start.requantized(values, scales, self.limit),
                None => weight.start.clone(),
            };
            let (integers, scales, _) = quantized.tensors();
            replace(&mut graph, weight.node, integers, scales);
            made.push(quantized);
        }
        for layer in &self.layers {
            if let Some(bias) = &layer.bias {
                let values = weights.get(&bias.name).unwrap_or(&bias.start);
                let input_scale = scale_of(&graph, &layer.input_scale);
                let (integers, scales, _) =
                    quantized_bias(values, input_scale, &made[layer.weight]);
                replace(&mut graph, bias.node, integers, scales);
            }
        }
        Ok(graph)
    }

    /// What each scale of each weight has to be at least, for all layers that read it.
    fn least_scales(&self, graph: &Graph, weights: &BTreeMap<String, Vec<f32>>) -> Vec<Vec<f32>> {
        let mut least: Vec<Vec<f32>> = self
            .weights
            .iter()
            .map(|weight| vec![0.0; weight.start.scales.len()])
            .collect();
        for layer in &self.layers {
            let weight = &self.weights[layer.weight];
            let values = match weights.get(&weight.name) {
                Some(values) => values.clone(),
                None => weight.start.dequantized(),
            };
            let tensor = Tensor::from_values(weight.start.dims().to_vec(), &values);
            let Some(channels) = Channels::of(&graph.nodes[layer.node], &tensor) else {
                continue;
            };
            let bias = layer.bias.as_ref();
            let bias = bias.map(|bias| weights.get(&bias.name).unwrap_or(&bias.start).as_slice());
            let input_scale = scale_of(graph, &layer.input_scale);
            let wanted = least_scales(channels, &values, bias, input_scale);
            let own = &mut least[layer.weight];
            let slices = own.len();
            for (channel, wanted) in wanted.into_iter().enumerate() {
                let slot = &mut own[if slices == 1 { 0 } else { channel }];
                *slot = slot.max(wanted);
            }
        }
        least
    }

    fn check(&self, weights: &BTreeMap<String, Vec<f32>>) -> Result<()> {
        for (name, values) in weights {
            let Some(tensor) = self.graph.initializers.get(name) else {
                continue;
            };
            let problem = if values.len() != tensor.elements() {
                format!("has {} values, not {}", values.len(), tensor.elements())
            } else if values.iter().any(|value| !value.is_finite()) {
                "holds values that are NaN or infinite".to_owned()
            } else {
                continue;
            };
            return Err(Error::Trained {
                parameter: name.clone(),
                problem,
            });
        }
        Ok(())
    }
}

/// The value that the node `label` makes, as the nodes behind it read it.
fn value_behind(quantized: &Graph, label: &str) -> Option<String> {
    let topology = Topology::of(quantized);
    let node = quantized.nodes.iter().find(|node| node.label() == label)?;
    let value = node.outputs.first()?;
    let read = |value: &str, op: &str| -> Option<&Node> {
        let readers = topology.consumers(value).iter();
        let mut readers = readers.map(|&reader| &quantized.nodes[reader]);
        readers.find(|reader| reader.op == op)
    };
    let dequantized = read(value, "QuantizeLinear")
        .and_then(|quantize| read(quantize.outputs.first()?, "DequantizeLinear"))
        .and_then(|dequantize| dequantize.outputs.first());
    Some(dequantized.unwrap_or(value).clone())
}

/// Puts other integers and scales into the DequantizeLinear at `node`.
fn replace(graph: &mut Graph, node: usize, integers: Tensor, scales: Tensor) {
    for (index, tensor) in [(0, integers), (1, scales)] {
        let name = graph.nodes[node].inputs[index].clone();
        graph.initializers.insert(name, tensor);
    }
}

#[cfg(test)]
#[path = "trainable/tests.rs"]
mod tests;
