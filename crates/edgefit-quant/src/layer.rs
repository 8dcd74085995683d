//! A Conv, Gemm or MatMul on integers: its weight, and its bias corrected for what rounding does.

use std::collections::BTreeMap;

use edgefit_graph::{Graph, Tensor};

use crate::channels::Channels;
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
