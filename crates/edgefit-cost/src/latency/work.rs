//! What an engine has to do, op by op, after it has fused what engines fuse.

use edgefit_device::rates::{OpClass, OpLayout, OpSize};
use edgefit_graph::infer::{Inference, TensorType};
use edgefit_graph::ops::{Op, Pool, Reduce, Unary};
use edgefit_graph::topology::Topology;
use edgefit_graph::{Dim, Graph, Node};

use super::composites::Composites;
use super::layouts::Layouts;

/// A node that costs time.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// Index of the node.
    pub node: usize,
    /// Class of op.
    pub class: OpClass,
    /// Size.
    pub size: OpSize,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes read and written, weights included.
    pub bytes: u64,
}

impl Work {
    /// The work of `graph`, in graph order. Nodes of unknown shape are left out, and so are those
    /// that cost nothing: constants, views, and what is fused into a neighbour.
    pub fn of(graph: &Graph, inference: &Inference) -> Vec<Work> {
        let topology = Topology::of(graph);
        let composites = Composites::of(graph, &topology);
        let mut layouts = Layouts::new(graph, inference, &topology);
        let mut all = Vec::new();
        // Engines that do not know the shapes beforehand do the arithmetic of shapes in every run.
        let open = graph.free_inputs().any(|input| {
            let dims = input.dims().unwrap_or_default();
            dims.iter().any(|dim| !matches!(dim, Dim::Known(_)))
        });
        for (index, (node, op)) in graph.nodes.iter().zip(&inference.ops).enumerate() {
            let layout = layouts.visit(node, op.as_ref());
            let folded = node.present_outputs().all(|name| inference.is_folded(name));
            if folded && open && !matches!(op, Some(Op::Constant(_))) {
                all.push(Work {
                    node: index,
                    class: OpClass::Shape,
                    size: OpSize::ONE,
                    macs: 0,
                    bytes: 0,
                });
            }
            if let Some(op) = op
                && !folded
                && !composites.absorbed.contains(&index)
            {
                let composite = composites.made.get(&index).copied();
                let after_depthwise = composite.is_some() && layouts.reads_depthwise(node);
                let located = LocatedNode {
                    graph,
                    inference,
                    topology: &topology,
                    node,
                    layout: if after_depthwise {
                        OpLayout::Depthwise
                    } else {
                        layout
                    },
                };
                if let Some((class, size)) = located.work(op, composite) {
                    let inputs = inference.inputs_of(node);
                    let output = node
                        .present_outputs()
                        .next()
                        .and_then(|name| inference.get(name));
                    let read: usize = inputs.iter().flatten().map(|ty| ty.bytes()).sum();
                    all.push(Work {
                        node: index,
                        class,
                        size,
                        macs: output.map_or(0, |output| op.macs(&inputs, output)),
                        bytes: (read + output.map_or(0, TensorType::bytes)) as u64,
                    });
                }
            }
        }
        all
    }
}

/// A node with what its work depends on.
struct LocatedNode<'g> {
    graph: &'g Graph,
    inference: &'g Inference,
    topology: &'g Topology<'g>,
    node: &'g Node,
    layout: OpLayout,
}

impl LocatedNode<'_> {
    /// Class and size of the node; `None` for one that costs nothing.
    fn work(&self, op: &Op, composite: Option<&'static str>) -> Option<(OpClass, OpSize)> {
        let output = self.inference.get(self.node.present_outputs().next()?)?;
        let dims = |index: usize| self.dims(index);
        let product = |dims: &[usize]| {
            let sizes = dims.iter().map(|&size| size as u64);
            sizes.fold(1, u64::saturating_mul)
        };
        let window = |class: OpClass, channels: u64, kernel: &[usize]| {
            let (spatial, made) = (product(dims(0)?.get(2..)?), product(output.dims.get(2..)?));
            Some((
                class,
                OpSize {
                    inputs: channels,
                    outputs: *output.dims.get(1)? as u64,
                    output_positions: *output.dims.first()? as u64 * made,
                    kernel_elements: product(kernel),
                    stride: stride(spatial, made, output.dims.len() - 2),
                },
            ))
        };
        match op {
            Op::Conv(conv) => {
                let weight = dims(1)?;
                let channels = *weight.get(1)? as u64;
                let kernel = weight.get(2..)?;
                let class = match (conv.groups, channels) {
                    (1, _) if product(kernel) == 1 => OpClass::Pointwise,
                    (1, _) => OpClass::Dense,
                    (_, 1) => OpClass::Depthwise,
                    _ => OpClass::Grouped,
                };
                window(class, channels, kernel)
            }
            Op::ConvTranspose(_) => {
                let weight = dims(1)?;
                Some((
                    OpClass::Dense,
                    OpSize {
                        inputs: *weight.first()? as u64,
                        outputs: *weight.get(1)? as u64,
                        output_positions: product(dims(0)?) / (*dims(0)?.get(1)?).max(1) as u64,
                        kernel_elements: product(weight.get(2..)?),
                        stride: 1,
                    },
                ))
            }
            Op::Gemm(_) | Op::MatMul(_) | Op::Einsum(_) => {
                let columns = *output.dims.last()? as u64;
                let inputs = self.inference.inputs_of(self.node);
                let inner = op.macs(&inputs, output) / (output.elements() as u64).max(1);
                let second = self.node.input(1)?;
                let constant = self.graph.initializers.contains_key(second)
                    || self.inference.constant(second).is_some();
                let rows = (output.elements() as u64) / columns.max(1);
                let batch = match (constant, op) {
                    (false, Op::MatMul(_) | Op::Einsum(_)) => {
                        product(output.dims.get(..output.dims.len().saturating_sub(2))?)
                    }
                    _ => 1,
                };
                let class = if constant {
                    OpClass::Gemm
                } else {
                    OpClass::MatMul
                };
                Some((
                    class,
                    OpSize {
                        inputs: inner,
                        outputs: columns,
                        output_positions: rows / batch.max(1),
                        kernel_elements: batch,
                        stride: 1,
                    },
                ))
            }
            Op::Reshape(_) if self.layout == OpLayout::Token => Some((OpClass::View, OpSize::ONE)),
            Op::Flatten(_) | Op::Squeeze(_) | Op::Unsqueeze(_) => {
                Some((OpClass::View, OpSize::ONE))
            }
            Op::Dropout { .. }
            | Op::Constant(_)
            | Op::Shape(_)
            | Op::Size
            | Op::Unary(Unary::Identity) => None,
            Op::BatchNormalization(_) if self.follows_conv() => None,
            Op::Pool(Pool { kernel, .. }) => window(self.small(self.node.op.clone()), 1, kernel)
                .filter(|_| output.dims.len() > 2),
            _ => {
                let label = composite.map_or_else(|| self.label(op), str::to_owned);
                // What is read counts where less is written.
                let larger = match op {
                    Op::Reduce(_) | Op::ArgReduce(_) | Op::TopK(_) => dims(0)?,
                    _ => &output.dims,
                };
                let channel = match self.layout {
                    OpLayout::Image | OpLayout::Depthwise => larger.get(1),
                    OpLayout::Token => larger.last(),
                };
                let channels = channel.map_or(1, |&channels| channels as u64).max(1);
                Some((
                    self.small(label),
                    OpSize {
                        inputs: 1,
                        outputs: channels,
                        output_positions: product(larger) / channels,
                        kernel_elements: 1,
                        stride: 1,
                    },
                ))
            }
        }
    }

    fn dims(&self, index: usize) -> Option<&[usize]> {
        let ty = self.inference.get(self.node.input(index)?)?;
        Some(&ty.dims)
    }

    fn small(&self, label: String) -> OpClass {
        OpClass::Other(self.layout, label)
    }

    fn follows_conv(&self) -> bool {
        let producer = self.node.input(0).and_then(|input| {
            self.topology.sole_consumer(input)?;
            self.topology.producer(input)
        });
        producer.is_some_and(|producer| self.graph.nodes[producer].op == "Conv")
    }

    /// The operator, and for the arithmetic of two values how the second is spread over the first.
    fn label(&self, op: &Op) -> String {
        let name = &self.node.op;
        match op {
            Op::Binary(_) => {
                let elements = |index| self.dims(index).map_or(1, |dims| dims.iter().product());
                let (a, b): (usize, usize) = (elements(0), elements(1));
                match a.min(b) {
                    1 => format!("{name}Scalar"),
                    small if small < a.max(b) => format!("{name}Spread"),
                    _ => name.clone(),
                }
            }
            Op::Resize(resize) => format!("Resize{}", resize.filter()),
            // Exporters write the mean over a whole image with several ops.
            Op::Reduce(Reduce { .. }) if self.layout != OpLayout::Token => "ReduceMean".into(),
            _ => name.clone(),
        }
    }
}

/// The stride of a kernel that makes `made` positions of `read` ones.
fn stride(read: u64, made: u64, dimensions: usize) -> u64 {
    let ratio = read as f64 / made.max(1) as f64;
    (ratio.powf(1.0 / dimensions.max(1) as f64).round() as u64).max(1)
}
