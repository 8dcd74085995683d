//! The layout that values have around every node, as engines keep them.

use std::collections::HashMap;

use edgefit_device::rates::OpLayout;
use edgefit_graph::infer::Inference;
use edgefit_graph::ops::{Conv, Op};
use edgefit_graph::topology::Topology;
use edgefit_graph::{Graph, Node};

/// Layouts of the values of a graph, followed node by node.
pub(super) struct Layouts<'g> {
    graph: &'g Graph,
    inference: &'g Inference,
    topology: &'g Topology<'g>,
    of_value: HashMap<&'g str, OpLayout>,
}

impl<'g> Layouts<'g> {
    /// Nothing is known yet.
    pub fn new(graph: &'g Graph, inference: &'g Inference, topology: &'g Topology<'g>) -> Self {
        Layouts {
            graph,
            inference,
            topology,
            of_value: HashMap::new(),
        }
    }

    /// The layout that `node` runs in, once the nodes before it were visited.
    pub fn visit(&mut self, node: &'g Node, op: Option<&Op>) -> OpLayout {
        let inherited = node
            .present_inputs()
            .find_map(|input| self.of_value.get(input).copied());
        let own = self.own(node, op, inherited);
        let written = match op {
            Some(Op::Conv(conv)) if is_depthwise(conv, node, self.inference) => OpLayout::Depthwise,
            // The normalisation after a convolution is part of it.
            Some(Op::BatchNormalization(_)) => own,
            _ if own == OpLayout::Depthwise => OpLayout::Image,
            _ => own,
        };
        for output in node.present_outputs() {
            self.of_value.insert(output, written);
        }
        match op {
            Some(Op::Transpose(_) | Op::Reshape(_)) if self.is_read_by_conv(node) => {
                OpLayout::Image
            }
            Some(Op::Transpose(_) | Op::Reshape(_)) => inherited.unwrap_or(own),
            _ => own,
        }
    }

    /// Whether an input of `node` was written by a depthwise convolution.
    pub fn reads_depthwise(&self, node: &Node) -> bool {
        node.present_inputs()
            .any(|input| self.of_value.get(input) == Some(&OpLayout::Depthwise))
    }

    /// The layout that the op of `node` sets, or else the one that it inherits.
    fn own(&self, node: &Node, op: Option<&Op>, inherited: Option<OpLayout>) -> OpLayout {
        match op {
            Some(Op::Conv(_) | Op::ConvTranspose(_)) => OpLayout::Image,
            Some(
                Op::MatMul(_)
                | Op::Gemm(_)
                | Op::Einsum(_)
                | Op::Transpose(_)
                | Op::LayerNormalization(_),
            ) => OpLayout::Token,
            Some(Op::Reshape(_)) if !self.is_image(node) => OpLayout::Token,
            _ => match inherited {
                Some(layout) => layout,
                None if self.is_image(node) => OpLayout::Image,
                None => OpLayout::Token,
            },
        }
    }

    fn is_image(&self, node: &Node) -> bool {
        node.present_outputs()
            .next()
            .and_then(|name| self.inference.get(name))
            .is_some_and(|ty| ty.dims.len() == 4)
    }

    fn is_read_by_conv(&self, node: &Node) -> bool {
        node.present_outputs().any(|output| {
            let reader = self.topology.sole_consumer(output);
            reader.is_some_and(|reader| self.graph.nodes[reader].op == "Conv")
        })
    }
}

fn is_depthwise(conv: &Conv, node: &Node, inference: &Inference) -> bool {
    let weight = node.input(1).and_then(|weight| inference.get(weight));
    conv.groups > 1 && weight.is_some_and(|ty| ty.dims.get(1) == Some(&1))
}
