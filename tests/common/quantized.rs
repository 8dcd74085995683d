//! A small network in floats and as a QDQ model, as quantisers write it.

use edgefit::graph::{Attribute, DataType, Dim, Graph, Node, Tensor, ValueInfo};

/// Ranges that hold what the network makes of inputs between −1 and 1.
pub const RANGES: [(&str, f32, f32); 5] = [
    ("x", -1.0, 1.0),
    ("r", 0.0, 5.0),
    ("p", 0.0, 2.0),
    ("f", 0.0, 2.0),
    ("y", -3.0, 3.0),
];

/// x (n, 4, 6, 6) → convolution, Relu (r) → mean (p) → flat (f) → three logits y.
pub fn float() -> Graph {
    let mut graph = Graph::new("small", 17);
    let sizes = |sizes: &[usize]| {
        let known = sizes.iter().copied().map(Dim::Known);
        std::iter::once(Dim::Symbol("n".into()))
            .chain(known)
            .collect()
    };
    graph.inputs.push(ValueInfo::f32("x", sizes(&[4, 6, 6])));
    graph.outputs.push(ValueInfo::f32("y", sizes(&[3])));
    let mut weight = |name: &str, dims: &[usize], size: f32| {
        let count: usize = dims.iter().product();
        let values = (0..count).map(|at| size * (at as f32 * 0.77 + size).sin());
        let values: Vec<f32> = values.collect();
        let tensor = Tensor::from_values(dims.to_vec(), &values);
        graph.initializers.insert(name.into(), tensor);
    };
    weight("conv.w", &[16, 4, 3, 3], 0.4);
    weight("conv.b", &[16], 0.1);
    weight("fc.w", &[3, 16], 0.9);
    weight("fc.b", &[3], 0.2);
    let one = || Attribute::Ints(vec![1, 1, 1, 1]);
    graph.nodes = vec![
        Node::new("Conv", "conv", &["x", "conv.w", "conv.b"], &["c"]).with("pads", one()),
        Node::new("Relu", "relu", &["c"], &["r"]),
        Node::new("GlobalAveragePool", "pool", &["r"], &["p"]),
        Node::new("Flatten", "flat", &["p"], &["f"]),
        Node::new("Gemm", "fc", &["f", "fc.w", "fc.b"], &["y"]).with("transB", Attribute::Int(1)),
    ];
    graph.check().unwrap();
    graph
}

/// The network with every value of `ranges` as u8, and weights of at most `limit`.
pub fn quantized(ranges: &[(&str, f32, f32)], limit: i64) -> Graph {
    let float = float();
    let mut made = Qdq {
        graph: float.clone(),
        scales: Vec::new(),
    };
    made.graph.nodes.clear();
    made.graph.initializers.clear();
    made.activation(ranges, "x", "x");
    for node in &float.nodes {
        let mut node = node.clone();
        let scale = made.scale(&node.inputs[0]);
        for (index, name) in node.inputs.iter_mut().enumerate() {
            let Some(tensor) = float.initializers.get(name.as_str()) else {
                if made.scales.iter().any(|(known, _)| known == name) {
                    *name = format!("{name}_dequantized");
                }
                continue;
            };
            let values = tensor.to_f32().unwrap();
            let most = values
                .iter()
                .fold(0f32, |most, value| most.max(value.abs()));
            if index == 1 {
                let scale = most / limit as f32;
                let tensor = (DataType::I8, tensor.dims(), values.as_slice());
                made.constant(name, tensor, scale);
                made.scales.push((name.clone(), scale));
            } else {
                let weight = made.scales.last().unwrap().1;
                let tensor = (DataType::I32, tensor.dims(), values.as_slice());
                made.constant(name, tensor, scale * weight);
            }
            *name = format!("{name}_dequantized");
        }
        let output = node.outputs[0].clone();
        if output == "y" {
            node.outputs[0] = "y_float".into();
        }
        let float = node.outputs[0].clone();
        made.graph.nodes.push(node);
        made.activation(ranges, &output, &float);
    }
    made.graph.check().unwrap();
    made.graph
}

struct Qdq {
    graph: Graph,
    scales: Vec<(String, f32)>,
}

impl Qdq {
    fn scale(&self, name: &str) -> f32 {
        let mut scales = self.scales.iter();
        scales
            .find(|(known, _)| known == name)
            .map_or(1.0, |(_, scale)| *scale)
    }

    fn insert(&mut self, name: &str, tensor: Tensor) {
        self.graph.initializers.insert(name.into(), tensor);
    }

    /// Quantises the value `float`, which stands for `name`.
    fn activation(&mut self, ranges: &[(&str, f32, f32)], name: &str, float: &str) {
        let Some((_, low, high)) = ranges.iter().find(|(known, ..)| *known == name) else {
            return;
        };
        let scale = (high - low) / 255.0;
        let zero = (-low / scale).round() as i64;
        let (s, z, q) = (
            format!("{name}_scale"),
            format!("{name}_zero"),
            format!("{name}_quantized"),
        );
        self.insert(&s, Tensor::from_values(vec![], &[scale]));
        self.insert(&z, Tensor::from_i64(DataType::U8, vec![], &[zero]).unwrap());
        let out = match name {
            "y" => "y".to_owned(),
            name => format!("{name}_dequantized"),
        };
        let nodes = [
            Node::new("QuantizeLinear", &q, &[float, &s, &z], &[&q]),
            Node::new(
                "DequantizeLinear",
                &format!("{name}_d"),
                &[&q, &s, &z],
                &[&out],
            ),
        ];
        self.graph.nodes.extend(nodes);
        self.scales.push((name.to_owned(), scale));
    }

    /// A constant as integers.
    fn constant(
        &mut self,
        name: &str,
        (dtype, dims, values): (DataType, &[usize], &[f32]),
        scale: f32,
    ) {
        let integers: Vec<i64> = values
            .iter()
            .map(|value| (value / scale).round() as i64)
            .collect();
        let (s, z, q) = (
            format!("{name}_scale"),
            format!("{name}_zero"),
            format!("{name}_quantized"),
        );
        self.insert(
            &q,
            Tensor::from_i64(dtype, dims.to_vec(), &integers).unwrap(),
        );
        self.insert(&s, Tensor::from_values(vec![], &[scale]));
        self.insert(&z, Tensor::from_i64(dtype, vec![], &[0]).unwrap());
        let out = format!("{name}_dequantized");
        let node = Node::new(
            "DequantizeLinear",
            &format!("{name}_d"),
            &[&q, &s, &z],
            &[&out],
        );
        self.graph.nodes.push(node);
    }
}
