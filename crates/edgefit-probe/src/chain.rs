//! A network whose layers stand one behind the other, built without weights from outside.

use edgefit_graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};

const OPSET: i64 = 17;

/// A chain of layers, each reading what the one before wrote.
///
/// Nodes are named `k0.`, `k1.` and so on: no name is the beginning of another, so that an engine's
/// own names tell which node they come from.
pub struct Chain {
    graph: Graph,
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
    /// An empty chain behind an input of shape `dims`.
    pub fn new(dims: &[usize]) -> Self {
        let mut graph = Graph::new("probe", OPSET);
        graph.inputs.push(ValueInfo::f32("input", known(dims)));
        Chain {
            graph,
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
        let weight = self.weight(&[outputs, self.dims[1] / groups, kernel, kernel]);
        let bias = self.weight(&[outputs]);
        let side = |side: usize| (side + 2 * (kernel / 2) - kernel) / stride + 1;
        let dims = vec![
            self.dims[0],
            outputs,
            side(self.dims[2]),
            side(self.dims[3]),
        ];
        self.before_layer.clone_from(&self.end);
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
        let weight = self.weight(&[width, outputs]);
        dims.push(outputs);
        self.before_layer.clone_from(&self.end);
        self.push(Node::new("MatMul", "", &["", &weight], &[]), dims);
    }

    /// Appends `node`, which makes a value of shape `dims`; it is given a name, and the value at the
    /// end for an input that is empty.
    pub fn push(&mut self, mut node: Node, dims: Vec<usize>) {
        node.name = format!("k{}.", self.graph.nodes.len());
        for input in node.inputs.iter_mut().filter(|input| input.is_empty()) {
            input.clone_from(&self.end);
        }
        self.end = format!("{}out", node.name);
        node.outputs = vec![self.end.clone()];
        self.graph.nodes.push(node);
        self.dims = dims;
    }

    /// An initializer of fixed values around 0 that keep activations in range.
    pub fn weight(&mut self, dims: &[usize]) -> String {
        let count: usize = dims.iter().product();
        let fan_in = dims.iter().skip(1).product::<usize>().max(1) as f32;
        let values = spread(count, fan_in.sqrt().recip());
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

/// `count` unlike values between −`scale` and `scale`, always the same.
pub fn spread(count: usize, scale: f32) -> Vec<f32> {
    (0..count as u32)
        .map(|index| {
            let mixed = index.wrapping_mul(2_654_435_761) >> 8;
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
