//! Each quantised layer of a model, and what can go wrong in the registers of its integer kernel.

use serde::Serialize;

use super::accumulation::{Accumulation, Bounds, Reduction};
use super::scaling::Scaling;
use crate::graph::{Graph, Node};
use crate::tensor::{DataType, Tensor};
use crate::topology::Topology;

/// A layer with integer weights, and the largest sums of its kernel.
#[derive(Debug, Clone, Serialize)]
pub struct LayerSafety {
    /// Name of the node.
    pub node: String,
    /// Operator.
    pub op: String,
    /// The largest sums.
    #[serde(flatten)]
    pub bounds: Bounds,
    /// Whether they fit an accumulator of 32 bits.
    pub fits_accumulator: bool,
    /// Whether ONNX Runtime computes it right on x86 without VNNI; see [`Accumulation::bounds`].
    pub safe_without_vnni: bool,
}

/// The convolutions and matrix products of `graph` whose activation and constant weights come out of
/// DequantizeLinear nodes in 8 bits, in graph order.
pub fn layer_safety(graph: &Graph) -> Vec<LayerSafety> {
    let topology = Topology::of(graph);
    let layers = graph.nodes.iter();
    let layers = layers.filter_map(|node| {
        let layer = Layer {
            graph,
            topology: &topology,
            node,
        };
        let bounds = layer.bounds()?;
        Some(LayerSafety {
            node: node.label().to_owned(),
            op: node.op.clone(),
            fits_accumulator: bounds.fits_accumulator(),
            safe_without_vnni: bounds.fits_accumulator() && bounds.fits_pairs(),
            bounds,
        })
    });
    layers.collect()
}

/// A node, where it is.
struct Layer<'g> {
    graph: &'g Graph,
    topology: &'g Topology<'g>,
    node: &'g Node,
}

impl<'g> Layer<'g> {
    fn bounds(&self) -> Option<Bounds> {
        let (_, input) = self.dequantized(0)?;
        let (weight, scaling) = self.dequantized(1)?;
        let weight = self.graph.initializers.get(weight)?;
        // ONNX has weights and their zero point in one type.
        if weight.elements() == 0 || scaling.dtype != weight.dtype() {
            return None;
        }
        let order = Order::of(self.node, weight.dims())?;
        let integer: fn(u8) -> i64 = match weight.dtype() {
            DataType::I8 => |byte| byte.cast_signed().into(),
            DataType::U8 => |byte| byte.into(),
            _ => return None,
        };
        let bias = self.dequantized(2).and_then(|(name, _)| {
            let tensor = self.graph.initializers.get(name)?;
            tensor.to_i64().ok()
        });
        // Kernels for weights without sign widen them first.
        let widened = self.is_depthwise(weight) || weight.dtype() != DataType::I8;
        let mut bounds = Bounds::NONE;
        // Row by row: a weight may be large.
        for row in 0..order.rows {
            let integers = (0..order.length).map(|at| weight.bytes().get(order.index(row, at)));
            let integers: Option<Vec<i64>> =
                integers.map(|byte| byte.copied().map(integer)).collect();
            let zero_points = &scaling.zero_points;
            let bias = bias.as_ref().and_then(|bias| bias.get(row)).copied();
            let layer = Accumulation {
                rows: &[integers?],
                weight_zero_points: &[*zero_points.get(row).or(zero_points.first())?],
                input: input.limits()?,
                input_zero_point: *input.zero_points.first()?,
                bias: &[bias.unwrap_or(0)],
                reduction: if widened {
                    Reduction::Depthwise
                } else {
                    Reduction::Shared
                },
            };
            bounds = bounds.widened(layer.bounds());
        }
        Some(bounds)
    }

    /// What input `index` is made of, and its scaling.
    fn dequantized(&self, index: usize) -> Option<(&'g str, Scaling)> {
        let maker = self.topology.producer(self.node.input(index)?)?;
        let maker = &self.graph.nodes[maker];
        if maker.op != "DequantizeLinear" {
            return None;
        }
        let scaling = Scaling::of(self.graph, self.topology, maker)?;
        Some((maker.input(0)?, scaling))
    }

    fn is_depthwise(&self, weight: &Tensor) -> bool {
        let groups = self.node.int_or("group", 1).unwrap_or(1);
        let each_its_own = matches!(*weight.dims(), [rows, 1, ..] if rows as i64 == groups);
        self.node.op == "Conv" && groups > 1 && each_its_own
    }
}

/// Where the weights of each output channel lie, in the order in which kernels add up their products.
struct Order {
    rows: usize,
    length: usize,
    /// Bytes from one row to the next.
    row_step: usize,
    /// Weights of a row that are read before one moves on by `outer_step`.
    inner: usize,
    inner_step: usize,
    outer_step: usize,
}

impl Order {
    fn of(node: &Node, dims: &[usize]) -> Option<Self> {
        let by_rows = |rows, columns| Order {
            rows,
            length: columns,
            row_step: columns,
            inner: columns,
            inner_step: 1,
            outer_step: 0,
        };
        let by_columns = |rows, columns| Order {
            rows: columns,
            length: rows,
            row_step: 1,
            inner: rows,
            inner_step: columns,
            outer_step: 0,
        };
        match (node.op.as_str(), dims) {
            // The channels of a position, then those of the next.
            ("Conv", &[rows, channels, ref window @ ..]) => {
                let positions: usize = window.iter().product();
                Some(Order {
                    rows,
                    length: channels * positions,
                    row_step: channels * positions,
                    inner: channels,
                    inner_step: positions,
                    outer_step: 1,
                })
            }
            ("Gemm", &[rows, columns]) if node.int_or("transB", 0).ok()? != 0 => {
                Some(by_rows(rows, columns))
            }
            ("Gemm" | "MatMul", &[rows, columns]) => Some(by_columns(rows, columns)),
            _ => None,
        }
    }

    /// Index of the weight `at` of `row`.
    fn index(&self, row: usize, at: usize) -> usize {
        let (outer, inner) = (at / self.inner.max(1), at % self.inner.max(1));
        row * self.row_step + inner * self.inner_step + outer * self.outer_step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attribute;

    /// A quantised convolution of weights of this shape.
    fn convolution(dims: Vec<usize>, weights: &[i8], groups: i64) -> Graph {
        let mut graph = Graph::new("g", 17);
        let mut constant = |name: &str, tensor: Tensor| {
            graph.initializers.insert(name.into(), tensor);
        };
        let rows = dims[0];
        constant("w", Tensor::from_values(dims, weights));
        constant("s", Tensor::from_values(vec![], &[0.1f32]));
        constant("zx", Tensor::from_values(vec![], &[3u8]));
        constant("zw", Tensor::from_values(vec![], &[0i8]));
        constant("b", Tensor::from_values(vec![rows], &vec![7i32; rows]));
        graph.nodes = vec![
            Node::new("QuantizeLinear", "qx", &["x", "s", "zx"], &["xq"]),
            Node::new("DequantizeLinear", "dx", &["xq", "s", "zx"], &["xd"]),
            Node::new("DequantizeLinear", "dw", &["w", "s", "zw"], &["wd"]),
            Node::new("DequantizeLinear", "db", &["b", "s"], &["bd"]),
            Node::new("Conv", "conv", &["xd", "wd", "bd"], &["c"])
                .with("group", Attribute::Int(groups)),
        ];
        graph
    }

    #[test]
    fn channels_of_a_position_are_neighbours() {
        // Two channels of two positions: 100 and 30 meet, and then 1 and 2.
        let found = layer_safety(&convolution(vec![1, 2, 2], &[100, 1, 30, 2], 1));
        assert_eq!(found[0].bounds.pair, [0, 130 * 255]);
        assert!(!found[0].safe_without_vnni && found[0].fits_accumulator);
        assert_eq!(found[0].bounds.accumulator, 7 + 133 * 252);
        let found = layer_safety(&convolution(vec![1, 2, 2], &[100, 30, 1, 2], 1));
        assert!(found[0].safe_without_vnni);
        let depthwise = layer_safety(&convolution(vec![2, 1, 2], &[100, 100, 1, 2], 2));
        assert!(depthwise[0].safe_without_vnni);
    }

    #[test]
    fn matrix_products_add_up_columns() {
        let mut graph = convolution(vec![2, 2], &[100, 1, 100, 1], 1);
        graph.nodes[4] = Node::new("MatMul", "fc", &["xd", "wd"], &["c"]);
        assert!(!layer_safety(&graph)[0].safe_without_vnni);
        let rows = Node::new("Gemm", "fc", &["xd", "wd"], &["c"]);
        graph.nodes[4] = rows.with("transB", Attribute::Int(1));
        assert!(layer_safety(&graph)[0].safe_without_vnni);
        // Weights of floats have no sums of integers.
        graph.nodes[4].inputs[1] = "v".into();
        assert!(layer_safety(&graph).is_empty());
    }

    #[test]
    fn a_zero_point_of_another_type_than_the_weights_is_not_taken_off() {
        let mut graph = convolution(vec![1, 2, 2], &[100, 1, 30, 2], 1);
        let wide = Tensor::from_values(vec![], &[i64::MIN]);
        graph.initializers.insert("zw".into(), wide);
        assert!(layer_safety(&graph).is_empty());
    }
}
