//! QDQ graphs built in code.

use edgefit_graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};

/// A QDQ graph, as quantisers write it: a pair behind each value.
pub struct Qdq(pub Graph);

impl Qdq {
    /// From an input `x` of one sample of `dims`.
    pub fn new(dims: &[usize]) -> Self {
        let mut graph = Graph::new("qdq", 17);
        let sizes = dims.iter().copied().map(Dim::Known);
        let dims = std::iter::once(Dim::Symbol("n".into())).chain(sizes);
        graph.inputs.push(ValueInfo::f32("x", dims.collect()));
        let mut made = Qdq(graph);
        made.pair("x", "x", 0.05);
        made
    }

    /// Quantises the floats `value` and reads them back as `name_q`.
    fn pair(&mut self, value: &str, name: &str, scale: f32) {
        let [s, z, i, q] = ["s", "z", "i", "q"].map(|end| format!("{name}_{end}"));
        let constants = &mut self.0.initializers;
        constants.insert(s.clone(), Tensor::from_values(vec![], &[scale]));
        constants.insert(z.clone(), Tensor::from_values(vec![], &[3i8]));
        let quantize = Node::new("QuantizeLinear", &i, &[value, &s, &z], &[&i]);
        let dequantize = Node::new("DequantizeLinear", &q, &[&i, &s, &z], &[&q]);
        self.0.nodes.extend([quantize, dequantize]);
    }

    /// A weight of `dims`, read as `name`.
    pub fn weight(&mut self, name: &str, dims: &[usize]) {
        let count = dims.iter().product::<usize>();
        let values: Vec<i8> = (0..count).map(|at| (at * 29 % 255) as u8 as i8).collect();
        let [s, z, i] = ["s", "z", "i"].map(|end| format!("{name}_{end}"));
        let constants = &mut self.0.initializers;
        constants.insert(i.clone(), Tensor::from_values(dims.to_vec(), &values));
        constants.insert(s.clone(), Tensor::from_values(vec![], &[0.01f32]));
        constants.insert(z.clone(), Tensor::from_values(vec![], &[0i8]));
        let dequantize = Node::new("DequantizeLinear", name, &[&i, &s, &z], &[name]);
        self.0.nodes.push(dequantize);
    }

    /// A node whose result is quantised, and read back as its name with `_q`.
    pub fn node(&mut self, node: Node) -> &mut Self {
        let output = node.outputs[0].clone();
        self.0.nodes.push(node);
        self.pair(&output, &output, 0.1);
        self
    }

    /// The graph, its output `name`.
    pub fn graph(&self, name: &str) -> Graph {
        let mut graph = self.0.clone();
        graph.outputs.push(ValueInfo::float(name));
        graph.check().unwrap();
        graph
    }
}

/// An attribute of integers.
pub fn ints(values: &[i64]) -> Attribute {
    Attribute::Ints(values.to_vec())
}

/// A convolution of `from` with a new weight, and a Relu.
pub fn conv(made: &mut Qdq, from: &str, name: &str, weight: &[usize]) {
    let w = format!("{name}_w");
    made.weight(&w, weight);
    let c = format!("{name}_c");
    let node = Node::new("Conv", name, &[from, &w], &[&c]);
    made.0.nodes.push(node.with("pads", ints(&[0, 0, 1, 1])));
    made.node(Node::new("Relu", "", &[&c], &[name]));
}
