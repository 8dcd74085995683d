//! What an engine has to do, op by op, after it has fused what engines fuse.

use std::collections::HashMap;

use edgefit_device::rates::{OpSize, class};
use edgefit_graph::infer::{Inference, TensorType};
use edgefit_graph::ops::{Conv, Op, Pool, Reduce, Unary};
use edgefit_graph::topology::Topology;
use edgefit_graph::{Dim, Graph, Node};

use super::composites::Composites;

/// A node that costs time.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// Index of the node.
    pub node: usize,
    /// Class, as [`edgefit_device::rates::Rate`] names it.
    pub class: String,
    /// Size.
    pub size: OpSize,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes read and written, weights included.
    pub bytes: u64,
}

/// The layout that values have around a node, on which the speed of small ops depends: engines keep
/// images in blocks of channels between convolutions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Image,
    /// Right behind a depthwise convolution, into which some engines fuse nothing.
    Depthwise,
    Token,
}

impl Context {
    fn name(self) -> &'static str {
        match self {
            Context::Image => "image",
            Context::Depthwise => "depthwise",
            Context::Token => "token",
        }
    }
}

impl Work {
    /// The work of `graph`, in graph order. Nodes of unknown shape are left out, and so are those
    /// that cost nothing: constants, views, and what is fused into a neighbour.
    pub fn of(graph: &Graph, inference: &Inference) -> Vec<Work> {
        let topology = Topology::of(graph);
        let composites = Composites::of(graph, &topology);
        let mut contexts: HashMap<&str, Context> = HashMap::new();
        let mut all = Vec::new();
        // Engines that do not know the shapes beforehand do the arithmetic of shapes in every run.
        let open = graph.free_inputs().any(|input| {
            let dims = input.dims().unwrap_or_default();
            dims.iter().any(|dim| !matches!(dim, Dim::Known(_)))
        });
        for (index, (node, op)) in graph.nodes.iter().zip(&inference.ops).enumerate() {
            let inherited = node
                .present_inputs()
                .find_map(|input| contexts.get(input).copied());
            let context = match op {
                Some(Op::Conv(_) | Op::ConvTranspose(_)) => Context::Image,
                Some(
                    Op::MatMul(_)
                    | Op::Gemm(_)
                    | Op::Einsum(_)
                    | Op::Transpose(_)
                    | Op::LayerNormalization(_),
                ) => Context::Token,
                Some(Op::Reshape(_)) if !is_image(node, inference) => Context::Token,
                _ => match inherited {
                    Some(context) => context,
                    None if is_image(node, inference) => Context::Image,
                    None => Context::Token,
                },
            };
            let left = match op {
                Some(Op::Conv(conv)) if is_depthwise(conv, node, inference) => Context::Depthwise,
                // The normalisation behind a convolution is part of it.
                Some(Op::BatchNormalization(_)) => context,
                _ if context == Context::Depthwise => Context::Image,
                _ => context,
            };
            for output in node.present_outputs() {
                contexts.insert(output, left);
            }
            let before = inherited.unwrap_or(context);
            let to_conv = || {
                let reader = |output: &str| {
                    let reader = &graph.nodes[topology.sole_consumer(output)?];
                    Some(reader.op == "Conv")
                };
                node.present_outputs()
                    .any(|output| reader(output) == Some(true))
            };
            let before = match op {
                Some(Op::Transpose(_) | Op::Reshape(_)) if to_conv() => Context::Image,
                Some(Op::Transpose(_) | Op::Reshape(_)) => before,
                _ => context,
            };
            let folded = node.present_outputs().all(|name| inference.is_folded(name));
            if folded && open && !matches!(op, Some(Op::Constant(_))) {
                all.push(Work {
                    node: index,
                    class: class::SHAPE.into(),
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
                let before = match composite {
                    Some(_) => node
                        .present_inputs()
                        .filter_map(|input| contexts.get(input).copied())
                        .find(|&context| context == Context::Depthwise)
                        .unwrap_or(before),
                    None => before,
                };
                let place = Place {
                    graph,
                    inference,
                    topology: &topology,
                    node,
                    context: before,
                };
                if let Some((class, size)) = place.work(op, composite) {
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

fn is_depthwise(conv: &Conv, node: &Node, inference: &Inference) -> bool {
    let weight = node.input(1).and_then(|weight| inference.get(weight));
    conv.groups > 1 && weight.is_some_and(|ty| ty.dims.get(1) == Some(&1))
}

fn is_image(node: &Node, inference: &Inference) -> bool {
    node.present_outputs()
        .next()
        .and_then(|name| inference.get(name))
        .is_some_and(|ty| ty.dims.len() == 4)
}

struct Place<'g> {
    graph: &'g Graph,
    inference: &'g Inference,
    topology: &'g Topology<'g>,
    node: &'g Node,
    context: Context,
}

impl Place<'_> {
    /// Class and size of the node; `None` for one that costs nothing.
    fn work(&self, op: &Op, composite: Option<&'static str>) -> Option<(String, OpSize)> {
        let output = self.inference.get(self.node.present_outputs().next()?)?;
        let dims = |index: usize| self.dims(index);
        let product = |dims: &[usize]| {
            let sizes = dims.iter().map(|&size| size as u64);
            sizes.fold(1, u64::saturating_mul)
        };
        let window = |op: &str, channels: u64, kernel: &[usize]| {
            let (spatial, made) = (product(dims(0)?.get(2..)?), product(output.dims.get(2..)?));
            Some((
                op.to_owned(),
                OpSize {
                    inputs: channels,
                    outputs: *output.dims.get(1)? as u64,
                    positions: *output.dims.first()? as u64 * made,
                    taps: product(kernel),
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
                    (1, _) if product(kernel) == 1 => class::POINTWISE,
                    (1, _) => class::DENSE,
                    (_, 1) => class::DEPTHWISE,
                    _ => class::GROUPED,
                };
                window(class, channels, kernel)
            }
            Op::ConvTranspose(_) => {
                let weight = dims(1)?;
                Some((
                    class::DENSE.to_owned(),
                    OpSize {
                        inputs: *weight.first()? as u64,
                        outputs: *weight.get(1)? as u64,
                        positions: product(dims(0)?) / (*dims(0)?.get(1)?).max(1) as u64,
                        taps: product(weight.get(2..)?),
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
                let class = if constant { class::GEMM } else { class::MATMUL };
                Some((
                    class.to_owned(),
                    OpSize {
                        inputs: inner,
                        outputs: columns,
                        positions: rows / batch.max(1),
                        taps: batch,
                        stride: 1,
                    },
                ))
            }
            Op::Reshape(_) if self.context == Context::Token => {
                Some((class::VIEW.into(), OpSize::ONE))
            }
            Op::Flatten(_) | Op::Squeeze(_) | Op::Unsqueeze(_) => {
                Some((class::VIEW.into(), OpSize::ONE))
            }
            Op::Dropout { .. }
            | Op::Constant(_)
            | Op::Shape(_)
            | Op::Size
            | Op::Unary(Unary::Identity) => None,
            Op::BatchNormalization(_) if self.follows_conv() => None,
            Op::Pool(Pool { kernel, .. }) => {
                window(&self.small(&self.node.op), 1, kernel).filter(|_| output.dims.len() > 2)
            }
            _ => {
                let label = composite.map_or_else(|| self.label(op), str::to_owned);
                // What is read counts where less is written.
                let larger = match op {
                    Op::Reduce(_) | Op::ArgReduce(_) | Op::TopK(_) => dims(0)?,
                    _ => &output.dims,
                };
                let channel = match self.context {
                    Context::Image | Context::Depthwise => larger.get(1),
                    Context::Token => larger.last(),
                };
                let channels = channel.map_or(1, |&channels| channels as u64).max(1);
                Some((
                    self.small(&label),
                    OpSize {
                        inputs: 1,
                        outputs: channels,
                        positions: product(larger) / channels,
                        taps: 1,
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

    fn small(&self, label: &str) -> String {
        format!("{}:{label}", self.context.name())
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
            // The mean over a whole image goes by several names.
            Op::Reduce(Reduce { .. }) if self.context != Context::Token => "ReduceMean".into(),
            _ => name.clone(),
        }
    }
}

/// The step of a window that makes `made` positions of `read` ones.
fn stride(read: u64, made: u64, dimensions: usize) -> u64 {
    let ratio = read as f64 / made.max(1) as f64;
    (ratio.powf(1.0 / dimensions.max(1) as f64).round() as u64).max(1)
}
