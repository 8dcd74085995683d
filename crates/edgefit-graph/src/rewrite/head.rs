//! The classifier at the end of a graph: found, read, replaced.

mod find;
mod replace;

use std::collections::HashSet;

use super::extract::extract;
use crate::error::{Error, Result};
use crate::graph::{Dim, Graph, Node, ValueInfo};
use crate::tensor::Tensor;

pub use replace::replace_head;

/// The classifier of a graph: the linear layer, or the several of which the sum or the mean is
/// taken, that make the classes.
///
/// A layer is a `Gemm`, a `MatMul` with or without an `Add` behind it, or a `Conv` of 1×1. Between
/// the layers and the graph's output only pooling, activations and changes of shape may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The layers, in the order in which they are met from the output.
    pub layers: Vec<Layer>,
    /// Number of classes.
    pub classes: usize,
    /// Whether what the layers make is cut off at 0 on the way to the output.
    pub rectified: bool,
    /// Nodes behind the layers.
    tail: Vec<usize>,
}

/// A linear layer of a [`Head`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Name of the node that multiplies.
    pub node: String,
    /// The value that it reads: the features.
    pub features: String,
    /// Shape of the features of one sample.
    pub dims: Vec<usize>,
    /// Number of features that a class is a weighted sum of.
    pub inputs: usize,
    multiply: usize,
    /// The node that adds the bias, where that is another.
    add: Option<usize>,
}

/// Weights of a [`Layer`].
#[derive(Debug, Clone, PartialEq)]
pub struct LayerWeights {
    /// A row for each class: classes × inputs.
    pub weight: Vec<f32>,
    /// A value for each class.
    pub bias: Vec<f32>,
}

impl Head {
    /// Weights of the layers (zeros for a bias that is not there).
    ///
    /// # Errors
    /// The weights are not floats.
    pub fn weights(&self, graph: &Graph) -> Result<Vec<LayerWeights>> {
        let weights = self.layers.iter().map(|layer| {
            let node = &graph.nodes[layer.multiply];
            let weight = constant(graph, &node.inputs[1])
                .ok_or_else(|| Error::invalid(node.place(), "has no constant weight"))?
                .to_f32()?;
            let weight = if rows_are_classes(node)? {
                weight
            } else {
                transpose(&weight, layer.inputs, self.classes)
            };
            let bias = match layer.bias(graph) {
                Some(name) => constant(graph, name).map(Tensor::to_f32).transpose()?,
                None => None,
            };
            Ok(LayerWeights {
                weight,
                bias: match bias.as_deref() {
                    None => vec![0.0; self.classes],
                    // A single number is that of every class.
                    Some(&[one]) => vec![one; self.classes],
                    Some(bias) => bias.to_vec(),
                },
            })
        });
        weights.collect()
    }

    /// Weights of 0 for every layer, so that the logits are `bias` whatever the features are.
    pub fn blank(&self, bias: &[f32]) -> Vec<LayerWeights> {
        // Classes only differ by their distance: above 0 a rectifier lets all of them through.
        let lift = if self.rectified {
            1.0 - bias.iter().copied().fold(f32::INFINITY, f32::min)
        } else {
            0.0
        };
        let blank = |layer: &Layer| LayerWeights {
            weight: vec![0.0; bias.len() * layer.inputs],
            bias: bias.iter().map(|value| value + lift).collect(),
        };
        self.layers.iter().map(blank).collect()
    }

    /// The features that the layers read, each once: its name and the shape of one sample.
    pub fn features(&self) -> Vec<ValueInfo> {
        let mut features: Vec<ValueInfo> = Vec::new();
        for layer in &self.layers {
            if features.iter().all(|known| known.name != layer.features) {
                let sample = layer.dims.iter().map(|&size| Dim::Known(size));
                let dims = std::iter::once(Dim::Symbol("batch".into())).chain(sample);
                features.push(ValueInfo::f32(&layer.features, dims.collect()));
            }
        }
        features
    }

    /// How many numbers the features of one sample are.
    pub fn width(&self) -> usize {
        let mut counted = HashSet::new();
        let layers = self.layers.iter();
        layers
            .filter(|layer| counted.insert(&layer.features))
            .map(|layer| layer.dims.iter().product::<usize>())
            .sum()
    }

    /// The head alone: a graph from the features to the logits.
    ///
    /// # Errors
    /// The head needs more than the features.
    pub fn extract(&self, graph: &Graph) -> Result<Graph> {
        extract(graph, &self.features(), &graph.outputs)
    }

    /// The backbone alone: a graph from the inputs to the features.
    ///
    /// # Errors
    /// Never, for a head that [`Head::of`] found in this graph.
    pub fn backbone(&self, graph: &Graph) -> Result<Graph> {
        extract(graph, &graph.inputs, &self.features())
    }
}

impl Layer {
    /// Name of the value that is added, if any.
    fn bias<'g>(&self, graph: &'g Graph) -> Option<&'g str> {
        match self.add {
            None => graph.nodes[self.multiply].input(2),
            Some(add) => {
                let mut inputs = graph.nodes[add].present_inputs();
                inputs.find(|name| constant(graph, name).is_some())
            }
        }
    }
}

/// The initializer behind `name`, through nodes that only rename it.
fn constant<'g>(graph: &'g Graph, name: &str) -> Option<&'g Tensor> {
    let mut name = name;
    loop {
        if let Some(tensor) = graph.initializers.get(name) {
            return Some(tensor);
        }
        let renames = |node: &&Node| node.op == "Identity" && node.outputs == [name];
        name = graph.nodes.iter().find(renames)?.input(0)?;
    }
}

/// Whether the weight is stored with a row for each class, rather than a column.
fn rows_are_classes(node: &Node) -> Result<bool> {
    Ok(node.op == "Conv" || (node.op == "Gemm" && node.int_or("transB", 0)? != 0))
}

/// `matrix` of `rows` × `columns`, transposed.
fn transpose(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns)
        .flat_map(|column| (0..rows).map(move |row| matrix[row * columns + column]))
        .collect()
}

#[cfg(test)]
mod tests;
