//! Writes a quantised graph so that it can be trained.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use edgefit_graph::rewrite::prune;
use edgefit_graph::topology::Topology;
use edgefit_graph::{Attribute, DataType, FreshNames, Graph, Node, Tensor};

use crate::error::Result;
use crate::learned_scales::LearnedScales;
use crate::parameters::integer_tensor;
use crate::scheme::Scheme;
use crate::trainable_layer::{Layer, TrainableBias, TrainableWeight};
use crate::weights::QuantizedWeight;

/// How far from its integer a weight may begin, in steps: all within half a step round to it.
const WITHIN: f32 = 0.45;

/// A graph that can be trained.
pub(crate) struct Written {
    pub graph: Graph,
    pub weights: Vec<TrainableWeight>,
    pub layers: Vec<Layer>,
    /// Floats that are not to be trained, though weights are computed from them.
    pub constants: BTreeSet<String>,
}

struct Writer<'a> {
    quantized: &'a Graph,
    /// The model before it was quantised.
    float: &'a Graph,
    scheme: &'a Scheme,
    topology: Topology<'a>,
    names: FreshNames,
    made: Graph,
    /// By the name of a trained scale: what it is computed as.
    scales: HashMap<String, String>,
    /// Names of the biases' floats, by what the layers read.
    biases: HashMap<String, String>,
    /// A scale of 1 and a zero point of 0.
    plain: [String; 2],
    limits: [String; 2],
    written: (Vec<TrainableWeight>, Vec<Layer>),
    constants: BTreeSet<String>,
}

/// `quantized` in floats that are clipped and rounded; `float` is the model that it was made from.
///
/// # Errors
/// A weight is not of the type that it is written in.
pub(crate) fn write(
    quantized: &Graph,
    float: &Graph,
    scheme: &Scheme,
    learned: &LearnedScales,
) -> Result<Written> {
    let mut made = quantized.clone();
    made.nodes.clear();
    made.value_info.clear();
    let mut names = FreshNames::of(quantized);
    names.take_all(learned.factors());
    let mut constant = |name: &str, tensor: Tensor| {
        let name = names.take(name);
        made.initializers.insert(name.clone(), tensor);
        name
    };
    let limit = scheme.weight_limit() as f32;
    let plain = [
        constant("scale_of_1", Tensor::from_values(vec![], &[1f32])),
        constant("zero_point_0", integer_tensor(DataType::I8, vec![], &[0])),
    ];
    let limits = [
        constant("least_weight", Tensor::from_values(vec![], &[-limit])),
        constant("most_weight", Tensor::from_values(vec![], &[limit])),
    ];
    let mut writer = Writer {
        quantized,
        float,
        scheme,
        topology: Topology::of(quantized),
        names,
        made,
        scales: HashMap::new(),
        biases: HashMap::new(),
        plain,
        limits,
        written: (Vec::new(), Vec::new()),
        constants: BTreeSet::new(),
    };
    writer.scales(learned);
    for (index, node) in quantized.nodes.iter().enumerate() {
        writer.node(index, node)?;
    }
    writer.layers();
    prune(&mut writer.made);
    let (weights, layers) = writer.written;
    Ok(Written {
        graph: writer.made,
        weights,
        layers,
        constants: writer.constants,
    })
}

impl Writer<'_> {
    /// What the scales of values are computed as.
    fn scales(&mut self, learned: &LearnedScales) {
        let mut of_set = Vec::new();
        for set in &learned.sets {
            let zero = Tensor::from_values(vec![1], &[0f32]);
            self.made.initializers.insert(set.factor.clone(), zero);
            let start = Tensor::from_values(vec![1], &[set.start]);
            let mut scale = self.scale(&set.factor, start);
            if set.most.is_finite() {
                let most = self.constant(
                    "most",
                    &set.factor,
                    Tensor::from_values(vec![1], &[set.most]),
                );
                scale = self.push("Min", &[&scale, &most], "capped");
            }
            for name in &set.scales {
                self.scales.insert(name.clone(), scale.clone());
            }
            of_set.push(scale);
        }
        for rescale in &learned.rescales {
            let factor = Tensor::from_values(vec![1], &[rescale.factor]);
            let factor = self.constant("rescale", &rescale.scale, factor);
            let scale = self.push("Mul", &[&of_set[rescale.set], &factor], "rescaled");
            self.scales.insert(rescale.scale.clone(), scale);
        }
    }

    /// `start · exp(factor)`.
    fn scale(&mut self, factor: &str, start: Tensor) -> String {
        let start = self.constant("start", factor, start);
        let exponential = self.push("Exp", &[factor], "factor");
        self.push("Mul", &[&exponential, &start], "scale")
    }

    fn node(&mut self, index: usize, node: &Node) -> Result<()> {
        let scale = node
            .input(1)
            .and_then(|name| self.scales.get(name))
            .cloned();
        match (node.op.as_str(), scale) {
            ("QuantizeLinear", Some(scale)) => {
                let scaled = self.push("Div", &[&node.inputs[0], &scale], "scaled");
                let one = self.plain[0].clone();
                self.made.nodes.push(with_inputs(node, [&scaled, &one]));
            }
            ("DequantizeLinear", Some(scale)) => {
                let steps = self.names.take(&format!("{}_steps", node.outputs[0]));
                let mut counted = with_inputs(node, [&node.inputs[0], &self.plain[0]]);
                counted.outputs[0].clone_from(&steps);
                self.made.nodes.push(counted);
                let output = &node.outputs[0];
                let name = self.names.take(&format!("{output}_scaled_back"));
                let back = Node::new("Mul", &name, &[&steps, &scale], &[output]);
                self.made.nodes.push(back);
            }
            ("DequantizeLinear", None) if self.is_read_as(node, 1, DataType::I8) => {
                self.weight(index, node)?;
            }
            ("DequantizeLinear", None) if self.is_read_as(node, 2, DataType::I32) => {
                self.bias(node)?;
            }
            _ => {
                let mut node = node.clone();
                for input in &mut node.inputs {
                    if let Some(name) = self.biases.get(input) {
                        input.clone_from(name);
                    }
                }
                self.made.nodes.push(node);
            }
        }
        Ok(())
    }

    /// Whether a DequantizeLinear of constants of type `dtype` is what only layers read at `place`.
    fn is_read_as(&self, node: &Node, place: usize, dtype: DataType) -> bool {
        let constant = node
            .input(0)
            .and_then(|name| self.quantized.initializers.get(name));
        let is_layer = |&reader: &usize| {
            let reader = &self.quantized.nodes[reader];
            let is_layer = matches!(reader.op.as_str(), "Conv" | "Gemm" | "MatMul");
            is_layer && reader.input(place) == node.outputs.first().map(String::as_str)
        };
        let readers = node
            .outputs
            .first()
            .map(|output| self.topology.consumers(output));
        constant.is_some_and(|constant| constant.dtype() == dtype)
            && readers.is_some_and(|readers| !readers.is_empty() && readers.iter().all(is_layer))
    }

    fn weight(&mut self, index: usize, node: &Node) -> Result<()> {
        let start = dequantized_weight(self.quantized, node)?;
        let floats = self.floats(node, &start)?;
        let name = self.names.take(original(&node.inputs[0]));
        let tensor = Tensor::from_values(start.dims().to_vec(), &floats);
        self.made.initializers.insert(name.clone(), tensor);
        let count = start.scales.len();
        let scales = Tensor::from_values(vec![count], &start.scales);
        let factors = (!self.scheme.power_of_two).then(|| {
            let factors = self.names.take(&format!("{}_log_factor", node.inputs[1]));
            let zeros = Tensor::from_values(vec![count], &vec![0f32; count]);
            self.made.initializers.insert(factors.clone(), zeros);
            factors
        });
        let mut scale = match &factors {
            Some(factors) => self.scale(factors, scales),
            None => self.constant("fixed", &node.inputs[1], scales),
        };
        let behind = start.axis.map_or(0, |axis| start.dims().len() - axis - 1);
        if behind > 0 {
            let dims: Vec<i64> = std::iter::once(count as i64)
                .chain(std::iter::repeat_n(1, behind))
                .collect();
            let dims = self.constant(
                "dims",
                &node.inputs[1],
                Tensor::from_values(vec![dims.len()], &dims),
            );
            scale = self.push("Reshape", &[&scale, &dims], "broadcast");
        }
        let scaled = self.push("Div", &[&name, &scale], "scaled");
        let [least, most] = self.limits.clone();
        let clipped = self.push("Clip", &[&scaled, &least, &most], "clipped");
        let [one, zero] = self.plain.clone();
        let rounded = self.push("QuantizeLinear", &[&clipped, &one, &zero], "rounded");
        let steps = self.push("DequantizeLinear", &[&rounded, &one, &zero], "steps");
        let output = &node.outputs[0];
        let label = self.names.take(&format!("{output}_scaled_back"));
        self.made
            .nodes
            .push(Node::new("Mul", &label, &[&steps, &scale], &[output]));
        self.written.0.push(TrainableWeight {
            node: index,
            name,
            factors,
            start,
        });
        Ok(())
    }

    /// What a weight begins with: its float, as near as rounds to its integer.
    fn floats(&self, node: &Node, start: &QuantizedWeight) -> Result<Vec<f32>> {
        let float = self.float.initializers.get(original(&node.inputs[0]));
        let made = start.dequantized();
        let float = match float.filter(|float| float.dims() == start.dims()) {
            Some(float) => float.to_f32()?,
            None => made.clone(),
        };
        let pairs = float.into_iter().zip(made).enumerate();
        Ok(pairs
            .map(|(index, (float, made))| {
                let within = WITHIN * start.scale_at(index);
                float.clamp(made - within, made + within)
            })
            .collect())
    }

    fn bias(&mut self, node: &Node) -> Result<()> {
        let values = dequantized_bias(self.quantized, node)?;
        let name = self.names.take(original(&node.inputs[0]));
        let tensor = Tensor::from_values(vec![values.len()], &values);
        self.made.initializers.insert(name.clone(), tensor);
        self.biases.insert(node.outputs[0].clone(), name);
        Ok(())
    }

    /// The layers whose weights are trained.
    fn layers(&mut self) {
        let graph = self.quantized;
        let producer = |name: &str| self.topology.producer(name);
        let weight_of: BTreeMap<usize, usize> = self
            .written
            .0
            .iter()
            .enumerate()
            .map(|(place, weight)| (weight.node, place))
            .collect();
        for (index, node) in graph.nodes.iter().enumerate() {
            let weight = node.input(1).and_then(producer);
            let Some(&weight) = weight.and_then(|weight| weight_of.get(&weight)) else {
                continue;
            };
            let input = node.input(0).and_then(producer);
            let input_scale = input.and_then(|input| graph.nodes[input].input(1));
            let bias = node.input(2).and_then(|bias| {
                let name = self.biases.get(bias)?.clone();
                let start = self.made.initializers.get(&name)?.to_f32().ok()?;
                let node = producer(bias)?;
                Some(TrainableBias { node, name, start })
            });
            self.written.1.push(Layer {
                node: index,
                weight,
                input_scale: input_scale.unwrap_or_default().to_owned(),
                bias,
            });
        }
    }

    fn push(&mut self, op: &str, inputs: &[&str], suffix: &str) -> String {
        let output = self.names.take(&format!("{}_{suffix}", inputs[0]));
        let node = Node::new(op, &output, inputs, &[&output]);
        self.made.nodes.push(node);
        output
    }

    fn constant(&mut self, what: &str, of: &str, tensor: Tensor) -> String {
        let name = self.names.take(&format!("{of}_{what}"));
        self.made.initializers.insert(name.clone(), tensor);
        self.constants.insert(name.clone());
        name
    }
}

/// `node` with other first inputs.
fn with_inputs(node: &Node, inputs: [&str; 2]) -> Node {
    let mut node = node.clone();
    for (own, other) in node.inputs.iter_mut().zip(inputs) {
        other.clone_into(own);
    }
    node
}

/// Name of the floats that the integers `name` were made from.
fn original(name: &str) -> &str {
    name.strip_suffix("_quantized").unwrap_or(name)
}

fn dequantized_weight(graph: &Graph, node: &Node) -> Result<QuantizedWeight> {
    let [integers, scales] = [0, 1].map(|index| &graph.initializers[&node.inputs[index]]);
    let axis = match node.attributes.get("axis") {
        Some(Attribute::Int(axis)) if !scales.dims().is_empty() => usize::try_from(*axis).ok(),
        _ => None,
    };
    Ok(QuantizedWeight::new(
        integers.to_i64()?,
        scales.to_f32()?,
        axis,
        integers.dims().to_vec(),
    ))
}

fn dequantized_bias(graph: &Graph, node: &Node) -> Result<Vec<f32>> {
    let [integers, scales] = [0, 1].map(|index| &graph.initializers[&node.inputs[index]]);
    let (integers, scales) = (integers.to_i64()?, scales.to_f32()?);
    let scale = |channel: usize| scales[if scales.len() == 1 { 0 } else { channel }];
    let values = integers.iter().enumerate();
    Ok(values
        .map(|(channel, &integer)| integer as f32 * scale(channel))
        .collect())
}
