//! Ops written out in other ops that do the same and that engines compute on integers.

use std::collections::HashMap;

use crate::attribute::Attribute;
use crate::fresh_names::FreshNames;
use crate::graph::{Graph, Node};
use crate::infer::Inference;
use crate::ops::{BatchNormalization, Op, OpReader, Unary};
use crate::tensor::Tensor;
use crate::topology::Topology;

/// Writes ops out in ops that engines have integer kernels for; values keep their names. Returns how
/// many nodes were written out. The graph has opset 11 or higher, so that limits of a Clip are inputs.
///
/// | op | becomes |
/// |---|---|
/// | HardSigmoid | Mul α, Add β, Clip to 0 … 1 |
/// | HardSwish | Mul 1/6, Add 1/2, Clip to 0 … 1, Mul by the input (Howard et al. 2019, arXiv 1905.02244, section 5.2) |
/// | ReduceMean over all spatial dimensions | GlobalAveragePool, and Flatten where the dimensions go |
/// | BatchNormalization that no convolution takes in | a depthwise Conv of kernel size 1 |
/// | Sub of a constant | Add of its negative |
/// | Div by a constant | Mul by its reciprocal |
///
/// What cannot be read stays as it is.
pub fn decompose(graph: &mut Graph, inference: &Inference) -> usize {
    let mut names = FreshNames::of(graph);
    let mut made = Vec::with_capacity(graph.nodes.len());
    let mut constants = Vec::new();
    let mut inverses = HashMap::new();
    let mut count = 0;
    {
        let reader = OpReader::new(graph);
        let topology = Topology::of(graph);
        // Engines know x / √2 in front of an Erf as a part of Gelu, which has no integer kernel.
        let is_of_gelu = |node: &Node| {
            let next = node.outputs.first().and_then(|y| topology.sole_consumer(y));
            next.is_some_and(|next| graph.nodes[next].op == "Erf")
        };
        for node in &graph.nodes {
            if is_of_gelu(node) {
                made.push(node.clone());
                continue;
            }
            let mut written = Written {
                names: &mut names,
                inverses: &mut inverses,
                nodes: Vec::new(),
                constants: Vec::new(),
            };
            match written.write_out(graph, inference, &reader, node) {
                Some(()) => {
                    count += 1;
                    made.append(&mut written.nodes);
                    constants.append(&mut written.constants);
                }
                None => made.push(node.clone()),
            }
        }
    }
    graph.nodes = made;
    graph.initializers.extend(constants);
    super::prune(graph);
    count
}

/// What stands in place of a node.
struct Written<'a> {
    names: &'a mut FreshNames,
    /// Names of negatives and reciprocals, by the constant and whether it is the negative; none of what has none.
    inverses: &'a mut HashMap<(String, bool), Option<String>>,
    nodes: Vec<Node>,
    constants: Vec<(String, Tensor)>,
}

impl Written<'_> {
    /// `None` where the node stays as it is.
    fn write_out(
        &mut self,
        graph: &Graph,
        inference: &Inference,
        reader: &OpReader,
        node: &Node,
    ) -> Option<()> {
        let (x, y) = (node.input(0)?, node.outputs.first()?);
        let known = inference.get(x);
        let is_float = known.is_some_and(|known| known.dtype == crate::DataType::F32);
        // Sizes that are computed stay exact.
        if !node.is_onnx() || !is_float || inference.is_folded(y) {
            return None;
        }
        let rank = known.map_or(0, |known| known.dims.len());
        let constant = |index: usize| graph.initializers.get(node.input(index)?);
        match node.op.as_str() {
            "HardSigmoid" | "HardSwish" => match reader.read(node).ok()? {
                Op::Unary(Unary::HardSigmoid { alpha, beta }) => {
                    self.hard_sigmoid(x, (alpha, beta), y);
                }
                Op::Unary(Unary::HardSwish) => {
                    let gate = self.names.take(&format!("{y}_gate"));
                    self.hard_sigmoid(x, (1.0 / 6.0, 0.5), &gate);
                    self.push("Mul", y, &[x, &gate]);
                }
                _ => return None,
            },
            "ReduceMean" if rank > 2 => {
                let Op::Reduce(reduce) = reader.read(node).ok()? else {
                    return None;
                };
                if !reduce.axes(rank).ok()?.into_iter().eq(2..rank) {
                    return None;
                }
                self.global_average_pool(x, y, reduce.keep_dims);
            }
            "BatchNormalization" if rank > 2 => {
                let Op::BatchNormalization(norm) = reader.read(node).ok()? else {
                    return None;
                };
                if norm.training_mode {
                    return None;
                }
                let statistics = [constant(1)?, constant(2)?, constant(3)?, constant(4)?];
                self.depthwise([x, y], rank, &norm, statistics)?;
            }
            "Sub" | "Div" => {
                let is_sub = node.op == "Sub";
                let name = self.inverse((node.input(1)?, constant(1)?), is_sub)?;
                self.push(if is_sub { "Add" } else { "Mul" }, y, &[x, &name]);
            }
            _ => return None,
        }
        Some(())
    }

    fn hard_sigmoid(&mut self, x: &str, (alpha, beta): (f32, f32), y: &str) {
        let scaled = self.names.take(&format!("{y}_scaled"));
        let shifted = self.names.take(&format!("{y}_shifted"));
        let [alpha, beta, low, high] = [
            ("alpha", alpha),
            ("beta", beta),
            ("low", 0.0),
            ("high", 1.0),
        ]
        .map(|(name, value)| {
            let scalar = Tensor::from_values(vec![], &[value]);
            self.constant(&format!("{y}_{name}"), scalar)
        });
        self.push("Mul", &scaled, &[x, &alpha]);
        self.push("Add", &shifted, &[&scaled, &beta]);
        self.push("Clip", y, &[&shifted, &low, &high]);
    }

    fn global_average_pool(&mut self, x: &str, y: &str, keep_dims: bool) {
        if keep_dims {
            self.push("GlobalAveragePool", y, &[x]);
        } else {
            let pooled = self.names.take(&format!("{y}_pooled"));
            self.push("GlobalAveragePool", &pooled, &[x]);
            self.push("Flatten", y, &[&pooled]);
        }
    }

    /// y = x · f + (shift − mean · f), with f = scale / √(variance + ε).
    fn depthwise(
        &mut self,
        [x, y]: [&str; 2],
        rank: usize,
        norm: &BatchNormalization,
        [scale, shift, mean, variance]: [&Tensor; 4],
    ) -> Option<()> {
        let wide = |tensor: &Tensor| -> Option<Vec<f64>> {
            Some(tensor.to_f32().ok()?.into_iter().map(f64::from).collect())
        };
        let (scale, shift) = (wide(scale)?, wide(shift)?);
        let (mean, variance) = (wide(mean)?, wide(variance)?);
        let epsilon = f64::from(norm.epsilon);
        let factor: Vec<f64> = scale
            .iter()
            .zip(&variance)
            .map(|(scale, variance)| scale / (variance + epsilon).sqrt())
            .collect();
        let offset: Vec<f32> = shift
            .iter()
            .zip(&mean)
            .zip(&factor)
            .map(|((shift, mean), factor)| (shift - mean * factor) as f32)
            .collect();
        let channels = factor.len();
        let factor: Vec<f32> = factor.iter().map(|&factor| factor as f32).collect();
        let mut dims = vec![1; rank];
        dims[0] = channels;
        let weight = self.constant(&format!("{y}_weight"), Tensor::from_values(dims, &factor));
        let bias = Tensor::from_values(vec![channels], &offset);
        let bias = self.constant(&format!("{y}_bias"), bias);
        self.push("Conv", y, &[x, &weight, &bias]);
        if let Some(conv) = self.nodes.last_mut() {
            let groups = Attribute::Int(channels as i64);
            conv.attributes.insert("group".into(), groups);
        }
        Some(())
    }

    /// The negative of a constant, or its reciprocal: one for all nodes that read it.
    fn inverse(&mut self, (name, operand): (&str, &Tensor), is_sub: bool) -> Option<String> {
        let key = (name.to_owned(), is_sub);
        if let Some(known) = self.inverses.get(&key) {
            return known.clone();
        }
        let values = operand.to_f32().ok();
        let values = values.filter(|values| is_sub || !values.contains(&0.0));
        let made = values.map(|values| {
            let inverse = |value: &f32| if is_sub { -value } else { 1.0 / value };
            let values: Vec<f32> = values.iter().map(inverse).collect();
            let tensor = Tensor::from_values(operand.dims().to_vec(), &values);
            self.constant(&format!("{name}_inverse"), tensor)
        });
        self.inverses.insert(key, made.clone());
        made
    }

    fn push(&mut self, op: &str, y: &str, inputs: &[&str]) {
        let name = self.names.take(&format!("{y}_{op}"));
        self.nodes.push(Node::new(op, &name, inputs, &[y]));
    }

    fn constant(&mut self, name: &str, tensor: Tensor) -> String {
        let name = self.names.take(name);
        self.constants.push((name.clone(), tensor));
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Dim, ValueInfo};
    use crate::infer::{InputShapes, infer};

    /// The ops of `node` on an input of 1 × 2 × 3 × 3, written out.
    fn written_out(node: Node, constants: &[(&str, f32)]) -> Vec<String> {
        let mut graph = Graph::new("g", 17);
        let dims = [1, 2, 3, 3].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::float("y"));
        for &(name, value) in constants {
            let tensor = Tensor::from_values(vec![2], &[value; 2]);
            graph.initializers.insert(name.into(), tensor);
        }
        graph.nodes.push(node);
        let shapes = InputShapes::bind(&graph, 1, None).unwrap();
        let inference = infer(&graph, &shapes).unwrap();
        decompose(&mut graph, &inference);
        graph.check().unwrap();
        graph.nodes.iter().map(|node| node.op.clone()).collect()
    }

    #[test]
    fn ops_are_written_out() {
        let unary = |op: &str| written_out(Node::new(op, "n", &["x"], &["y"]), &[]);
        assert_eq!(unary("HardSigmoid"), ["Mul", "Add", "Clip"]);
        assert_eq!(unary("HardSwish"), ["Mul", "Add", "Clip", "Mul"]);
        assert_eq!(unary("Relu"), ["Relu"]);
        let mean = |axes: Vec<i64>, keep: i64| {
            let node = Node::new("ReduceMean", "n", &["x"], &["y"]);
            let node = node.with("axes", Attribute::Ints(axes));
            written_out(node.with("keepdims", Attribute::Int(keep)), &[])
        };
        assert_eq!(mean(vec![-1, -2], 1), ["GlobalAveragePool"]);
        assert_eq!(mean(vec![2, 3], 0), ["GlobalAveragePool", "Flatten"]);
        assert_eq!(mean(vec![1], 1), ["ReduceMean"]);
    }

    #[test]
    fn computed_sizes_and_gelus_stay_as_they_are() {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![Dim::Known(1)]));
        graph.outputs.push(ValueInfo::float("y"));
        let third = Tensor::from_values(vec![1], &[3f32]);
        graph.initializers.insert("third".into(), third);
        graph.nodes = vec![
            Node::new("Shape", "shape", &["x"], &["s"]),
            Node::new("Cast", "cast", &["s"], &["f"]).with("to", Attribute::Int(1)),
            Node::new("Div", "div", &["f", "third"], &["d"]),
            Node::new("Div", "other", &["x", "third"], &["e"]),
            Node::new("Add", "add", &["d", "e"], &["y"]),
        ];
        let shapes = InputShapes::bind(&graph, 1, None).unwrap();
        let inference = infer(&graph, &shapes).unwrap();
        assert_eq!(decompose(&mut graph, &inference), 1);
        assert_eq!((&*graph.nodes[2].op, &*graph.nodes[3].op), ("Div", "Mul"));
        graph.nodes = vec![
            Node::new("Div", "div", &["x", "third"], &["d"]),
            Node::new("Erf", "erf", &["d"], &["y"]),
        ];
        let inference = infer(&graph, &shapes).unwrap();
        assert_eq!(decompose(&mut graph, &inference), 0);
    }

    #[test]
    fn nodes_that_share_a_constant_share_its_inverse() {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![Dim::Known(1)]));
        graph.outputs.push(ValueInfo::float("y"));
        let two = Tensor::from_values(vec![1], &[2f32]);
        graph.initializers.insert("two".into(), two);
        graph.nodes = vec![
            Node::new("Div", "first", &["x", "two"], &["a"]),
            Node::new("Div", "second", &["a", "two"], &["b"]),
            Node::new("Sub", "third", &["b", "two"], &["y"]),
        ];
        let shapes = InputShapes::bind(&graph, 1, None).unwrap();
        let inference = infer(&graph, &shapes).unwrap();
        assert_eq!(decompose(&mut graph, &inference), 3);
        let constant = |node: usize| graph.nodes[node].inputs[1].as_str();
        assert_eq!(constant(0), constant(1));
        let values = [0, 2].map(|node| graph.initializers[constant(node)].to_f32().unwrap());
        assert_eq!(values, [[0.5], [-2.0]]);
    }

    #[test]
    fn a_lone_normalisation_becomes_a_depthwise_convolution() {
        let inputs = ["x", "s", "b", "m", "v"];
        let node = Node::new("BatchNormalization", "n", &inputs, &["y"]);
        let statistics = [("s", 1.0), ("b", 0.5), ("m", 0.1), ("v", 2.0)];
        assert_eq!(written_out(node, &statistics), ["Conv"]);
    }
}
