//! The quantised graph in the QDQ format: QuantizeLinear and DequantizeLinear around what the engine
//! runs on integers.

use std::collections::{BTreeMap, HashMap, HashSet};

use edgefit_graph::{Attribute, DataType, Graph, Node, Tensor};

use crate::error::Result;
use crate::parameters::Parameters;
use crate::plan::{Group, Plan, activations};
use crate::weights::QuantizedWeight;

/// A weight and its bias as integers.
#[derive(Debug, Clone)]
pub(crate) struct QuantizedLayer {
    pub weight: QuantizedWeight,
    /// Integers, scales and zero points.
    pub bias: Option<(Tensor, Tensor, Tensor)>,
}

/// Writes a quantised graph node by node.
struct Writer<'a> {
    graph: &'a Graph,
    plan: &'a Plan,
    parameters: &'a BTreeMap<String, Parameters>,
    layers: &'a HashMap<usize, QuantizedLayer>,
    made: Graph,
    /// Names of values that are read in place of the ones that are quantised.
    renamed: HashMap<String, String>,
    names: HashSet<String>,
}

/// `graph` with Q/DQ pairs around the values of `plan`, and its weights as integers. Names stay as they
/// are; new ones end in `_quantized`, `_dequantized`, `_scale` and `_zero_point`.
///
/// # Errors
/// A weight is not of floats.
pub(crate) fn written(
    graph: &Graph,
    plan: &Plan,
    parameters: &BTreeMap<String, Parameters>,
    layers: &HashMap<usize, QuantizedLayer>,
) -> Result<Graph> {
    let mut made = graph.clone();
    made.nodes.clear();
    let mut names: HashSet<String> = graph.initializers.keys().cloned().collect();
    for node in &graph.nodes {
        names.extend(node.present_outputs().map(str::to_owned));
        names.insert(node.name.clone());
    }
    names.extend(graph.inputs.iter().map(|input| input.name.clone()));
    let mut writer = Writer {
        graph,
        plan,
        parameters,
        layers,
        made,
        renamed: HashMap::new(),
        names,
    };
    writer.write()?;
    let mut made = writer.made;
    drop_unread_initializers(&mut made);
    made.value_info.clear();
    Ok(made)
}

impl Writer<'_> {
    fn write(&mut self) -> Result<()> {
        let inputs: Vec<String> = self
            .graph
            .free_inputs()
            .map(|input| input.name.clone())
            .collect();
        for input in inputs {
            self.quantize_value(&input, &input);
        }
        let group_of: HashMap<usize, &Group> = self
            .plan
            .groups
            .iter()
            .map(|group| (group.node, group))
            .collect();
        for (index, node) in self.graph.nodes.iter().enumerate() {
            let mut node = node.clone();
            for input in &mut node.inputs {
                if let Some(name) = self.renamed.get(input) {
                    input.clone_from(name);
                }
            }
            if let Some(group) = group_of.get(&index) {
                self.quantize_constants(group, &mut node)?;
            }
            let outputs: Vec<String> = node.present_outputs().map(str::to_owned).collect();
            for output in &outputs {
                let is_quantized = self.parameters.contains_key(output);
                if is_quantized && self.is_output(output) {
                    // The graph's output keeps its name: it is what is read behind the pair.
                    let float = self.fresh(&format!("{output}_float"));
                    for name in &mut node.outputs {
                        if name == output {
                            name.clone_from(&float);
                        }
                    }
                }
            }
            self.made.nodes.push(node);
            for output in &outputs {
                let written = self.made.nodes.last().and_then(|node| {
                    let at = outputs.iter().position(|name| name == output)?;
                    node.present_outputs().nth(at).map(str::to_owned)
                });
                self.quantize_value(output, &written.unwrap_or_else(|| output.clone()));
            }
        }
        Ok(())
    }

    fn is_output(&self, value: &str) -> bool {
        self.graph.outputs.iter().any(|output| output.name == value)
    }

    /// Puts a pair behind `written`, which stands for `value`, if that is quantised.
    fn quantize_value(&mut self, value: &str, written: &str) {
        let Some(parameters) = self.parameters.get(value).copied() else {
            return;
        };
        let (scale, zero_point) = parameters.tensors();
        let scale = self.constant(&format!("{value}_scale"), scale);
        let zero_point = self.constant(&format!("{value}_zero_point"), zero_point);
        let quantized = self.fresh(&format!("{value}_quantized"));
        let dequantized = if self.is_output(value) {
            value.to_owned()
        } else {
            self.fresh(&format!("{value}_dequantized"))
        };
        self.push("QuantizeLinear", written, [&scale, &zero_point], &quantized);
        self.push(
            "DequantizeLinear",
            &quantized,
            [&scale, &zero_point],
            &dequantized,
        );
        self.renamed.insert(value.to_owned(), dequantized);
    }

    /// Weights, biases and other constants of a group's node as integers.
    fn quantize_constants(&mut self, group: &Group, node: &mut Node) -> Result<()> {
        if let Some(layer) = self.layers.get(&group.node) {
            let (values, scales, zeros) = layer.weight.tensors();
            let name = node.inputs[1].clone();
            node.inputs[1] = self.dequantized(&name, values, (scales, zeros), layer.weight.axis);
            if let Some((values, scales, zeros)) = layer.bias.clone() {
                let name = node.inputs[2].clone();
                let axis = layer.weight.axis.map(|_| 0);
                node.inputs[2] = self.dequantized(&name, values, (scales, zeros), axis);
            }
            return Ok(());
        }
        let graph = self.graph;
        let original = &graph.nodes[group.node];
        // Constants that are added or multiplied.
        if activations(graph, original).count() == 0 || !matches!(node.op.as_str(), "Add" | "Mul") {
            return Ok(());
        }
        for input in &mut node.inputs {
            let Some(parameters) = self.parameters.get(input.as_str()) else {
                continue;
            };
            let Some(tensor) = graph.initializers.get(input.as_str()) else {
                continue;
            };
            let values = tensor.to_f32()?;
            let integers: Vec<i64> = values
                .iter()
                .map(|&value| parameters.quantize(value))
                .collect();
            let dtype = parameters.dtype.data_type();
            let constant = crate::parameters::zero_point(dtype, tensor.dims().to_vec(), &integers);
            let pair = parameters.tensors();
            *input = self.dequantized(&input.clone(), constant, pair, None);
        }
        Ok(())
    }

    /// A constant of integers behind a DequantizeLinear; `name` is that of the floats.
    fn dequantized(
        &mut self,
        name: &str,
        values: Tensor,
        (scales, zeros): (Tensor, Tensor),
        axis: Option<usize>,
    ) -> String {
        let output = format!("{name}_dequantized");
        if self
            .made
            .nodes
            .iter()
            .any(|node| node.outputs == [output.as_str()])
        {
            // A weight that several nodes share.
            return output;
        }
        let quantized = self.constant(&format!("{name}_quantized"), values);
        let scale = self.constant(&format!("{name}_scale"), scales);
        let zero = self.constant(&format!("{name}_zero_point"), zeros);
        let output = self.fresh(&output);
        self.push("DequantizeLinear", &quantized, [&scale, &zero], &output);
        if let (Some(axis), Some(node)) = (axis, self.made.nodes.last_mut()) {
            let axis = Attribute::Int(axis as i64);
            node.attributes.insert("axis".into(), axis);
        }
        output
    }

    fn push(&mut self, op: &str, input: &str, [scale, zero_point]: [&str; 2], output: &str) {
        let node = Node::new(op, output, &[input, scale, zero_point], &[output]);
        self.made.nodes.push(node);
    }

    fn constant(&mut self, name: &str, tensor: Tensor) -> String {
        let name = self.fresh(name);
        self.made.initializers.insert(name.clone(), tensor);
        name
    }

    /// `name`, or with a number behind it where it is taken.
    fn fresh(&mut self, name: &str) -> String {
        let mut fresh = name.to_owned();
        let mut number = 2;
        while !self.names.insert(fresh.clone()) {
            fresh = format!("{name}_{number}");
            number += 1;
        }
        fresh
    }
}

fn drop_unread_initializers(graph: &mut Graph) {
    let read: HashSet<String> = graph
        .nodes
        .iter()
        .flat_map(|node| node.present_inputs().map(str::to_owned))
        .chain(graph.outputs.iter().map(|output| output.name.clone()))
        .collect();
    graph.initializers.retain(|name, _| read.contains(name));
}

/// Whether the graph holds quantised values already, and the first node that says so.
pub(crate) fn quantized_node(graph: &Graph) -> Option<&Node> {
    graph.nodes.iter().find(|node| {
        matches!(
            node.op.as_str(),
            "QuantizeLinear"
                | "DequantizeLinear"
                | "DynamicQuantizeLinear"
                | "ConvInteger"
                | "MatMulInteger"
                | "QLinearConv"
                | "QLinearMatMul"
        ) || node.domain == "com.microsoft" && node.op.starts_with("QLinear")
    })
}

/// The first initializer of floats other than 32-bit ones.
pub(crate) fn other_float(graph: &Graph) -> Option<(&str, DataType)> {
    graph
        .initializers
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor.dtype()))
        .find(|(_, dtype)| dtype.is_float() && *dtype != DataType::F32)
}
