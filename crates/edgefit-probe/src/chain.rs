//! A network of layers in a row, built in code with fixed weights.

use edgefit_device::ElementType;
use edgefit_graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};

const OPSET: i64 = 17;

/// A chain of layers, each reading what the one before wrote.
///
/// Nodes are numbered in the middle of their names: none is part of another, so that an engine's own
/// names tell which node they come from.
pub struct Chain {
    graph: Graph,
    element_type: ElementType,
    dims: Vec<usize>,
    end: String,
    before_layer: String,
    weights: usize,
}

/// A square convolution with SAME padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv {
    pub outputs: usize,
    pub kernel: usize,
    pub stride: usize,
    pub groups: usize,
}

impl Conv {
    /// A 1×1 convolution.
    pub fn pointwise(outputs: usize) -> Self {
        Conv {
            outputs,
            kernel: 1,
            stride: 1,
            groups: 1,
        }
    }
}

impl Chain {
    /// An empty chain behind an input of shape `dims`; with int8 its layers are quantised (QDQ).
    pub fn new(dims: &[usize], element_type: ElementType) -> Self {
        let mut graph = Graph::new("probe", OPSET);
        graph.inputs.push(ValueInfo::f32("input", known(dims)));
        Chain {
            graph,
            element_type,
            dims: dims.to_vec(),
            end: "input".into(),
            before_layer: "input".into(),
            weights: 0,
        }
    }

    /// Shape of the value at the end, batch included.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// Name of the value at the end.
    pub fn end(&self) -> &str {
        &self.end
    }

    /// Name of the value that the last convolution or matrix product read.
    pub fn before_layer(&self) -> &str {
        &self.before_layer
    }

    /// Appends a convolution.
    pub fn conv(&mut self, conv: Conv) {
        let Conv {
            outputs,
            kernel,
            stride,
            groups,
        } = conv;
        self.before_layer.clone_from(&self.end);
        self.quantize();
        let weight = self.layer_weight(&[outputs, self.dims[1] / groups, kernel, kernel], 0);
        let bias = self.weight(&[outputs]);
        let side = |side: usize| (side + 2 * (kernel / 2) - kernel) / stride + 1;
        let dims = vec![
            self.dims[0],
            outputs,
            side(self.dims[2]),
            side(self.dims[3]),
        ];
        let node = Node::new("Conv", "", &["", &weight, &bias], &[])
            .with("kernel_shape", ints(&[kernel; 2]))
            .with("strides", ints(&[stride; 2]))
            .with("pads", ints(&[kernel / 2; 4]))
            .with("group", Attribute::Int(groups as i64));
        self.push(node, dims);
    }

    /// Appends a product of the last dimension with a matrix of weights.
    pub fn linear(&mut self, outputs: usize) {
        let mut dims = self.dims.clone();
        let width = dims.pop().unwrap_or(1);
        self.before_layer.clone_from(&self.end);
        self.quantize();
        let weight = self.layer_weight(&[width, outputs], 1);
        dims.push(outputs);
        self.push(Node::new("MatMul", "", &["", &weight], &[]), dims);
    }

    /// Rounds the value at the end to unsigned bytes, where the chain is quantised.
    pub fn quantize(&mut self) {
        if self.element_type == ElementType::Int8 {
            let dims = self.dims.clone();
            let scale = self.initializer(Tensor::from_values(vec![], &[1f32 / 64.0]));
            let zero = self.initializer(Tensor::from_values(vec![], &[128u8]));
            for op in ["QuantizeLinear", "DequantizeLinear"] {
                self.push(Node::new(op, "", &["", &scale, &zero], &[]), dims.clone());
            }
        }
    }

    /// The weight of a layer, its output channels along `axis`.
    fn layer_weight(&mut self, dims: &[usize], axis: usize) -> String {
        if self.element_type != ElementType::Int8 {
            return self.weight(dims);
        }
        let count = dims.iter().product();
        let bytes: Vec<i8> = spread(count, 127.0, self.weights)
            .into_iter()
            .map(|value| value as i8)
            .collect();
        let scales = vec![1f32 / 1024.0; dims[axis]];
        let zeros = vec![0i8; dims[axis]];
        let inputs = [
            self.initializer(Tensor::from_values(dims.to_vec(), &bytes)),
            self.initializer(Tensor::from_values(vec![dims[axis]], &scales)),
            self.initializer(Tensor::from_values(vec![dims[axis]], &zeros)),
        ];
        let name = format!("{}.float", inputs[0]);
        let inputs = inputs.each_ref().map(String::as_str);
        let node = Node::new("DequantizeLinear", &name, &inputs, &[&name]);
        self.graph
            .nodes
            .push(node.with("axis", Attribute::Int(axis as i64)));
        name
    }

    /// Appends `node`, which makes a value of shape `dims`; it is given a name, and the value at the
    /// end for an input that is empty.
    pub fn push(&mut self, mut node: Node, dims: Vec<usize>) {
        // As long as the names that exporters give: engines keep them.
        let index = self.graph.nodes.len();
        node.name = format!("/model/layers.{index}/block/projection/{}.", node.op);
        for input in node.inputs.iter_mut().filter(|input| input.is_empty()) {
            input.clone_from(&self.end);
        }
        self.end = format!("{}out", node.name);
        node.outputs = vec![self.end.clone()];
        self.graph.nodes.push(node);
        self.dims = dims;
    }

    /// Appends a view of the same elements in another shape.
    pub fn reshape(&mut self, dims: &[usize]) {
        let sizes: Vec<i64> = dims.iter().map(|&size| size as i64).collect();
        let shape = self.initializer(Tensor::from_values(vec![dims.len()], &sizes));
        self.push(Node::new("Reshape", "", &["", &shape], &[]), dims.to_vec());
    }

    /// Leaves the size of the batch open.
    pub fn open_batch(&mut self) {
        let mut dims = known(&self.dims);
        dims[0] = Dim::Symbol("batch".into());
        self.graph.inputs = vec![ValueInfo::f32("input", dims)];
    }

    /// An initializer of fixed values around 0 that keep activations in range.
    pub fn weight(&mut self, dims: &[usize]) -> String {
        let count: usize = dims.iter().product();
        let fan_in = dims.iter().skip(1).product::<usize>().max(1) as f32;
        let values = spread(count, fan_in.sqrt().recip(), self.weights);
        self.initializer(Tensor::from_values(dims.to_vec(), &values))
    }

    /// Any initializer.
    pub fn initializer(&mut self, tensor: Tensor) -> String {
        let name = format!("w{}", self.weights);
        self.weights += 1;
        self.graph.initializers.insert(name.clone(), tensor);
        name
    }

    /// The graph, its output the end of the chain.
    pub fn finish(mut self) -> Graph {
        self.graph
            .outputs
            .push(ValueInfo::f32(&self.end, known(&self.dims)));
        self.graph
    }
}

/// `count` unlike values between −`scale` and `scale`, always the same for a `seed`: engines keep
/// equal tensors once.
pub fn spread(count: usize, scale: f32, seed: usize) -> Vec<f32> {
    let start = (seed as u32).wrapping_mul(40_503);
    (0..count as u32)
        .map(|index| {
            let mixed = index.wrapping_add(start).wrapping_mul(2_654_435_761) >> 8;
            scale * (mixed as f32 / 8_388_608.0 - 1.0)
        })
        .collect()
}

fn known(dims: &[usize]) -> Vec<Dim> {
    dims.iter().map(|&size| Dim::Known(size)).collect()
}

pub(crate) fn ints(values: &[usize]) -> Attribute {
    Attribute::Ints(values.iter().map(|&value| value as i64).collect())
}
