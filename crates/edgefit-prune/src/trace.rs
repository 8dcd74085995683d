//! [`Trace`]: a walk along the graph that follows every channel from the layer that makes it to those that
//! read it.

mod elementwise;
mod layers;
mod moves;
mod reshape;

use std::collections::HashMap;

use edgefit_graph::infer::Inference;
use edgefit_graph::ops::Op;
use edgefit_graph::{Graph, Node};

use crate::channels::{Channels, Labels};
use crate::layer::Layer;

/// The channels along each dimension of a tensor; `None` where nothing can be removed.
pub(crate) type Axes = Vec<Option<Labels>>;

/// A constant whose dimensions are channels.
#[derive(Debug, Clone, Default)]
struct Constant {
    axes: Axes,
    /// How often each of them was read as such.
    reads: Vec<usize>,
}

/// What is known of the channels of a graph, node by node.
pub(crate) struct Trace<'g> {
    pub graph: &'g Graph,
    pub inference: &'g Inference,
    pub channels: Channels,
    pub values: HashMap<&'g str, Axes>,
    pub layers: Vec<Layer>,
    constants: HashMap<&'g str, Constant>,
}

impl<'g> Trace<'g> {
    /// Follows all channels of `graph`, of which `inference` knows the shapes.
    pub fn of(graph: &'g Graph, inference: &'g Inference) -> Self {
        let mut trace = Trace {
            graph,
            inference,
            channels: Channels::default(),
            values: HashMap::new(),
            layers: Vec::new(),
            constants: HashMap::new(),
        };
        for (index, node) in graph.nodes.iter().enumerate() {
            let mut outputs = node.present_outputs();
            if !outputs.all(|output| inference.is_folded(output)) {
                trace.node(index, node);
            }
        }
        for output in &graph.outputs {
            let reason = format!("output '{}' of the model", output.name);
            for labels in trace.axes(&output.name).into_iter().flatten() {
                trace.channels.freeze(&labels, &reason);
            }
        }
        trace.freeze_shared_constants();
        trace
    }

    /// Channels of the dimensions of each constant that has some.
    pub fn constants(&self) -> impl Iterator<Item = (&'g str, &Axes)> {
        let constants = self.constants.iter();
        constants.map(|(name, constant)| (*name, &constant.axes))
    }

    fn node(&mut self, index: usize, node: &'g Node) {
        let Some(Some(op)) = self.inference.ops.get(index) else {
            self.lose_inputs(node, "is not known");
            return;
        };
        let mut inputs = node.present_inputs();
        if inputs.any(|input| self.inference.get(input).is_none()) {
            self.lose_inputs(node, "reads what is not known");
            return;
        }
        match op {
            Op::Conv(conv) => self.conv(index, conv.groups),
            Op::ConvTranspose(conv) => self.conv_transpose(index, conv.groups),
            Op::Gemm(gemm) => self.gemm(index, *gemm),
            Op::MatMul(_) => self.matmul(index),
            Op::BatchNormalization(norm) if !norm.training_mode => {
                self.normalization(node, "normalises by");
            }
            Op::GroupNormalization(norm) => self.group_normalization(node, norm),
            Op::LayerNormalization(norm) => {
                let rank = self.rank(node.input(0));
                let first = norm.axis(rank).unwrap_or(0);
                self.over(node, &(first..rank).collect::<Vec<_>>(), "normalises over");
            }
            Op::Unary(_) | Op::Cast(_) | Op::Dropout { .. } => self.over(node, &[], ""),
            Op::Binary(_) | Op::Variadic(_) | Op::Where => self.elementwise(node),
            Op::Pool(_) => {
                let rank = self.rank(node.input(0));
                self.over(node, &(2..rank).collect::<Vec<_>>(), "pools");
            }
            Op::Softmax(softmax) => {
                let rank = self.rank(node.input(0));
                let first = softmax.axis_index(rank).unwrap_or(0);
                let last = if softmax.to_the_end { rank } else { first + 1 };
                self.over(node, &(first..last).collect::<Vec<_>>(), "sums over");
            }
            Op::Reduce(reduce) => self.reduce(node, reduce),
            Op::Concat(concat) => self.concat(node, *concat),
            Op::Split(split) => self.split(node, split),
            Op::Slice(slice) => self.slice(node, slice),
            Op::Gather(gather) => self.gather(node, *gather),
            Op::Flatten(_) | Op::Reshape(_) | Op::Squeeze(_) | Op::Unsqueeze(_) => {
                self.reshape(node);
            }
            Op::Transpose(transpose) => self.transpose(node, transpose),
            Op::Pad(pad) => self.pad(node, pad),
            Op::Resize(_) | Op::Expand(_) => self.same_sizes(node),
            Op::Shape(_) | Op::Size => {}
            _ => self.lose_inputs(node, "is not followed"),
        }
    }

    /// Channels of the value `name`.
    fn axes(&self, name: &str) -> Axes {
        self.values.get(name).cloned().unwrap_or_default()
    }

    /// Channels along a dimension of the value `name`.
    fn labels(&self, name: &str, axis: usize) -> Option<Labels> {
        self.values.get(name)?.get(axis)?.clone()
    }

    fn dims(&self, name: &str) -> &'g [usize] {
        self.inference.get(name).map_or(&[], |ty| &ty.dims)
    }

    fn rank(&self, name: Option<&str>) -> usize {
        name.map_or(0, |name| self.dims(name).len())
    }

    /// Gives the first output of `node` channels.
    fn set(&mut self, node: &'g Node, axes: Axes) {
        if let Some(output) = node.outputs.first() {
            self.values.insert(output, axes);
        }
    }

    /// Has `labels` stay because of what `node` does.
    fn lose(&mut self, node: &Node, labels: &[u32], what: &str) {
        let reason = format!("{} {what}", node.place());
        self.channels.freeze(labels, &reason);
    }

    /// Has all channels that `node` reads stay.
    fn lose_inputs(&mut self, node: &Node, what: &str) {
        for input in node.present_inputs() {
            for labels in self.axes(input).into_iter().flatten() {
                self.lose(node, &labels, what);
            }
        }
    }

    /// `node` hands its first input on, but for channels along `over`, which have to stay.
    fn over(&mut self, node: &'g Node, over: &[usize], what: &str) {
        let mut axes = self.axes(node.input(0).unwrap_or_default());
        for &axis in over {
            if let Some(labels) = axes.get_mut(axis).and_then(Option::take) {
                self.lose(node, &labels, &format!("{what} its channels"));
            }
        }
        self.set(node, axes);
    }

    /// Says that a dimension of the constant `name` is `labels`, whatever reads it; false if it is no
    /// constant of that size.
    fn bind(&mut self, name: &str, axis: usize, labels: &Labels) -> bool {
        let Some((name, tensor)) = self.graph.initializers.get_key_value(name) else {
            return false;
        };
        if tensor.dims().get(axis) != Some(&labels.len()) {
            return false;
        }
        let constant = self.constants.entry(name).or_default();
        constant.axes.resize(tensor.dims().len(), None);
        constant.reads.resize(tensor.dims().len(), 0);
        constant.reads[axis] += 1;
        match constant.axes[axis].clone() {
            Some(known) => self.channels.join_all(&known, labels),
            None => constant.axes[axis] = Some(labels.clone()),
        }
        true
    }

    /// Constants that something else reads, too, stay as they are.
    fn freeze_shared_constants(&mut self) {
        let mut reads: HashMap<&str, usize> = HashMap::new();
        for name in self.graph.nodes.iter().flat_map(Node::present_inputs) {
            *reads.entry(name).or_default() += 1;
        }
        for output in &self.graph.outputs {
            *reads.entry(&output.name).or_default() += 1;
        }
        for (name, constant) in &self.constants {
            let reason = format!("weight '{name}' is read elsewhere, too");
            for (labels, as_such) in constant.axes.iter().zip(&constant.reads) {
                if let Some(labels) = labels
                    && reads.get(name) != Some(as_such)
                {
                    self.channels.freeze(labels, &reason);
                }
            }
        }
    }
}
