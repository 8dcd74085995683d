//! The quantised graph in the QDQ format: QuantizeLinear and DequantizeLinear around what the engine
//! runs on integers.

use std::collections::{BTreeMap, HashMap};

use edgefit_graph::rewrite::prune;
use edgefit_graph::{Attribute, FreshNames, Graph, Node, Tensor};

use crate::error::Result;
use crate::layer::{Bias, QuantizedLayer};
use crate::nodes::activations;
use crate::parameters::{Parameters, integer_tensor};
use crate::plan::{Group, Plan, Rescale};
use crate::weights::QuantizedWeight;

/// Writes a quantised graph node by node.
struct Writer<'a> {
    graph: &'a Graph,
    plan: &'a Plan,
    parameters: &'a BTreeMap<String, Parameters>,
    layers: &'a HashMap<usize, QuantizedLayer>,
    made: Graph,
    /// Names of values that are read in place of the ones that are quantised.
    renamed: HashMap<String, String>,
    /// The integers of each quantised value.
    integers: HashMap<String, String>,
    /// Weights that are written, by the names of their floats: several nodes may share one.
    weights: HashMap<String, Vec<(QuantizedWeight, String)>>,
    names: FreshNames,
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
    let mut writer = Writer {
        graph,
        plan,
        parameters,
        layers,
        made,
        renamed: HashMap::new(),
        integers: HashMap::new(),
        weights: HashMap::new(),
        names: FreshNames::of(graph),
    };
    writer.write()?;
    let mut made = writer.made;
    made.value_info.clear();
    prune(&mut made);
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
        let rescale_of: HashMap<usize, &Rescale> = self
            .plan
            .rescales
            .iter()
            .map(|rescale| (rescale.node, rescale))
            .collect();
        for (index, node) in self.graph.nodes.iter().enumerate() {
            if let Some(rescale) = rescale_of.get(&index)
                && let Some(integers) = self.integers.get(&rescale.from).cloned()
            {
                self.dequantize_value(&rescale.to, integers);
                continue;
            }
            let mut node = node.clone();
            // Sizes are those of the integers, which then need not be read back.
            let read = match node.op.as_str() {
                "Shape" | "Size" => &self.integers,
                _ => &self.renamed,
            };
            for input in &mut node.inputs {
                if let Some(name) = read.get(input) {
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
                    let float = self.names.take(&format!("{output}_float"));
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
        let quantized = self.names.take(&format!("{value}_quantized"));
        self.push("QuantizeLinear", written, [&scale, &zero_point], &quantized);
        self.read_as(value, quantized, [&scale, &zero_point]);
    }

    /// Lets `value` be read from the `integers` of another value.
    fn dequantize_value(&mut self, value: &str, integers: String) {
        let Some(parameters) = self.parameters.get(value).copied() else {
            return;
        };
        let (scale, zero_point) = parameters.tensors();
        let scale = self.constant(&format!("{value}_scale"), scale);
        let zero_point = self.constant(&format!("{value}_zero_point"), zero_point);
        self.read_as(value, integers, [&scale, &zero_point]);
    }

    fn read_as(&mut self, value: &str, integers: String, pair: [&str; 2]) {
        let mut dequantized = self.names.take(&format!("{value}_dequantized"));
        self.push("DequantizeLinear", &integers, pair, &dequantized);
        if self.is_output(value)
            && let Some(node) = self.made.nodes.last_mut()
        {
            // The graph's output keeps its name; a node of that name may be there already.
            value.clone_into(&mut dequantized);
            node.outputs[0].clone_from(&dequantized);
        }
        self.integers.insert(value.to_owned(), integers);
        self.renamed.insert(value.to_owned(), dequantized);
    }

    /// Weights, biases and other constants of a group's node as integers.
    fn quantize_constants(&mut self, group: &Group, node: &mut Node) -> Result<()> {
        if let Some(layer) = self.layers.get(&group.node) {
            node.inputs[1] = self.weight(&node.inputs[1].clone(), &layer.weight);
            match layer.bias.clone() {
                Some(Bias::Integers(values, scales, zeros)) => {
                    let name = node.inputs[2].clone();
                    let axis = layer.weight.axis.map(|_| 0);
                    node.inputs[2] = self.dequantized(&name, values, (scales, zeros), axis);
                }
                Some(Bias::Floats(values)) => {
                    let name = format!("{}_corrected", node.inputs[2]);
                    node.inputs[2] = self.constant(&name, values);
                }
                None => {}
            }
            return Ok(());
        }
        let graph = self.graph;
        let original = &graph.nodes[group.node];
        // Constants that are added, multiplied or joined.
        if activations(graph, original).count() == 0
            || !matches!(node.op.as_str(), "Add" | "Mul" | "Concat")
        {
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
            let constant = integer_tensor(dtype, tensor.dims().to_vec(), &integers);
            let pair = parameters.tensors();
            *input = self.dequantized(&input.clone(), constant, pair, None);
        }
        Ok(())
    }

    /// A weight behind a DequantizeLinear; `name` is that of the floats.
    fn weight(&mut self, name: &str, weight: &QuantizedWeight) -> String {
        let written = self.weights.get(name).into_iter().flatten();
        if let Some((_, output)) = written.clone().find(|(other, _)| other == weight) {
            return output.clone();
        }
        let (values, scales, zeros) = weight.tensors();
        let output = self.dequantized(name, values, (scales, zeros), weight.axis);
        let of_name = self.weights.entry(name.to_owned()).or_default();
        of_name.push((weight.clone(), output.clone()));
        output
    }

    /// A constant of integers behind a DequantizeLinear; `name` is that of the floats.
    fn dequantized(
        &mut self,
        name: &str,
        values: Tensor,
        (scales, zeros): (Tensor, Tensor),
        axis: Option<usize>,
    ) -> String {
        let quantized = self.constant(&format!("{name}_quantized"), values);
        let scale = self.constant(&format!("{name}_scale"), scales);
        let zero = self.constant(&format!("{name}_zero_point"), zeros);
        let output = self.names.take(&format!("{name}_dequantized"));
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
        let name = self.names.take(name);
        self.made.initializers.insert(name.clone(), tensor);
        name
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use edgefit_graph::infer::{InputShapes, infer};
    use edgefit_graph::{Dim, ValueInfo};

    use super::*;
    use crate::scheme::Scheme;
    use crate::value_parameters::value_parameters;

    /// `nodes` between the input `x` of 1 × 4 × 4 and the output `y`, quantised.
    fn made(nodes: Vec<Node>) -> Graph {
        let mut graph = Graph::new("g", 17);
        let dims = [1, 4, 4].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::float("y"));
        for (name, dims) in [("w", vec![4, 4]), ("k", vec![1, 4, 4])] {
            let tensor = Tensor::from_values(dims, &[0.5f32; 16]);
            graph.initializers.insert(name.into(), tensor);
        }
        graph.nodes = nodes;
        let shapes = InputShapes::bind(&graph, 1, None).unwrap();
        let inference = infer(&graph, &shapes).unwrap();
        let scheme = Scheme::named("tflite").unwrap();
        let plan = Plan::of(&graph, &inference, &scheme, &HashSet::new());
        let parameters = value_parameters(&graph, &plan, &scheme, &BTreeMap::new()).unwrap();
        let made = written(&graph, &plan, &parameters, &HashMap::new()).unwrap();
        made.check().unwrap();
        made
    }

    #[test]
    fn no_two_nodes_have_one_name() {
        // Some exporters call nodes as what they make.
        let made = made(vec![
            Node::new("MatMul", "m", &["x", "w"], &["m"]),
            Node::new("Add", "y", &["m", "x"], &["y"]),
        ]);
        let last = made.nodes.last().unwrap();
        assert_eq!(last.op, "DequantizeLinear");
        assert_eq!(last.outputs, ["y"]);
        let names: BTreeSet<&str> = made.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names.len(), made.nodes.len());
    }

    #[test]
    fn a_concat_reads_its_constants_as_integers() {
        let axis = Attribute::Int(1);
        let made = made(vec![
            Node::new("MatMul", "first", &["x", "w"], &["m"]),
            Node::new("Concat", "join", &["m", "k"], &["j"]).with("axis", axis),
            Node::new("MatMul", "last", &["j", "w"], &["y"]),
        ]);
        let concat = made.nodes.iter().find(|node| node.op == "Concat").unwrap();
        assert_eq!(concat.inputs, ["m_dequantized", "k_dequantized"]);
        assert!(made.initializers.contains_key("k_quantized"));
    }
}
