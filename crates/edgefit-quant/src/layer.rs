//! A Conv, Gemm or MatMul on integers: its weight, and its bias corrected for what rounding does.

use std::collections::BTreeMap;

use edgefit_graph::{Graph, Node, Tensor};

use crate::error::Result;
use crate::observe::Observations;
use crate::parameters::Parameters;
use crate::scheme::Scheme;
use crate::weights::{QuantizedWeight, WeightRule, least_scales, quantized_bias};

/// A weight and its bias as integers.
#[derive(Debug, Clone)]
pub(crate) struct QuantizedLayer {
    pub weight: QuantizedWeight,
    /// Nothing where there is none.
    pub bias: Option<Bias>,
}

/// The bias of a layer on integers.
#[derive(Debug, Clone)]
pub(crate) enum Bias {
    /// Integers of 32 bits, scales and zero points.
    Integers(Tensor, Tensor, Tensor),
    /// Floats, which the engine adds to rescaled sums.
    Floats(Tensor),
}

/// How the slices of a weight make output channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channels<'g> {
    /// `Conv`, `Gemm` or `MatMul`.
    op: &'g str,
    dims: &'g [usize],
    /// Axis along which each slice makes one output channel.
    pub output_axis: usize,
    groups: usize,
}

impl<'g> Channels<'g> {
    /// Of the weight of `node`; nothing where its slices make no channels of their own.
    pub fn of(node: &'g Node, weight: &'g Tensor) -> Option<Self> {
        let dims = weight.dims();
        let output_axis = match node.op.as_str() {
            "Conv" => 0,
            "Gemm" if node.int_or("transB", 0).ok()? != 0 => 0,
            "Gemm" | "MatMul" => dims.len().checked_sub(1)?,
            _ => return None,
        };
        let groups = usize::try_from(node.int_or("group", 1).ok()?).ok()?;
        let is_whole = dims.len() >= 2 && weight.elements() > 0 && groups > 0;
        (is_whole && dims[0].is_multiple_of(groups)).then_some(Channels {
            op: &node.op,
            dims,
            output_axis,
            groups,
        })
    }

    /// How many output channels there are.
    pub fn outputs(&self) -> usize {
        self.dims[self.output_axis]
    }

    /// How many input channels there are.
    pub fn inputs(&self) -> usize {
        match (self.op, self.output_axis) {
            ("Conv", _) => self.dims[1] * self.groups,
            (_, 0) => self.dims[1],
            _ => self.dims[self.dims.len() - 2],
        }
    }

    /// Groups of output channels that read input channels of their own.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Inputs of an output: elements of a row.
    pub fn width(&self) -> usize {
        self.dims.iter().product::<usize>() / self.outputs().max(1)
    }

    /// The elements that make the output channel `output`, as they lie in a patch of the input.
    pub fn row(&self, output: usize) -> impl Iterator<Item = usize> {
        let width = self.width();
        let (start, step) = match self.output_axis {
            0 => (output * width, 1),
            _ => (output, self.outputs()),
        };
        (0..width).map(move |at| start + at * step)
    }

    /// The group of the output channel `output`.
    pub fn group(&self, output: usize) -> usize {
        output / (self.outputs() / self.groups).max(1)
    }

    /// Output and input channel of the element at `index`, row-major.
    pub fn at(&self, index: usize) -> (usize, usize) {
        let inner: usize = self.dims[self.output_axis + 1..].iter().product();
        let output = (index / inner) % self.outputs();
        let input = match (self.op, self.output_axis) {
            ("Conv", _) => {
                let kernel: usize = self.dims[2..].iter().product();
                let group = output / (self.outputs() / self.groups);
                group * self.dims[1] + index / kernel % self.dims[1]
            }
            (_, 0) => index % inner,
            _ => index / self.outputs() % self.inputs(),
        };
        (output, input)
    }
}

/// Weight and bias of the node at `index` as integers.
///
/// The bias takes up how much rounding the weight moves the mean of each result, for the mean inputs that
/// were observed (Nagel et al. 2019, arXiv 1906.04721, section 4.2).
pub(crate) fn quantized_layer(
    graph: &Graph,
    index: usize,
    scheme: &Scheme,
    parameters: &BTreeMap<String, Parameters>,
    observed: &Observations,
) -> Result<QuantizedLayer> {
    let node = &graph.nodes[index];
    let weight = &graph.initializers[&node.inputs[1]];
    let channels = Channels::of(node, weight);
    let rule = WeightRule {
        axis: channels
            .filter(|_| scheme.is_per_channel(&node.op))
            // Engines take one scale for each column of a matrix, none for stacks of them.
            .filter(|_| node.op == "Conv" || weight.dims().len() == 2)
            .map(|channels| channels.output_axis),
        limit: scheme.weight_limit(),
        power_of_two: scheme.power_of_two,
    };
    let input = node.input(0).unwrap_or_default();
    let input_scale = parameters.get(input).map_or(1.0, |input| input.scale);
    let bias = match node.input(2).filter(|_| node.op != "MatMul") {
        Some(name) => Some(graph.initializers[name].to_f32()?),
        None => None,
    };
    let floats = weight.to_f32()?;
    let least = match channels {
        Some(channels) => {
            let least = least_scales(channels, &floats, bias.as_deref(), input_scale);
            match rule.axis {
                Some(_) => least,
                None => vec![least.iter().copied().fold(0.0, f32::max)],
            }
        }
        None => Vec::new(),
    };
    let inputs = channels.zip(observed.inputs.get(&index));
    let quantized = QuantizedWeight::of(weight, rule, &least, inputs)?;
    let bias = match (bias, channels, observed.values.get(input)) {
        (Some(bias), Some(channels), Some(input)) => {
            let made = quantized.dequantized();
            let shift = mean_shift(channels, &floats, &made, &input.channel_means());
            let corrected = bias.iter().zip(shift);
            let corrected = corrected.map(|(bias, shift)| (f64::from(*bias) - shift) as f32);
            Some(corrected.collect::<Vec<f32>>())
        }
        (bias, ..) => bias,
    };
    let written = |bias: Vec<f32>| {
        if scheme.float_bias {
            return Bias::Floats(Tensor::from_values(vec![bias.len()], &bias));
        }
        let (integers, scales, zeros) = quantized_bias(&bias, input_scale, &quantized);
        Bias::Integers(integers, scales, zeros)
    };
    Ok(QuantizedLayer {
        bias: bias.map(written),
        weight: quantized,
    })
}

/// How much the mean of each output channel moves where a weight of `floats` is `made` into others, for
/// inputs of the given channel means.
fn mean_shift(channels: Channels, floats: &[f32], made: &[f32], means: &[f64]) -> Vec<f64> {
    let mut shift = vec![0.0; channels.outputs()];
    for (index, (float, made)) in floats.iter().zip(made).enumerate() {
        let (output, input) = channels.at(index);
        let off = f64::from(*made) - f64::from(*float);
        shift[output] += off * means.get(input).copied().unwrap_or(0.0);
    }
    shift
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgefit_graph::Attribute;

    fn channels_of(node: &Node, dims: &[usize]) -> Vec<(usize, usize)> {
        let elements: usize = dims.iter().product();
        let weight = Tensor::from_values(dims.to_vec(), &vec![0f32; elements]);
        let channels = Channels::of(node, &weight).unwrap();
        (0..elements).map(|index| channels.at(index)).collect()
    }

    #[test]
    fn every_layout_of_a_weight_is_told_apart() {
        let conv = Node::new("Conv", "c", &["x", "w"], &["y"]);
        let grouped = conv.clone().with("group", Attribute::Int(2));
        let pairs = [(0, 0), (0, 1), (1, 0), (1, 1)];
        assert_eq!(channels_of(&conv, &[2, 2, 1]), pairs);
        assert_eq!(channels_of(&grouped, &[2, 1, 2])[1..3], [(0, 0), (1, 1)]);
        let gemm = Node::new("Gemm", "g", &["x", "w"], &["y"]);
        let transposed = gemm.clone().with("transB", Attribute::Int(1));
        assert_eq!(channels_of(&transposed, &[2, 2]), pairs);
        assert_eq!(channels_of(&gemm, &[2, 2])[1..3], [(1, 0), (0, 1)]);
    }
}
