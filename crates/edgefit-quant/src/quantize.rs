//! [`quantize()`]: a float model into an int8 one.

use std::collections::{BTreeMap, HashMap, HashSet};

use edgefit_engine::{Array, Engine};
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::rewrite::{fold_batch_norm, lift_constants};
use edgefit_graph::{Graph, Node, Tensor};

use crate::calibrate::{Observed, calibrate};
use crate::error::{Error, Result};
use crate::histogram::Histogram;
use crate::parameters::Parameters;
use crate::plan::{Plan, activations, clip_limits, is_weighted};
use crate::qdq::{QuantizedLayer, other_float, quantized_node, written};
use crate::scheme::Scheme;
use crate::weights::{QuantizedWeight, WeightRule, least_scales, quantized_bias};

/// A float model that is ready to be quantised: its batch normalisations folded, its values observed.
#[derive(Debug)]
pub struct Calibrated {
    /// The folded float model.
    pub graph: Graph,
    observed: BTreeMap<String, Observed>,
}

/// What became of a model.
#[derive(Debug)]
pub struct Quantized {
    /// The model in the QDQ format.
    pub graph: Graph,
    /// Nodes that run on integers.
    pub nodes: Vec<String>,
    /// Nodes that compute on floats, each with why.
    pub float_nodes: Vec<(String, &'static str)>,
}

impl Calibrated {
    /// Folds `graph` and runs it over the calibration samples, once, batch by batch.
    ///
    /// # Errors
    /// The model is quantised already or not of 32-bit floats, there are no samples, the engine fails,
    /// or a value is NaN or infinite.
    pub fn new(
        graph: &Graph,
        scheme: &Scheme,
        batches: impl IntoIterator<Item = Result<Vec<Array>>>,
        engine: &mut dyn Engine,
    ) -> Result<Self> {
        if let Some(node) = quantized_node(graph) {
            return Err(Error::AlreadyQuantized { node: node.place() });
        }
        if let Some((value, dtype)) = other_float(graph) {
            return Err(Error::NotFloat32 {
                value: value.to_owned(),
                dtype: format!("{dtype:?}"),
            });
        }
        let mut graph = graph.clone();
        lift_constants(&mut graph);
        fold_batch_norm(&mut graph)?;
        let plan = plan(&graph, scheme, &HashSet::new())?;
        if plan.groups.is_empty() {
            return Err(Error::NothingToQuantize {
                scheme: scheme.name.clone(),
                ops: scheme.quantized.join(", "),
            });
        }
        let observed = calibrate(&graph, plan.values(), batches, engine)?;
        Ok(Calibrated { graph, observed })
    }

    /// The model in `scheme`, but for the nodes whose labels are in `kept_float`.
    ///
    /// # Errors
    /// A weight is not of floats.
    pub fn quantize(&self, scheme: &Scheme, kept_float: &HashSet<String>) -> Result<Quantized> {
        let graph = &self.graph;
        let plan = plan(graph, scheme, kept_float)?;
        let mut parameters = self.parameters(&plan, scheme);
        let mut layers = HashMap::new();
        for group in &plan.groups {
            let node = &graph.nodes[group.node];
            if is_weighted(node) && has_weight(graph, node) {
                layers.insert(group.node, self.layer(node, &parameters, scheme)?);
            } else if matches!(node.op.as_str(), "Add" | "Mul") {
                for (name, tensor) in constants(graph, node) {
                    let mut histogram = Histogram::default();
                    histogram.add(&tensor.to_f32()?);
                    parameters.insert(
                        name.to_owned(),
                        Parameters::of_histogram(&histogram, scheme),
                    );
                }
            }
        }
        let mut made = written(graph, &plan, &parameters, &layers)?;
        let opset = graph.opset().clamp(scheme.opset.min, scheme.opset.max);
        made.opsets.insert(String::new(), opset);
        let integer: HashSet<usize> = plan
            .groups
            .iter()
            .flat_map(|group| [Some(group.node), group.activation])
            .flatten()
            .collect();
        let label = |index: &usize| graph.nodes[*index].label().to_owned();
        let mut nodes: Vec<usize> = integer.iter().copied().collect();
        nodes.sort_unstable();
        Ok(Quantized {
            graph: made,
            nodes: nodes.iter().map(label).collect(),
            float_nodes: (0..graph.nodes.len())
                .filter(|index| !integer.contains(index))
                .map(|index| {
                    (
                        label(&index),
                        why_float(&graph.nodes[index], scheme, kept_float),
                    )
                })
                .collect(),
        })
    }

    /// Scale and zero point of each value.
    fn parameters(&self, plan: &Plan, scheme: &Scheme) -> BTreeMap<String, Parameters> {
        let fixed: HashMap<&str, Parameters> = plan
            .groups
            .iter()
            .filter_map(|group| {
                let op = &self.graph.nodes[group.node].op;
                let fixed = scheme.fixed.iter().find(|fixed| fixed.op == *op)?;
                let parameters = Parameters {
                    scale: fixed.scale,
                    zero_point: fixed.zero_point,
                    dtype: scheme.activation.dtype,
                };
                Some((group.output(&self.graph), parameters))
            })
            .collect();
        let highest: HashMap<&str, f32> = plan
            .groups
            .iter()
            .filter_map(|group| {
                let clip = &self.graph.nodes[group.activation?];
                let (_, high) = clip_limits(&self.graph, clip)?;
                (clip.op == "Clip").then_some((group.output(&self.graph), high))
            })
            .collect();
        let mut parameters = BTreeMap::new();
        for set in &plan.value_sets {
            let mut histogram = Histogram::default();
            for value in set {
                if let Some(observed) = self.observed.get(value) {
                    histogram.merge(&observed.histogram);
                }
            }
            let prescribed = set.iter().find_map(|value| fixed.get(value.as_str()));
            let own = prescribed
                .copied()
                .unwrap_or_else(|| Parameters::of_histogram(&histogram, scheme));
            // A Clip vanishes only where the range ends within it.
            let capped = set
                .iter()
                .filter_map(|value| highest.get(value.as_str()))
                .copied()
                .fold(f32::INFINITY, f32::min);
            let own = if own.highest() > capped && !scheme.power_of_two {
                Parameters::of_range(histogram.range().0, capped, scheme)
            } else {
                own
            };
            parameters.extend(set.iter().map(|value| (value.clone(), own)));
        }
        parameters
    }

    /// Weight and bias of a node, the bias corrected for what rounding the weight does to the mean of
    /// its results (Nagel et al. 2019, arXiv 1906.04721, section 4.2).
    fn layer(
        &self,
        node: &Node,
        parameters: &BTreeMap<String, Parameters>,
        scheme: &Scheme,
    ) -> Result<QuantizedLayer> {
        let graph = &self.graph;
        let weight = &graph.initializers[&node.inputs[1]];
        let axis = output_axis(node, weight)?;
        let rule = WeightRule {
            axis: axis.filter(|_| scheme.is_per_channel(&node.op)),
            limit: scheme.weight_limit(),
            power_of_two: scheme.power_of_two,
        };
        let input_scale = node
            .input(0)
            .and_then(|value| parameters.get(value))
            .map_or(1.0, |parameters| parameters.scale);
        let bias = match node.input(2).filter(|_| node.op != "MatMul") {
            Some(name) => Some(graph.initializers[name].to_f32()?),
            None => None,
        };
        let mut least = bias
            .as_deref()
            .map_or(Vec::new(), |bias| least_scales(bias, input_scale));
        if rule.axis.is_none() {
            least = vec![least.iter().copied().fold(0.0, f32::max)];
        }
        let quantized = QuantizedWeight::of(weight, rule, &least)?;
        let bias = match (bias, self.observed.get(&node.inputs[0]), axis) {
            (Some(bias), Some(input), Some(axis)) => {
                let made = quantized.dequantized();
                let off: Vec<f64> = weight
                    .to_f32()?
                    .iter()
                    .zip(&made)
                    .map(|(float, made)| f64::from(*made) - f64::from(*float))
                    .collect();
                let shift = mean_shift(node, weight.dims(), axis, &off, &input.channel_means());
                Some(
                    bias.iter()
                        .zip(shift)
                        .map(|(bias, shift)| (f64::from(*bias) - shift) as f32)
                        .collect(),
                )
            }
            (bias, ..) => bias,
        };
        let bias: Option<Vec<f32>> = bias;
        Ok(QuantizedLayer {
            bias: bias
                .map(|bias| quantized_bias(&bias, input_scale, &quantized))
                .transpose()?,
            weight: quantized,
        })
    }
}

/// The axis of a weight along which each slice makes one output channel.
fn output_axis(node: &Node, weight: &Tensor) -> Result<Option<usize>> {
    Ok(match node.op.as_str() {
        "Conv" => Some(0),
        "Gemm" if node.int_or("transB", 0)? != 0 => Some(0),
        "Gemm" | "MatMul" => weight.dims().len().checked_sub(1),
        _ => None,
    })
}

/// How much the mean of each output channel moves where the weight is off by `off`, for inputs of the
/// given channel means.
fn mean_shift(node: &Node, dims: &[usize], axis: usize, off: &[f64], means: &[f64]) -> Vec<f64> {
    let outputs = dims[axis];
    let mut shift = vec![0.0; outputs];
    let inner: usize = dims[axis + 1..].iter().product();
    let groups = node.int_or("group", 1).unwrap_or(1).max(1) as usize;
    let kernel: usize = dims.iter().skip(2).product();
    for (index, off) in off.iter().enumerate() {
        let output = (index / inner.max(1)) % outputs.max(1);
        let input = if node.op == "Conv" {
            let within = index / kernel.max(1) % dims[1].max(1);
            output / (outputs / groups).max(1) * dims[1] + within
        } else if axis == 0 {
            index % inner.max(1)
        } else {
            index / outputs.max(1)
        };
        shift[output] += off * means.get(input).copied().unwrap_or(0.0);
    }
    shift
}

fn has_weight(graph: &Graph, node: &Node) -> bool {
    node.input(1)
        .is_some_and(|name| graph.initializers.contains_key(name))
}

fn constants<'g>(graph: &'g Graph, node: &'g Node) -> Vec<(&'g str, &'g Tensor)> {
    let named = node.present_inputs();
    named
        .filter_map(|name| Some((name, graph.initializers.get(name)?)))
        .collect()
}

fn plan(graph: &Graph, scheme: &Scheme, kept_float: &HashSet<String>) -> Result<Plan> {
    let inference = infer(graph, &InputShapes::bind(graph, 1, None)?)?;
    Ok(Plan::of(graph, &inference, scheme, kept_float))
}

fn why_float(node: &Node, scheme: &Scheme, kept_float: &HashSet<String>) -> &'static str {
    if kept_float.contains(node.label()) {
        "kept for its accuracy"
    } else if !scheme.quantized.contains(&node.op) {
        "the engine has no integer kernel for its op"
    } else if activations(&Graph::new("", 13), node).next().is_none() {
        "it reads constants only"
    } else {
        "nothing next to it runs on integers, or what it reads are no floats"
    }
}
